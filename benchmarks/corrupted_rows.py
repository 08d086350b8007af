"""Corruptions of rows: lost, delivered again, multiplied, foreign, or at wrong times."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
from corruption import Corruption, Make, Slots, days_of, named_anew, with_rows, with_times

from ratoon.data.window import Window

_OWN = ("_id", "_time", "_label_time", "_holdout", "_target", "_prediction")


def of_rows() -> Iterator[Corruption]:
    for share in (0.1, 0.5, 1.0):
        yield Corruption("delivered again", f"{share:.0%} with their ids", "", _resent(share))
    for share in (0.2, 1.0):
        yield Corruption("delivered again", f"{share:.0%} under new ids", "", _copied(share))
    yield Corruption("delivered again", "the day before, as the day after", "", _yesterday)
    yield Corruption("delivered again", "30 % an hour later", "", _later(0.3, pd.Timedelta(hours=1), mixed=False))
    yield Corruption("delivered again", "30 % at any time", "", _later(0.3, pd.Timedelta(0), mixed=True))
    yield Corruption("delivered again", "the first half in the second", "", _half_again)
    yield Corruption("delivered again", "20 % without their labels", "", _unlabelled_copies)
    for share in (0.9, 1.0):
        yield Corruption("rows lost", f"{share:.0%} at random", "", _thinned(share))
    for share in (0.4, 0.7):
        yield Corruption("rows lost", f"the last {share:.0%} of the window", "", _cut(share))
    yield Corruption("rows lost", "every other day", "", _kept(lambda t: t.dt.dayofyear % 2 == 0), needs=("daily",))
    yield Corruption("rows lost", "every other hour", "", _kept(lambda t: t.dt.hour % 2 == 0), needs=("hourly",))
    yield Corruption("rows lost", "half of each day", "", _kept(lambda t: t.dt.hour < 12), needs=("hourly",))
    yield Corruption("rows lost", "six hours of each day", "", _kept(lambda t: t.dt.hour // 6 != 2), needs=("hourly",))
    yield Corruption("rows lost", "two days of three", "", _kept(lambda t: t.dt.dayofyear % 3 == 0), needs=("daily",))
    yield Corruption("rows lost", "the commonest group", "c", _group_lost)
    yield Corruption("rows lost", "all but one group", "c", _group_alone)
    yield Corruption("rows lost", "all but the first of each hour", "", _first_of("h"), needs=("hourly",))
    yield Corruption("rows lost", "all of one class", "", _class_lost, ("binary",))
    for slots, word in ((("a",), "one column"), (("a", "b"), "two columns")):
        yield Corruption("rows multiplied", f"three for one, {word} differ, new ids", "", _joined(slots, 1.0, 3))
        yield Corruption("rows multiplied", f"two for one in 30 %, {word} differ", "", _joined(slots, 0.3, 2))
    yield Corruption("rows multiplied", "three for one, ids kept", "", _same_ids)
    yield Corruption("rows multiplied", "two for one, a category differs", "c", _joined(("c",), 1.0, 2))
    yield Corruption("foreign rows", "20 % with all numbers zero", "", _zeros(0.2), needs=("numbers",))
    yield Corruption("foreign rows", "10 % without any feature", "", _emptied(0.1))
    yield Corruption("foreign rows", "10 % with features of any rows", "", _mixed_up(0.1))
    for hours in (1, 5, -8, 12):
        make = _late(hours)
        yield Corruption("clock", f"{hours:+} hours", "", make, needs=("hourly",))
    yield Corruption("clock", "half of the rows 6 hours later", "", _half_late(6), needs=("hourly",))
    yield Corruption("clock", "cut to dates", "", lambda w, s, r: with_times(w, days_of(w.frame)), needs=("hourly",))
    yield Corruption("clock", "all at one moment", "", lambda w, s, r: with_times(w, w.frame["_time"].max()))
    yield Corruption("clock", "half at one moment", "", _bunched)
    yield Corruption("clock", "day and month swapped", "", _american)
    yield Corruption("clock", "twice as fast", "", _fast)
    yield Corruption("nameless", "half of the rows", "", _nameless)


def _resent(share: float) -> Make:
    return lambda window, slots, rng: replace(window, duplicates=window.duplicates + int(share * window.rows))


def _drawn(frame: pd.DataFrame, share: float, rng: np.random.Generator) -> pd.DataFrame:
    return frame.iloc[np.sort(rng.permutation(len(frame))[: int(share * len(frame))])]


def _with_more(window: Window, more: pd.DataFrame) -> Window:
    return with_rows(window, pd.concat([window.frame, named_anew(more, "again")], ignore_index=True))


def _copied(share: float) -> Make:
    return lambda window, slots, rng: _with_more(window, _drawn(window.frame, share, rng))


def _unlabelled_copies(window: Window, slots: Slots, rng: np.random.Generator) -> Window:
    again = _drawn(window.frame, 0.2, rng)
    return _with_more(window, again.assign(_label_time=pd.NaT, _target=again["_target"].mask(again["_target"] >= 0)))


def _yesterday(window: Window, slots: Slots, rng: np.random.Generator) -> Window:
    """A third of the window comes twice: the second time in place of the third after it."""
    third = window.span.length / 3
    frame = window.frame
    first = frame[frame["_time"] <= window.span.start + third]
    rest = frame[(frame["_time"] <= window.span.start + third) | (frame["_time"] > window.span.start + 2 * third)]
    moved = first.assign(_time=first["_time"] + third, _label_time=first["_label_time"] + third)
    moved["_time"] = moved["_time"].astype("datetime64[us]")
    return with_rows(window, pd.concat([rest, named_anew(moved, "again")], ignore_index=True))


def _later(share: float, by: pd.Timedelta, *, mixed: bool) -> Make:
    def make(window: Window, slots: Slots, rng: np.random.Generator) -> Window:
        again = _drawn(window.frame, share, rng)
        times = rng.choice(window.frame["_time"].to_numpy(), len(again)) if mixed else again["_time"] + by
        again = again.assign(_time=times)
        return _with_more(window, again[again["_time"] <= pd.Timestamp(window.span.end)])

    return make


def _half_again(window: Window, slots: Slots, rng: np.random.Generator) -> Window:
    """The second half of the rows holds the features and labels of the first, under its own ids and times."""
    frame, half = window.frame.copy(), len(window.frame) // 2
    for name in [n for n in frame.columns if n not in ("_id", "_time", "_label_time", "_holdout")]:
        values = frame[name].to_numpy(copy=True)
        values[half : 2 * half] = values[:half]
        frame[name] = pd.Series(values, frame.index, dtype=frame[name].dtype)
    return replace(window, frame=frame)


def _thinned(share: float) -> Make:
    return lambda window, slots, rng: with_rows(window, window.frame[rng.uniform(size=len(window.frame)) >= share])


def _cut(share: float) -> Make:
    def make(window: Window, slots: Slots, rng: np.random.Generator) -> Window:
        return with_rows(window, window.frame[window.frame["_time"] <= window.span.end - share * window.span.length])

    return make


def _kept(which: object) -> Make:
    return lambda window, slots, rng: with_rows(window, window.frame[which(window.frame["_time"])])  # type: ignore[operator]


def _first_of(period: str) -> Make:
    return lambda window, slots, rng: with_rows(
        window, window.frame[~window.frame["_time"].dt.floor(period).duplicated()]
    )


def _group_lost(window: Window, slots: Slots, rng: np.random.Generator) -> Window:
    column = window.frame[slots["c"]]
    return with_rows(window, window.frame[column != column.value_counts().index[0]])


def _group_alone(window: Window, slots: Slots, rng: np.random.Generator) -> Window:
    column = window.frame[slots["c"]]
    return with_rows(window, window.frame[column == column.value_counts().index[0]])


def _class_lost(window: Window, slots: Slots, rng: np.random.Generator) -> Window:
    return with_rows(window, window.frame[window.frame["_target"] != 1])


def _joined(differing: tuple[str, ...], share: float, times: int) -> Make:
    """A join by a key that is none: *times* rows for one, which differ in some columns."""

    def make(window: Window, slots: Slots, rng: np.random.Generator) -> Window:
        names = [slots[each] for each in differing if each in slots]
        again = pd.concat([_drawn(window.frame, share, rng)] * (times - 1), ignore_index=True)
        for name in names:
            again[name] = pd.Series(rng.permutation(again[name].to_numpy()), again.index, dtype=again[name].dtype)
        return _with_more(window, again)

    return make


def _same_ids(window: Window, slots: Slots, rng: np.random.Generator) -> Window:
    return replace(window, duplicates=window.duplicates + 2 * window.rows)


def _hit(share: float, change: object) -> Make:
    def make(window: Window, slots: Slots, rng: np.random.Generator) -> Window:
        frame = window.frame.copy()
        hit = rng.uniform(size=len(frame)) < share
        for name in [n for n in frame.columns if n not in _OWN]:
            frame[name] = change(frame[name], hit, slots, rng)  # type: ignore[operator]
        return replace(window, frame=frame)

    return make


def _zeros(share: float) -> Make:
    return _hit(share, lambda c, hit, slots, rng: c.mask(hit, 0.0) if c.dtype.kind == "f" else c)


def _emptied(share: float) -> Make:
    return _hit(share, lambda c, hit, slots, rng: c.mask(hit, np.nan if c.dtype.kind == "f" else None))


def _mixed_up(share: float) -> Make:
    def change(c: pd.Series, hit: np.ndarray, slots: Slots, rng: np.random.Generator) -> pd.Series:
        return c.mask(hit, pd.Series(rng.permutation(c.to_numpy()), c.index, dtype=c.dtype))

    return _hit(share, change)


def _late(hours: int) -> Make:
    return lambda window, slots, rng: with_times(window, window.frame["_time"] + pd.Timedelta(hours=hours))


def _half_late(hours: int) -> Make:
    def make(window: Window, slots: Slots, rng: np.random.Generator) -> Window:
        times = window.frame["_time"]
        late = rng.uniform(size=len(times)) < 0.5
        return with_times(window, times.mask(late, times + pd.Timedelta(hours=hours)))

    return make


def _bunched(window: Window, slots: Slots, rng: np.random.Generator) -> Window:
    times = window.frame["_time"]
    return with_times(window, times.mask(rng.uniform(size=len(times)) < 0.5, times.max()))


def _american(window: Window, slots: Slots, rng: np.random.Generator) -> Window:
    """The third of April is read as the fourth of March: days beyond the twelfth keep their place."""
    times = window.frame["_time"]
    swapped = [t.replace(day=t.month, month=t.day) if t.day <= 12 else t for t in times]
    return with_times(window, pd.Series(swapped, times.index))


def _fast(window: Window, slots: Slots, rng: np.random.Generator) -> Window:
    times, start = window.frame["_time"], pd.Timestamp(window.span.start)
    return with_times(window, start + 2 * (times - start))


def _nameless(window: Window, slots: Slots, rng: np.random.Generator) -> Window:
    kept = with_rows(window, window.frame[rng.uniform(size=len(window.frame)) < 0.5])
    return replace(kept, nameless=window.rows - kept.rows)
