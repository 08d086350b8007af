"""Rows that come again under new ids and times, categories written otherwise, and screens that are switched off."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError
from sensor_stream import FEATURES, changed, pair, stream, window

from ratoon.data.window import Window
from ratoon.monitors.profile import kinds_of, profile
from ratoon.monitors.quality import Quality
from ratoon.spec.keys.watching import QualitySpec

SCREEN = Quality(QualitySpec(), FEATURES)


def failed(reference: Window, current: Window, screen: Quality = SCREEN) -> set[tuple[str, str | None]]:
    return {(s.metric, s.column) for s in screen(reference, current) if s.status == "fail"}


def delivered(current: Window, rows: pd.DataFrame) -> Window:
    """*rows* once more, under new ids."""
    named = rows.assign(_id=[f"again{n}" for n in range(len(rows))])
    whole = pd.concat([current.frame, named]).sort_values(["_time", "_id"], ignore_index=True)
    return replace(current, frame=whole, rows=len(whole), labelled=len(whole))


def yesterday(reference: Window, current: Window) -> Window:
    day = current.frame[current.frame["_time"] <= current.span.start + pd.Timedelta(days=3)]
    return delivered(current, day.assign(_time=day["_time"] + pd.Timedelta(days=3)))


def minutes_later(reference: Window, current: Window) -> Window:
    rows = current.frame.iloc[::5]
    return delivered(current, rows.assign(_time=rows["_time"] + pd.Timedelta(minutes=7)))


def last_window(reference: Window, current: Window) -> Window:
    """The window holds the rows of the one before, with its own times."""
    old = reference.frame.tail(len(current.frame)).reset_index(drop=True)
    frame = old.assign(_id=current.frame["_id"], _time=current.frame["_time"], _label_time=current.frame["_label_time"])
    return replace(current, frame=frame)


def half_of_an_old_one(reference: Window, current: Window) -> Window:
    old = reference.frame.head(len(current.frame)).reset_index(drop=True)
    half = current.frame.index % 2 == 0
    frame = current.frame.copy()
    for name in (*FEATURES, "_target"):
        frame[name] = frame[name].where(half, old[name])
    return replace(current, frame=frame)


@pytest.mark.parametrize("fault", [yesterday, minutes_later, last_window, half_of_an_old_one])
@pytest.mark.parametrize("seed", [0, 1])
def test_rows_that_come_again_are_broken(fault: Callable[[Window, Window], Window], seed: int) -> None:
    reference, current = pair(seed=seed)

    assert ("copies", None) in failed(reference, fault(reference, current))


def coarse(view: Window, digits: int) -> Window:
    return changed(view, **{name: (lambda c: c.round(digits)) for name in ("temp", "load", "rain")})


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("digits", [1, 0, -1])
def test_sound_windows_of_fine_and_coarse_values_are_none(seed: int, digits: int) -> None:
    reference, current = pair(seed=seed)

    assert ("copies", None) not in failed(reference, current)
    assert ("copies", None) not in failed(coarse(reference, digits), coarse(current, digits))


@pytest.mark.parametrize("shared", [13, 7, 1])
def test_a_window_that_overlaps_with_the_reference_is_none(shared: int) -> None:
    """A young champion: the reference ends with what it learned, inside the window. What comes again is told all the
    same."""
    frame = stream()
    reference, current = window(frame, 0, 112, "reference"), window(frame, 112 - shared, 14)

    assert ("copies", None) not in failed(reference, current)
    assert ("copies", None) in failed(reference, minutes_later(reference, current))


def test_a_calendar_alone_is_none() -> None:
    frame = stream()
    screen = Quality(QualitySpec(), ("hour", "month", "weather"))

    found = [
        failed(window(frame, start - 112, 112, "reference"), window(frame, start, 14), screen) for start in (112, 224)
    ]

    assert not [each for each in found if ("copies", None) in each]


@pytest.mark.parametrize(
    "spelt",
    [
        lambda c: c.str.upper(),
        lambda c: c + " ",
        lambda c: " " + c,
        lambda c: c.str.title(),
        lambda c: "\ufeff" + c,
        lambda c: '"' + c + '"',
        lambda c: c + "\u00a0\t",
    ],
)
def test_known_categories_written_otherwise_are_broken_from_a_handful_on(
    spelt: Callable[[pd.Series], pd.Series],
) -> None:
    reference, current = pair()
    few = changed(current, weather=lambda c: c.where(c.index % 40 > 0, spelt(c)))
    one = changed(current, weather=lambda c: c.where(c.index != 5, spelt(c)))

    assert ("new_categories", "weather") in failed(reference, few)
    assert ("new_categories", "weather") not in failed(reference, one)


@pytest.mark.parametrize("word", ["NULL", "n/a", "NaN", "-", "unknown"])
def test_a_word_for_a_missing_value_is_no_new_category(word: str) -> None:
    """Unless the column had it before."""
    reference, current = pair()

    def worded(view: Window, every: int) -> Window:
        return changed(view, weather=lambda c: c.where(c.index % every > 0, word))

    assert ("new_categories", "weather") in failed(reference, worded(current, 40))
    assert ("new_categories", "weather") not in failed(reference, worded(current, 120))
    assert ("new_categories", "weather") not in failed(worded(reference, 200), worded(current, 40))


def test_categories_that_were_always_written_so_are_none() -> None:
    reference, current = (
        changed(view, weather=lambda c: c.where(c.index % 40 > 0, c.str.upper()).where(c.index % 90 > 0, c.str.title()))
        for view in pair()
    )

    assert ("new_categories", "weather") not in failed(reference, current)


OFF = {
    "misaligned": lambda v: changed(v, temp=lambda c: c.sample(frac=1, random_state=1).to_numpy()),
    "new_categories": lambda v: changed(v, weather=lambda c: c.str.upper()),
    "missing": lambda v: changed(v, load=np.nan),
    "out_of_range": lambda v: changed(v, load=lambda c: c.where(c.index % 9 > 0, -9999.0)),
    "stuck": lambda v: changed(v, temp=lambda c: c.where(c.index < 150, 7.0)),
    "volume": lambda v: replace(v, frame=v.frame.head(20), rows=20),
    "duplicates": lambda v: replace(v, duplicates=500),
    "schema": lambda v: changed(v, weather=3.0),
    "missing_column": lambda v: replace(v, missing_columns=("temp",)),
    "clock": lambda v: changed(v, _time=lambda c: c.dt.floor("D")),
    "label_faults": lambda v: replace(v, label_faults=300),
}


@pytest.mark.parametrize("name", OFF)
def test_a_screen_that_is_off_says_nothing_and_the_others_do(name: str) -> None:
    reference, current = pair()
    broken = OFF[name](current)
    metric = {"missing": "missing_share"}.get(name, name)
    off = Quality(QualitySpec.model_validate({name: False}), FEATURES)  # as YAML reads `off`

    assert metric in {metric for metric, _ in failed(reference, broken)}
    assert metric not in {s.metric for s in off(reference, broken)}
    assert {s.metric for s in off(reference, broken)} == {s.metric for s in SCREEN(reference, broken)} - {metric}


@pytest.mark.parametrize(("lost", "status"), [(0, None), (3, "warn"), (150, "fail")])
def test_rows_without_an_id_are_counted_and_fail_above_a_share(lost: int, status: str | None) -> None:
    reference, current = pair()
    found = SCREEN(reference, replace(current, nameless=lost + 2, unplaced=2))

    assert [s.status for s in found if s.metric == "nameless"] == ([status] if status else [])


@pytest.mark.parametrize(("lost", "status"), [(0, None), (3, "warn"), (150, "fail")])
def test_rows_without_a_time_are_counted_and_fail_above_a_share(lost: int, status: str | None) -> None:
    reference, current = pair()
    found = SCREEN(reference, replace(current, timeless=lost))

    assert [s.status for s in found if s.metric == "nameless"] == ([status] if status else [])


@pytest.mark.parametrize("rows", [0, 7])
def test_a_reference_that_left_the_source_is_no_health(rows: int) -> None:
    """The champion learned it; now no column can be screened."""
    reference, current = pair()
    known = profile(reference, kinds_of(reference.frame, FEATURES))
    left = replace(reference, frame=reference.frame.head(rows), rows=rows)
    screen = replace(SCREEN, known=known)

    assert ("reference", None) in failed(left, current, screen)
    assert not failed(reference, current, screen)
    sparse = replace(screen, known=known.model_copy(update={"rows_per_day": 0.2}))
    assert ("reference", None) not in failed(left, current, sparse)


def test_a_volume_may_name_one_end() -> None:
    assert QualitySpec.model_validate({"volume": {"least": 0.01}}).rows == (0.01, 5.0)
    assert QualitySpec.model_validate({"volume": [0.1, 9]}).rows == (0.1, 9.0)
    for absurd in ({"least": 2}, {"most": 0.5}, [-1, 5], [5, 0.2]):
        with pytest.raises(ValidationError, match="least"):
            QualitySpec.model_validate({"volume": absurd})
    for wrong in ({"volume": {"lest": 0.1}}, {"misaligned": 0.5}, {"missing": 2}, {"clok": False}, {"volume": "of"}):
        with pytest.raises(ValidationError):
            QualitySpec.model_validate(wrong)
