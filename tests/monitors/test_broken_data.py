"""Broken data that no single column shows: stuck, misaligned, mistimed, copied; and what is ordinary instead."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sensor_stream import FEATURES, changed, pair, stream, window

from ratoon.data.window import Window
from ratoon.monitors.quality import Quality
from ratoon.spec.keys.watching import QualitySpec
from ratoon.spec.values import Signal

COLUMNS = (*FEATURES, "dew", "site")
SCREEN = Quality(QualitySpec(), COLUMNS)


def companions(view: Window) -> Window:
    """With a column that goes with `temp`, and a category that goes with `load`."""
    noise = np.random.default_rng(len(view.frame)).normal(0, 1, len(view.frame))
    site = np.where(view.frame["load"] > 44, "north", np.where(view.frame["load"] > 36, "west", "south"))
    return changed(view, dew=view.frame["temp"] - 4 + noise, site=site.astype(object))


def windows(**where: int) -> tuple[Window, Window]:
    reference, current = pair(**where)
    return companions(reference), companions(current)


def failed(signals: list[Signal]) -> set[tuple[str, str | None]]:
    return {(s.metric, s.column) for s in signals if s.status == "fail"}


def rows(view: Window, frame: pd.DataFrame) -> Window:
    return replace(view, frame=frame.reset_index(drop=True), rows=len(frame), labelled=len(frame))


def timed(view: Window, times: pd.Series) -> Window:
    frame = view.frame.assign(_time=times.astype("datetime64[us]")).sort_values("_time", kind="stable")
    return rows(view, frame[(frame["_time"] > view.span.start) & (frame["_time"] <= view.span.end)])


def shuffled(column: pd.Series) -> np.ndarray:
    return np.random.default_rng(0).permutation(column.to_numpy())


def test_a_clean_year_with_companions_never_breaks():
    frame = stream(seed=3)
    for start in range(112, 350, 14):
        reference, current = companions(window(frame, start - 112, 112)), companions(window(frame, start, 14))

        assert failed(SCREEN(reference, current)) == set(), start


@pytest.mark.parametrize(
    "fault",
    [
        lambda c: c.where(c.index < 200, c.iloc[200]),  # frozen for the rest of the window
        lambda c: c.where((c.index < 100) | (c.index > 180), c.iloc[100]),  # and for three days in its midst
        lambda c: c.clip(upper=c.median()),  # at its stop
        lambda c: c.where(c.index % 3 > 0, 0.0),  # a sentinel inside the range
        lambda c: c.where(c.index % 8 > 0, -999.0),  # and one outside
    ],
)
def test_a_sensor_that_stands_still_for_a_part_of_the_window_is_stuck(fault):
    reference, current = windows()

    assert ("stuck", "temp") in failed(SCREEN(reference, changed(current, temp=fault)))


def test_a_dry_spell_is_not_stuck():
    reference, current = windows()

    assert failed(SCREEN(reference, changed(current, rain=lambda c: c.where(c.index < 60, 0.0)))) == set()


@pytest.mark.parametrize("column", ["temp", "dew", "site"])
def test_a_shuffled_column_keeps_its_distribution_and_loses_its_company(column):
    reference, current = windows()

    found = failed(SCREEN(reference, changed(current, **{column: shuffled(current.frame[column])})))

    assert "misaligned" in {metric for metric, _ in found}
    assert {metric for metric, _ in found} <= {"misaligned"}


def test_a_lonely_column_that_is_shuffled_loses_its_order_in_time():
    """`load` has no companion here; that each hour is like the next, and its day, are all there is to tell."""
    reference, current = pair()

    mixed = changed(current, load=shuffled(current.frame["load"]))
    found = Quality(QualitySpec(), ("load", "rain"))(reference, mixed)

    assert failed(found) == {("misaligned", "load")}
    assert any("neighbours in time" in s.note for s in found)


def test_a_relation_that_bends_is_drift():
    reference, current = windows()
    bent = current.frame["dew"] * 0.5 + np.random.default_rng(1).normal(0, 2, len(current.frame))

    assert not {m for m, _ in failed(SCREEN(reference, changed(current, dew=bent)))} & {"misaligned"}


def test_three_columns_in_each_others_places_are_one_circle():
    reference, current = windows()
    reference, current = (changed(w, pressure=w.frame["temp"] * 0.5 + 1000) for w in (reference, current))
    frame = current.frame
    moved = changed(current, temp=frame["pressure"], load=frame["temp"], pressure=frame["load"])

    found = failed(Quality(QualitySpec(), (*COLUMNS, "pressure"))(reference, moved))

    assert ("swapped", "load<->pressure<->temp") in found
    assert "scale" not in {metric for metric, _ in found}


@pytest.mark.parametrize("hours", [-7, 5, 12])
def test_a_clock_that_is_hours_off_is_seen_by_the_days_profile(hours):
    reference, current = windows()

    found = failed(SCREEN(reference, timed(current, current.frame["_time"] + pd.Timedelta(hours=hours))))

    assert ("clock", None) in found


def test_summer_time_is_no_fault():
    reference, current = windows()

    assert failed(SCREEN(reference, timed(current, current.frame["_time"] + pd.Timedelta(hours=1)))) == set()


@pytest.mark.parametrize(
    ("times", "metric"),
    [
        (lambda t: t.dt.floor("D"), "clock"),
        (lambda t: t.where(t.index % 2 > 0, t.iloc[-1]), "clock"),
        (lambda t: t.where(t.index < 150), "gap"),
    ],
)
def test_bunched_rows_and_holes_are_named(times, metric):
    reference, current = windows()

    assert (metric, None) in failed(SCREEN(reference, timed(current, times(current.frame["_time"]))))


def test_rows_sent_again_under_new_ids_are_copies():
    reference, current = windows()
    again = current.frame.iloc[::3].assign(_id=lambda f: f["_id"] + "x")
    both = rows(current, pd.concat([current.frame, again]).sort_values(["_time", "_id"]))

    assert ("copies", None) in failed(SCREEN(reference, both))


def test_what_is_often_missing_may_be_missing_twice_as_often():
    """A column that is a third empty by habit (a station closes) does not break; a tenth more of a full one does."""
    reference, current = windows()

    def holes(share: float):
        return lambda c: c.where(np.random.default_rng(0).uniform(size=len(c)) >= share)

    sparse = SCREEN(changed(reference, load=holes(0.33)), changed(current, load=holes(0.6)))
    full = SCREEN(reference, changed(current, load=holes(0.2)))

    assert ("missing_share", "load") not in failed(sparse)
    assert ("missing_share", "load") in failed(full)
