"""Label faults, told from drift of the label."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from sensor_stream import FEATURES, changed, pair

from ratoon.data.metrics.metrics import METRICS, Interval, Outcomes, interval
from ratoon.data.window import Window
from ratoon.monitors.labels.judged import Judged, WindowBefore
from ratoon.monitors.quality import Quality
from ratoon.spec.keys.watching import QualitySpec
from ratoon.spec.values import Signal


def labelled(view: Window, *, seed: int, delay: timedelta = timedelta(0)) -> Window:
    """A binary label that goes with temp and load; not arrived yet at the window's end where it is late."""
    frame = view.frame
    z = (frame["temp"] - 5) / 8 + (frame["load"] - 40) / 4 + np.random.default_rng(seed).normal(0, 1, len(frame))
    arrives = frame["_time"] + delay
    there = arrives <= view.span.end
    target = (z > 0).astype(float).where(there)
    moved = changed(view, _target=target, _label_time=arrives.where(there))
    return replace(moved, labelled=int(there.sum()))


def said(view: Window, *, seed: int = 5) -> Outcomes:
    """A champion that knows temp and load."""
    frame = view.frame[view.frame["_target"].notna()]
    z = (frame["temp"] - 5) / 8 + (frame["load"] - 40) / 4 + np.random.default_rng(seed).normal(0, 0.5, len(frame))
    score = 1 / (1 + np.exp(-z.to_numpy()))
    return Outcomes(frame["_target"].to_numpy(), (score > 0.5).astype(float), score, (0.0, 1.0))


def screen(
    reference: Window,
    current: Window,
    outcomes: Outcomes,
    task: str = "binary",
    earlier: tuple[WindowBefore, ...] = (),
    accepted: float = 0.85,
) -> list[Signal]:
    metric = {"binary": "roc_auc", "regression": "mae"}[task]
    was = Interval(accepted, accepted - 0.02, accepted + 0.02, 900)
    judged = Judged(
        task, metric, outcomes, was if task == "binary" else interval(METRICS["mae"], outcomes), before=lambda: earlier
    )
    return Quality(QualitySpec(), FEATURES, judged=judged)(reference, current)


def failed(signals: list[Signal]) -> set[str]:
    return {s.metric for s in signals if s.status == "fail"}


def windows(**late: timedelta) -> tuple[Window, Window]:
    reference, current = pair()
    return labelled(reference, seed=1, **late), labelled(current, seed=2, **late)


def test_sound_labels_pass():
    reference, current = windows()

    found = screen(reference, current, said(current))

    assert failed(found) == set()
    assert {s.status for s in found if s.metric.startswith("label")} == {"ok"}


@pytest.mark.parametrize("share", [1.0, 0.5])
def test_flipped_labels_are_named(share):
    reference, current = windows()
    start = int((1 - share) * len(current.frame))
    broken = changed(current, _target=lambda c: c.where(c.index < start, 1 - c))

    assert "label_order" in failed(screen(reference, broken, said(broken)))


def test_labels_on_the_wrong_rows_are_named():
    reference, current = windows()
    broken = changed(current, _target=lambda c: np.random.default_rng(0).permutation(c.to_numpy()))

    assert failed(screen(reference, broken, said(broken))) == {"label_rows"}


def test_screens_of_one_model_leave_those_of_another_with_the_same_reference_alone():
    """Labels that no screen can code, and classes the other way round, are looked at first."""
    reference, current = windows()
    alone = screen(reference, current, said(current))
    fresh, later = (changed(view, load=lambda c: c + 1) for view in (reference, current))  # nothing is kept of it
    for classes in ((8.0, 9.0), (1.0, 0.0)):
        screen(fresh, later, replace(said(later), classes=classes))

    found = screen(fresh, later, said(later))

    assert [(s.metric, s.column, s.status) for s in found] == [(s.metric, s.column, s.status) for s in alone]


def other(view: Window, *, seed: int, temp: float, load: float) -> Window:
    """Labels that go with temp and load in another way."""
    frame = view.frame
    drawn = np.random.default_rng(seed).normal(0, 0.5, len(frame))
    z = temp * (frame["temp"] - 5) / 8 + load * (frame["load"] - 40) / 4 + drawn
    return changed(view, _target=(z > 0).astype(float))


def before(*windows: Window) -> tuple[WindowBefore, ...]:
    return tuple(WindowBefore(each.frame, said(each)) for each in windows)


