"""Screens that broke off, windows that leave nothing to screen, labels and predictions that are missing."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pandas as pd
import pytest
from sensor_stream import FEATURES, changed, pair, spec

from ratoon.monitors import quality as screens
from ratoon.monitors.observe import Labels, observe
from ratoon.monitors.quality import Quality
from ratoon.monitors.unmeasured import Answered, Arrivals
from ratoon.spec.keys.watching import QualitySpec
from ratoon.spec.values import Signal


def failed(signals: list[Signal]) -> set[str]:
    return {s.metric for s in signals if s.status == "fail"}


def raising(*_: object, **__: object) -> None:
    raise RuntimeError("an engine's own error")


@pytest.mark.parametrize("name", ["clock", "misaligned", "missing_columns", "volume"])
def test_a_screen_that_breaks_off_holds_training_and_names_its_switch(monkeypatch, name):
    reference, current = pair()
    monkeypatch.setattr(screens, name, raising)
    found = Quality(QualitySpec(), FEATURES)(reference, current)

    assert failed(found) == {"unscreened"}
    metric = {"missing_columns": "missing_column"}.get(name, name)
    assert any(f"{metric}: off" in s.note for s in found)
    assert failed(Quality(QualitySpec(**{metric: "off"}), FEATURES)(reference, current)) == set()


def test_all_screens_broken_at_once_are_no_health(monkeypatch):
    reference, current = pair()
    monkeypatch.setattr(Quality, "_findings", raising)
    seen = observe(
        spec(drift=None),
        reference=reference,
        current=current,
        labels=Labels(
            outcomes=None,
            accepted=None,
            performance_span=current.span,
            coverage=1.0,
        ),
        pages=False,
    ).signals

    assert [(s.metric, s.status) for s in seen if s.monitor == "quality"] == [("unscreened", "fail")]


def test_an_empty_window_is_said_whatever_is_switched_off():
    reference, current = pair()
    empty = replace(current, frame=current.frame.head(0), rows=0, labelled=0)

    assert "volume" in failed(Quality(QualitySpec(), FEATURES)(reference, empty))
    assert "unscreened" in failed(Quality(QualitySpec(volume="off"), FEATURES)(reference, empty))


@pytest.mark.parametrize("unanswered, status", [(0, None), (1, "warn"), (40, "fail"), (500, "fail")])
def test_a_few_rows_without_a_prediction_are_worth_a_look_many_are_a_fault(unanswered, status):
    reference, current = pair()
    found = Quality(QualitySpec(), FEATURES, answered=Answered(500, unanswered, "why"))(reference, current)

    assert {s.metric: s.status for s in found}.get("unpredicted") == status


@pytest.mark.parametrize(
    "usual, missing, fails", [(1.0, 500, False), (0.3, 170, False), (0.0, 500, True), (0.3, 400, True)]
)
def test_recorded_predictions_are_held_against_what_the_reference_had(usual, missing, fails):
    reference, current = pair()
    answered = Answered(500, missing, "`score` is empty", usual, recorded=True)
    found = Quality(QualitySpec(), FEATURES, answered=answered)(reference, current)

    assert ("unpredicted" in failed(found)) == fails


@pytest.mark.parametrize("every", ["h", "D", "7D"])
@pytest.mark.parametrize("delay", [0, 3, 20])
def test_labels_may_be_late_as_they_used_to_be_and_no_later(every, delay):
    """Labels that arrive row by row, in a batch a day or a batch a week, after some days."""
    reference, current = pair()
    came = (reference.frame["_time"] + pd.Timedelta(days=delay)).dt.ceil("h" if every == "h" else "D")
    if every == "7D":
        came = came + pd.to_timedelta((6 - came.dt.dayofweek) % 7, unit="D")
    reference = changed(reference, _label_time=came)
    now = current.span.end
    step = {"h": timedelta(hours=1), "D": timedelta(days=1), "7D": timedelta(days=7)}[every]

    def silent(time: timedelta, due: int = 300) -> set[str]:
        arrivals = Arrivals(now, now - time, len(current.frame), due)
        return failed(Quality(QualitySpec(), FEATURES, arrivals=arrivals)(reference, current)) & {"label_silence"}

    assert silent(2 * step) == set()
    assert silent(4 * max(step, timedelta(days=delay), timedelta(days=2))) == {"label_silence"}
    assert silent(timedelta(days=200), due=3) == set()  # no rows, no labels
