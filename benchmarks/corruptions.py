"""Named corruptions of a clean window: what goes wrong in pipelines, by kind, severity and column.

Each takes a window and a seeded generator and gives the window as the monitors would have met it. Columns are
named by their slot in the stream: `a` and `b` are telling numbers, `c` a category.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from ratoon.data.window import Window

Change = Callable[[pd.Series, np.random.Generator], pd.Series]
Slots = dict[str, str]


@dataclass(frozen=True)
class Corruption:
    """One way to break a window; *needs* names the slots, or the sort of task, that it is made for."""

    kind: str
    severity: str
    slot: str
    make: Callable[[Window, Slots, np.random.Generator], Window]
    tasks: tuple[str, ...] = ("binary", "regression")

    @property
    def name(self) -> str:
        return f"{self.kind}: {self.severity}" + (f" ({self.slot})" if self.slot else "")

    def fits(self, slots: Slots, task: str) -> bool:
        return task in self.tasks and (not self.slot or self.slot in slots)


def corruptions() -> Iterator[Corruption]:
    """All of them, in a fixed order."""
    yield from _of_columns()
    yield from _of_several_columns()
    yield from _of_rows()
    yield from _of_labels()


def _column(slot: str, change: Change) -> Callable[[Window, Slots, np.random.Generator], Window]:
    def make(window: Window, slots: Slots, rng: np.random.Generator) -> Window:
        return _with(window, {slots[slot]: change(window.frame[slots[slot]], rng)})

    return make


def _of_columns() -> Iterator[Corruption]:
    for slot in ("a", "b"):
        for severity, change in _NUMBERS.items():
            kind, detail = severity.split(": ")
            yield Corruption(kind, detail, slot, _column(slot, change))
        yield Corruption("type change", "numbers as text", slot, _retyped(slot))
        yield Corruption("missing column", "gone", slot, _lost(slot))
    for severity, change in _CATEGORIES.items():
        kind, detail = severity.split(": ")
        yield Corruption(kind, detail, "c", _column("c", change))
    yield Corruption("missing column", "gone", "c", _lost("c"))


def _some(share: float, value: float | None) -> Change:
    def change(column: pd.Series, rng: np.random.Generator) -> pd.Series:
        return column.mask(rng.uniform(size=len(column)) < share, value)

    return change


def _stuck(share: float) -> Change:
    """The sensor stands still from some row on, for *share* of the window."""

    def change(column: pd.Series, rng: np.random.Generator) -> pd.Series:
        rows = int(share * len(column))
        start = int(rng.integers(0, len(column) - rows + 1))
        known = column.iloc[start:].dropna()
        stuck = column.copy()
        stuck.iloc[start : start + rows] = known.iloc[0] if len(known) else 0.0
        return stuck

    return change


_NUMBERS: dict[str, Change] = {
    "unit: x1000": lambda c, _: c * 1000,
    "unit: x100": lambda c, _: c * 100,
    "unit: /10": lambda c, _: c / 10,
    "unit: x2.54": lambda c, _: c * 2.54,
    "unit: C to F": lambda c, _: c * 1.8 + 32,
    "unit: C to K": lambda c, _: c + 273.15,
    "sign flipped: all": lambda c, _: -c,
    "null flood: 30 %": _some(0.3, None),
    "null flood: 100 %": _some(1.0, None),
    "null flood: 50 % inf": _some(0.5, float("inf")),
    "sentinel: -999 in 10 %": _some(0.1, -999.0),
    "sentinel: 0 in 40 %": _some(0.4, 0.0),
    "frozen: all of the window": _stuck(1.0),
    "frozen: half": _stuck(0.5),
    "frozen: a quarter": _stuck(0.25),
    "saturated: at the median": lambda c, _: c.clip(upper=c.median()),
    "misaligned: by 1 row": lambda c, _: _rolled(c, 1),
    "misaligned: by a tenth of the window": lambda c, _: _rolled(c, max(1, len(c) // 10)),
    "misaligned: shuffled": lambda c, rng: pd.Series(rng.permutation(c.to_numpy()), c.index),
}

_CATEGORIES: dict[str, Change] = {
    "recoded: upper case": lambda c, _: ("X_" + c.astype(str).str.upper()).where(c.notna(), None),
    "recoded: codes permuted": lambda c, _: c.map(_next_of(c)).astype(object),
    "null flood: 30 %": _some(0.3, None),
    "null flood: 100 %": lambda c, _: pd.Series([None] * len(c), c.index, dtype=object),
    "frozen: all of the window": lambda c, _: pd.Series([c.mode().iloc[0]] * len(c), c.index, dtype=object),
    "misaligned: shuffled": lambda c, rng: pd.Series(rng.permutation(c.to_numpy()), c.index),
}


def _next_of(column: pd.Series) -> dict[str, str]:
    values = sorted(column.dropna().unique())
    return dict(zip(values, [*values[1:], values[0]], strict=True))


def _rolled(column: pd.Series, rows: int) -> pd.Series:
    return pd.Series(np.roll(column.to_numpy(), rows), column.index)


def _retyped(slot: str) -> Callable[[Window, Slots, np.random.Generator], Window]:
    def make(window: Window, slots: Slots, rng: np.random.Generator) -> Window:
        name = slots[slot]
        text = window.frame[name].astype(str).astype(object)
        return replace(_with(window, {name: text}), schema={**window.schema, name: "string"})

    return make


def _lost(slot: str) -> Callable[[Window, Slots, np.random.Generator], Window]:
    def make(window: Window, slots: Slots, rng: np.random.Generator) -> Window:
        name = slots[slot]
        empty = np.nan if window.frame[name].dtype.kind == "f" else None
        schema = {k: v for k, v in window.schema.items() if k != name}
        lost = pd.Series([empty] * len(window.frame), window.frame.index, dtype=window.frame[name].dtype)
        return replace(_with(window, {name: lost}), schema=schema, missing_columns=(name,))

    return make


def _of_several_columns() -> Iterator[Corruption]:
    def swap(window: Window, slots: Slots, rng: np.random.Generator) -> Window:
        frame = window.frame
        return _with(window, {slots["a"]: frame[slots["b"]], slots["b"]: frame[slots["a"]]})

    def cycle(count: int) -> Callable[[Window, Slots, np.random.Generator], Window]:
        def make(window: Window, slots: Slots, rng: np.random.Generator) -> Window:
            names = slots["numbers"].split(",")[:count]
            return _with(window, {n: window.frame[names[i - 1]] for i, n in enumerate(names)})

        return make

    def together(window: Window, slots: Slots, rng: np.random.Generator) -> Window:
        names = slots["numbers"].split(",")[:2]
        order = rng.permutation(len(window.frame))
        return _with(window, {n: pd.Series(window.frame[n].to_numpy()[order], window.frame.index) for n in names})

    yield Corruption("swapped columns", "two", "b", swap)
    yield Corruption("shifted columns", "three in a cycle", "", cycle(3))
    yield Corruption("shifted columns", "every number", "", cycle(99))
    yield Corruption("misaligned", "two columns shuffled together", "", together)


def _of_rows() -> Iterator[Corruption]:
    for share in (0.1, 0.5, 1.0):
        yield Corruption("duplicates", f"{share:.0%} sent again with their ids", "", _resent(share))
    for share in (0.3, 1.0):
        yield Corruption("duplicates", f"{share:.0%} sent again with new ids", "", _copied(share))
    for share in (0.9, 1.0):
        yield Corruption("missing volume", f"{share:.0%} lost at random", "", _thinned(share))
    for share in (0.4, 0.7):
        yield Corruption("missing volume", f"no rows in the last {share:.0%}", "", _cut(share))
    for hours in (5, -8, 12):
        yield Corruption("clock", f"{hours:+} hours", "", _late(hours))
    yield Corruption("clock", "cut to dates", "", lambda w, s, r: _clocked(w, w.frame["_time"].dt.floor("D")))
    yield Corruption("clock", "all at one moment", "", lambda w, s, r: _clocked(w, w.frame["_time"].max()))
    yield Corruption("clock", "half at one moment", "", _bunched)


def _resent(share: float) -> Callable[[Window, Slots, np.random.Generator], Window]:
    return lambda window, slots, rng: replace(window, duplicates=window.duplicates + int(share * window.rows))


def _copied(share: float) -> Callable[[Window, Slots, np.random.Generator], Window]:
    def make(window: Window, slots: Slots, rng: np.random.Generator) -> Window:
        again = window.frame.iloc[np.sort(rng.permutation(len(window.frame))[: int(share * len(window.frame))])]
        both = pd.concat([window.frame, again.assign(_id=again["_id"].astype(str) + "+")], ignore_index=True)
        return _rows(window, both.sort_values(["_time", "_id"], kind="stable", ignore_index=True))

    return make


def _thinned(share: float) -> Callable[[Window, Slots, np.random.Generator], Window]:
    return lambda window, slots, rng: _rows(window, window.frame[rng.uniform(size=len(window.frame)) >= share])


def _cut(share: float) -> Callable[[Window, Slots, np.random.Generator], Window]:
    def make(window: Window, slots: Slots, rng: np.random.Generator) -> Window:
        return _rows(window, window.frame[window.frame["_time"] <= window.span.end - share * window.span.length])

    return make


def _late(hours: int) -> Callable[[Window, Slots, np.random.Generator], Window]:
    return lambda window, slots, rng: _clocked(window, window.frame["_time"] + pd.Timedelta(hours=hours))


def _bunched(window: Window, slots: Slots, rng: np.random.Generator) -> Window:
    times = window.frame["_time"]
    return _clocked(window, times.mask(rng.uniform(size=len(times)) < 0.5, times.max()))


def _of_labels() -> Iterator[Corruption]:
    def flip(share: float) -> Callable[[Window, Slots, np.random.Generator], Window]:
        def make(window: Window, slots: Slots, rng: np.random.Generator) -> Window:
            target = window.frame["_target"]
            start = int((1 - share) * len(target))
            return _with(window, {"_target": target.where(np.arange(len(target)) < start, 1 - target)})

        return make

    def late(share: float) -> Callable[[Window, Slots, np.random.Generator], Window]:
        def make(window: Window, slots: Slots, rng: np.random.Generator) -> Window:
            gone = rng.uniform(size=len(window.frame)) < share
            frame = window.frame.copy()
            frame.loc[gone, "_target"] = np.nan
            frame.loc[gone, "_label_time"] = pd.NaT
            return replace(window, frame=frame, labelled=int(window.labelled * (1 - share)))

        return make

    def shuffle(window: Window, slots: Slots, rng: np.random.Generator) -> Window:
        known = window.frame["_target"].notna().to_numpy()
        target = window.frame["_target"].to_numpy(copy=True)
        target[known] = rng.permutation(target[known])
        return _with(window, {"_target": target})

    def moved(window: Window, slots: Slots, rng: np.random.Generator) -> Window:
        return _with(window, {"_target": _rolled(window.frame["_target"], max(1, len(window.frame) // 10))})

    def target(change: Change) -> Callable[[Window, Slots, np.random.Generator], Window]:
        return lambda window, slots, rng: _with(window, {"_target": change(window.frame["_target"], rng)})

    def flipped_group(window: Window, slots: Slots, rng: np.random.Generator) -> Window:
        """Of the first categories, or largest numbers, that a fifth to a half of the rows have."""
        target, column = window.frame["_target"], window.frame[slots.get("c", slots["a"])]
        if column.dtype.kind == "f":
            here = column > column.quantile(0.7)
        else:
            counts = column.value_counts(normalize=True)
            most = counts.index[: max(1, int((counts.cumsum() <= 0.5).sum()))]
            here = column.isin(most)
        turned = 1 - target if target.dropna().isin([0, 1]).all() else 2 * target.median() - target
        return _with(window, {"_target": target.where(~here, turned)})

    def defaulted(share: float) -> Callable[[Window, Slots, np.random.Generator], Window]:
        def make(window: Window, slots: Slots, rng: np.random.Generator) -> Window:
            known = window.frame["_target"].notna() & (rng.uniform(size=len(window.frame)) < share)
            return _with(window, {"_target": window.frame["_target"].mask(known, 0.0)})

        return make

    def rolled(rows: int) -> Callable[[Window, Slots, np.random.Generator], Window]:
        return lambda window, slots, rng: _with(window, {"_target": _rolled(window.frame["_target"], rows)})

    def within_a_day(window: Window, slots: Slots, rng: np.random.Generator) -> Window:
        days = window.frame["_time"].dt.floor("D")
        dealt = window.frame["_target"].groupby(days).transform(lambda c: rng.permutation(c.to_numpy()))
        return _with(window, {"_target": dealt})

    yield Corruption("labels flipped", "of one group", "", flipped_group)
    for share in (0.2, 0.4, 0.6):
        yield Corruption("labels defaulted", f"{share:.0%} to 0", "", defaulted(share))
    for rows in (1, 5):
        yield Corruption("labels on wrong rows", f"moved by {rows}", "", rolled(rows))
    yield Corruption("labels on wrong rows", "dealt anew within each day", "", within_a_day)
    for share in (1.0, 0.5):
        yield Corruption("labels flipped", f"{share:.0%}", "", flip(share), ("binary",))
    for label in (0, 1):
        one: Change = lambda c, _, label=label: c.where(c.isna(), label)  # type: ignore[misc]  # noqa: E731
        yield Corruption("labels one class", f"all {label}", "", target(one), ("binary",))
    for share in (0.6, 0.95):
        yield Corruption("labels late", f"{share:.0%} have not come", "", late(share))
    yield Corruption("labels on wrong rows", "shuffled", "", shuffle)
    yield Corruption("labels on wrong rows", "moved by a tenth of the window", "", moved)
    for name, change in {
        "x10": lambda c, _: c * 10,
        "x1000": lambda c, _: c * 1000,
        "/60": lambda c, _: c / 60,
        "sign flipped": lambda c, _: -c,
    }.items():
        yield Corruption("label unit", name, "", target(change), ("regression",))


def _with(window: Window, columns: dict[str, object]) -> Window:
    return replace(window, frame=window.frame.assign(**columns))


def _rows(window: Window, frame: pd.DataFrame) -> Window:
    """The window with other rows; its counts follow."""
    share = len(frame) / max(len(window.frame), 1)
    rows, labelled = (round(share * count) for count in (window.rows, window.labelled))
    return replace(window, frame=frame.reset_index(drop=True), rows=rows, labelled=labelled)


def _clocked(window: Window, times: object) -> Window:
    """The window with other times: rows that leave it are not seen."""
    frame = window.frame.assign(_time=times)
    frame["_time"] = frame["_time"].astype("datetime64[us]")
    inside = (frame["_time"] > window.span.start) & (frame["_time"] <= window.span.end)
    return _rows(window, frame[inside].sort_values(["_time", "_id"], kind="stable"))