@pytest.mark.parametrize("weights", [(-1.0, 0.6), (-1.0, 0.4), (-1.0, 0.2)])
def test_a_relation_that_turned_part_of_the_way_round_is_harm_and_no_fault(weights):
    """Scores rank labels the wrong way round, but flipped labels would mirror the ranking, and this does not."""
    reference, current = windows()
    turned = other(current, seed=3, temp=weights[0], load=weights[1])

    assert "label_order" not in failed(screen(reference, turned, said(turned), accepted=0.95))


def test_labels_that_stay_flipped_are_the_world_as_it_is_now():
    """For two windows they are a fault; in the third it is known that it lasts."""
    reference, current = windows()
    flip = lambda view: changed(view, _target=lambda c: 1 - c)  # noqa: E731
    flipped = flip(current)
    sound, old = current, flip(labelled(pair(seed=9)[1], seed=9))

    for earlier in ((), before(sound, sound), before(old, sound)):
        assert {"label_order", "label_rows"} & failed(screen(reference, flipped, said(flipped), earlier=earlier))
    found = screen(reference, flipped, said(flipped), earlier=before(old, flip(labelled(pair(seed=8)[1], seed=8))))
    assert not {"label_order", "label_rows"} & failed(found)
    assert {s.metric for s in found if s.lasting} >= {"label_order"}


def test_labels_that_stay_on_wrong_rows_are_a_fault_however_long():
    """They go with no feature, so that there is nothing to learn of them."""
    reference, current = windows()
    rng = np.random.default_rng(0)
    shuffle = lambda view: changed(view, _target=lambda c: rng.permutation(c.to_numpy()))  # noqa: E731
    broken = shuffle(current)
    earlier = before(shuffle(labelled(pair(seed=8)[1], seed=8)), shuffle(labelled(pair(seed=9)[1], seed=9)))

    assert "label_rows" in failed(screen(reference, broken, said(broken), earlier=earlier))


def test_a_relation_that_weakens_is_drift_and_no_fault():
    """A third of the labels are noise now: harm, perhaps, but they are on their own rows."""
    reference, current = windows()
    rng = np.random.default_rng(0)
    noisy = current.frame["_target"].where(rng.uniform(size=336) < 0.67, rng.integers(0, 2, 336).astype(float))
    drifted = changed(current, _target=noisy)

    assert failed(screen(reference, drifted, said(drifted))) == set()


def test_one_class_only_is_a_fault_where_chance_cannot_explain_it():
    reference, current = windows()
    ones = changed(current, _target=1.0)
    few = replace(ones, frame=ones.frame.assign(_target=ones.frame["_target"].where(ones.frame.index < 12)))

    assert "label_classes" in failed(screen(reference, ones, said(ones)))
    assert "label_classes" not in failed(screen(reference, few, said(ones)))


def test_a_prior_that_moved_is_drift():
    reference, current = windows()
    rare = changed(current, _target=lambda c: c.where(c.index % 3 > 0, 0.0))

    assert failed(screen(reference, rare, said(rare))) == set()


def test_labels_that_have_not_come_are_held_against_the_same_age():
    """Two days of delay are missing from every window's end: ordinary. Most of it missing is not."""
    reference, current = windows(delay=timedelta(days=2))
    lost = current.frame.index > 100
    frame = current.frame.assign(_target=current.frame["_target"].mask(lost), _label_time=pd.NaT)
    late = replace(current, frame=frame, labelled=101)

    assert "label_coverage" not in failed(screen(reference, current, said(current)))
    assert "label_coverage" in failed(screen(reference, late, said(current)))


@pytest.mark.parametrize("change", [lambda c: c * 1000, lambda c: c / 60, lambda c: -c])
def test_a_number_in_another_unit_is_named(change):
    reference, current = pair()
    prediction = current.frame["_target"].to_numpy() + np.random.default_rng(0).normal(0, 8, 336)
    broken = changed(current, _target=change)

    found = screen(reference, broken, Outcomes(broken.frame["_target"].to_numpy(), prediction), "regression")

    assert "label_scale" in failed(found)


def test_growth_by_half_is_drift():
    reference, current = pair()
    prediction = current.frame["_target"].to_numpy() + np.random.default_rng(0).normal(0, 8, 336)
    grown = changed(current, _target=lambda c: c * 1.5)

    assert (
        failed(screen(reference, grown, Outcomes(grown.frame["_target"].to_numpy(), prediction), "regression")) == set()
    )


def test_without_outcomes_or_with_odd_labels_nothing_crashes():
    reference, current = windows()
    odd = changed(current, _target=["x", None, 3.0] * 112)

    for judged in (Judged("binary", "roc_auc", None, None), Judged("multiclass", "accuracy", None, None)):
        found = Quality(QualitySpec(), FEATURES, judged=judged)(reference, odd)
        assert not [s for s in found if s.metric == "quality"]
