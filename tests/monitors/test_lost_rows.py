"""Rows that came in part, rows that a join multiplied, and values missing where none ever was."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sensor_stream import FEATURES, changed, pair, stream, window

from ratoon.data.window import Window
from ratoon.monitors.profile import kinds_of, profile
from ratoon.monitors.quality import Quality
from ratoon.spec.keys.watching import QualitySpec
from ratoon.spec.values import Signal

SCREEN = Quality(QualitySpec(), FEATURES)


def failed(reference: Window, current: Window, screen: Quality = SCREEN) -> set[str]:
    return {s.metric for s in screen(reference, current) if s.status == "fail"}


def with_rows(view: Window, frame: pd.DataFrame) -> Window:
    frame = frame.sort_values(["_time", "_id"], ignore_index=True)
    return replace(view, frame=frame, rows=len(frame), labelled=len(frame))


def often(view: Window, seed: int = 0, *, per_hour: float = 5.0, opens: bool = False) -> Window:
    """The window with a random number of rows an hour at random minutes; *opens*: only by day, but on Sundays."""
    rng = np.random.default_rng(seed)
    frame = view.frame.loc[view.frame.index.repeat(rng.poisson(per_hour, len(view.frame)))].reset_index(drop=True)
    frame["_time"] = (frame["_time"] - pd.to_timedelta(rng.uniform(0, 3599, len(frame)), unit="s")).astype(
        "datetime64[us]"
    )
    frame["_id"] = [f"{view.name}{n}" for n in range(len(frame))]
    for name in ("temp", "load"):
        frame[name] += rng.normal(0, 0.5, len(frame))
    if opens:
        frame = frame[frame["_time"].dt.hour.between(8, 17) & (frame["_time"].dt.dayofweek < 6)]
    return with_rows(view, frame)


MISSING: dict[str, Callable[[pd.Series], pd.Series]] = {
    "every other hour": lambda t: t.dt.hour % 2 == 0,
    "the afternoons": lambda t: t.dt.hour < 12,
    "a quarter of each day": lambda t: t.dt.hour // 6 != 1,
    "every other day": lambda t: t.dt.dayofyear % 2 == 0,
    "two days of three": lambda t: t.dt.dayofyear % 3 == 0,
}


@pytest.mark.parametrize("what", MISSING)
@pytest.mark.parametrize("regular", [True, False])
def test_hours_and_days_that_did_not_come_are_broken(what: str, regular: bool) -> None:
    reference, current = pair()
    if not regular:
        reference, current = often(reference), often(current, 1)

    part = with_rows(current, current.frame[MISSING[what](current.frame["_time"])])

    assert "holes" in failed(reference, part)
    assert "holes" not in failed(reference, part, replace(SCREEN, spec=QualitySpec(holes="off")))


@pytest.mark.parametrize("per_hour", [5.0, 1.0, 0.5])
@pytest.mark.parametrize("opens", [True, False])
def test_quiet_windows_and_closing_hours_are_none(per_hour: float, opens: bool) -> None:
    """As few as a tenth of the rows leave many hours empty, by chance."""
    reference, current = pair()

    assert "holes" not in failed(often(reference, opens=opens), often(current, 1, per_hour=per_hour, opens=opens))


@pytest.mark.parametrize("per_hour", [1.0, 1.2, 1.5, 2.0, 3.0])
@pytest.mark.parametrize("seed", range(4))
def test_a_thin_stream_has_hours_that_are_empty_by_chance(per_hour: float, seed: int) -> None:
    """Each hour of the week came a few times only, so that some had rows each time by luck."""
    reference, current = pair()
    thin = often(reference, 2 * seed, per_hour=per_hour), often(current, 2 * seed + 1, per_hour=per_hour)

    assert "holes" not in failed(*thin)


def test_one_outage_is_for_the_gap_to_judge() -> None:
    reference, current = pair()
    days = current.frame["_time"].dt.dayofyear
    part = with_rows(current, current.frame[~days.isin([days.iloc[0] + 5, days.iloc[0] + 6])])

    assert "holes" not in failed(reference, part)


def joined(view: Window, times: int, share: float, differing: tuple[str, ...], seed: int = 0) -> Window:
    """*times* rows for one in a *share* of them, under new ids, which differ in some columns."""
    rng = np.random.default_rng(seed)
    drawn = view.frame[rng.random(len(view.frame)) < share]
    again = pd.concat([drawn] * (times - 1), ignore_index=True)
    again["_id"] = [f"again{n}" for n in range(len(again))]
    for name in differing:
        again[name] = rng.permutation(again[name].to_numpy())
    return with_rows(view, pd.concat([view.frame, again], ignore_index=True))


@pytest.mark.parametrize("differing", [("temp",), ("load",), ("weather", "rain"), ("load", "rain", "weather")])
@pytest.mark.parametrize(("times", "share"), [(2, 1.0), (3, 0.4), (12, 0.1)])
def test_rows_that_a_join_multiplied_are_broken(differing: tuple[str, ...], times: int, share: float) -> None:
    reference, current = pair()

    assert "multiplied" in failed(reference, joined(current, times, share, differing))


@pytest.mark.parametrize("factor", [1, 4])
def test_several_rows_of_one_moment_are_none_where_they_are_used(factor: int) -> None:
    """Coarse values and times coincide, the more so where a stream grows."""
    reference, current = pair()

    def coarse(view: Window, per_hour: float) -> Window:
        dense = often(view, per_hour=per_hour)
        return changed(dense, _time=lambda c: c.dt.floor("min"), temp=lambda c: c.round(1), load=lambda c: c.round(1))

    assert "multiplied" not in failed(coarse(reference, 5), coarse(current, 5 * factor))


def test_where_each_moment_had_one_row_two_of_them_tell_by_themselves() -> None:
    """However few columns could tell: here the only one with many values is the one that was joined."""
    reference, current = (changed(each, load=lambda c: c * 0 + 1, rain=lambda c: c * 0) for each in pair())

    assert "multiplied" in failed(reference, joined(current, 2, 0.3, ("temp",)))
    assert "multiplied" not in failed(reference, current)


def stations(view: Window, count: int, seed: int) -> Window:
    """*count* rows at each moment of every fourth hour, whose coarse numbers coincide now and then."""
    rng = np.random.default_rng(seed)
    frame = view.frame.iloc[::4]
    frame = frame.loc[frame.index.repeat(count)].reset_index(drop=True)
    frame["_id"] = [f"s{n}" for n in range(len(frame))]
    for name in ("temp", "load", "rain", "hour"):
        frame[name] = (frame[name] + rng.normal(0, 8, len(frame))).round()
    return with_rows(view, frame)


@pytest.mark.parametrize("differing", [("temp",), ("load",)])
def test_among_many_rows_of_a_moment_pairs_of_columns_tell(differing: tuple[str, ...]) -> None:
    """One number by itself coincides at every moment, and the more often the more rows there are."""
    reference, current = (stations(each, 12, seed) for seed, each in enumerate(pair()))

    assert "multiplied" in failed(reference, joined(current, 2, 0.5, differing))
    assert "multiplied" not in failed(reference, stations(pair()[1], 24, 3))


def nulls(found: list[Signal]) -> dict[str | None, str]:
    return {s.column: s.status for s in found if s.metric == "nulls" and s.status != "ok"}


@pytest.mark.parametrize("column", ["hour", "load", "weather"])
@pytest.mark.parametrize(("every", "status"), [(50, "fail"), (120, "warn"), (5, "fail")])
def test_values_missing_where_none_ever_was(column: str, every: int, status: str) -> None:
    reference, current = pair()
    empty = np.nan if column != "weather" else None
    holed = changed(current, **{column: lambda c: c.where(np.arange(len(c)) % every > 0, empty)})

    assert nulls(SCREEN(reference, holed)) == {column: status}


def test_values_missing_as_they_were_once_before_are_none() -> None:
    """In the reference, or in what the champion learned before it."""
    reference, current = pair()
    holed = changed(current, load=lambda c: c.where(np.arange(len(c)) % 40 > 0))
    before = changed(reference, load=lambda c: c.where(c.index != 7))
    history = changed(window(stream(), 0, 80, "history"), load=lambda c: c.where(c.index != 7))
    knowing = replace(SCREEN, known=profile(history, kinds_of(history.frame, FEATURES)))

    assert nulls(SCREEN(before, holed)) == {}
    assert nulls(knowing(reference, holed)) == {}


def test_a_threshold_for_missing_values_stands_for_both() -> None:
    reference, current = pair()
    holed = changed(current, load=lambda c: c.where(np.arange(len(c)) % 40 > 0))

    def statuses(**quality: object) -> dict[str | None, str]:
        return nulls(replace(SCREEN, spec=QualitySpec.model_validate(quality))(reference, holed))

    assert statuses(missing=0.3) == {"load": "warn"}
    assert statuses(missing=0.3, nulls=0.01) == {"load": "fail"}
    assert statuses(nulls=False) == {}


@pytest.mark.parametrize(("count", "status"), [(0, None), (2, "warn"), (3, "warn"), (60, "fail")])
def test_words_among_numbers_are_counted_and_fail_above_a_share(count: int, status: str | None) -> None:
    reference, current = pair()
    told = replace(current, unreadable={"load": count} if count else {})

    assert [s.status for s in SCREEN(reference, told) if s.metric == "unreadable"] == ([status] if status else [])
