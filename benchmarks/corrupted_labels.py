"""Corruptions of labels: turned round, late, defaulted, in another unit, of other rows, or of another product."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
from corruption import Change, Corruption, Make, Slots, days_of, like, partly, rolled, some, with_columns

from ratoon.data.window import Window

_CLASSES, _NUMBERS = ("binary",), ("regression",)


def of_labels() -> Iterator[Corruption]:
    for share in (1.0, 0.5):
        yield Corruption("labels turned round", f"the last {share:.0%}", "", _of_the_last(share, _turned), _CLASSES)
    yield Corruption("labels turned round", "30 % at random", "", _target(partly(0.3, _turned)), _CLASSES)
    yield Corruption("labels turned round", "of the commonest group", "c", _of_group(_turned), _CLASSES)
    yield Corruption("labels turned round", "on one day", "", _of_one_day(_turned), _CLASSES)
    for label in (0, 1):
        yield Corruption("labels of one class", f"all {label}", "", _target(_all(label)), _CLASSES)
        yield Corruption("labels defaulted", f"{label} in 40 %", "", _target(_default(0.4, label)), _CLASSES)
    yield Corruption("labels defaulted", "0 in the commonest group", "c", _of_group(_all(0)), _CLASSES)
    yield Corruption("labels defaulted", "0 in 40 % of a regression", "", _target(_default(0.4, 0.0)), _NUMBERS)
    yield Corruption("labels defaulted", "the median in all", "", _target(lambda c, _: _held(c)), _NUMBERS)
    for share in (0.6, 0.95):
        yield Corruption("labels late", f"{share:.0%} have not come", "", _late(share))
    yield Corruption("labels late", "half of class 1 have not come", "", _late_class, _CLASSES)
    for name, change in WRONG_ROWS.items():
        yield Corruption("labels of other rows", name, "", _target(change))
    yield Corruption("labels of other rows", "the day before's", "", _of_the_day_before)
    yield Corruption("labels of other rows", "shuffled in the commonest group", "c", _of_group(_shuffled))
    for name, change in UNITS.items():
        yield Corruption("label unit", name, "", _target(change), _NUMBERS)


def _turned(column: pd.Series, rng: np.random.Generator) -> pd.Series:
    return 1 - column


def _shuffled(column: pd.Series, rng: np.random.Generator) -> pd.Series:
    known = column.notna().to_numpy()
    values = column.to_numpy(copy=True)
    values[known] = rng.permutation(values[known])
    return like(column, values)


def _all(label: float) -> Change:
    return lambda c, _: c.where(c.isna(), label)


def _default(share: float, label: float) -> Change:
    return lambda c, rng: some(share, label)(c, rng).where(c.notna())


def _held(column: pd.Series) -> pd.Series:
    return column.where(column.isna(), column.median())


def _drawn(column: pd.Series, rng: np.random.Generator) -> pd.Series:
    """As of another product: of about the same share or size, and of nothing in these rows."""
    known = column.dropna().to_numpy()
    return like(column, rng.choice(known, len(column))).where(column.notna()) if len(known) else column


WRONG_ROWS: dict[str, Change] = {
    "shuffled": _shuffled,
    "by 1 row": lambda c, _: rolled(c, 1),
    "by a tenth of the window": lambda c, _: rolled(c, max(1, len(c) // 10)),
    "of another product": _drawn,
    "half shuffled": partly(0.5, _shuffled),
    "turned round in time": lambda c, _: like(c, c.to_numpy()[::-1]),
}
UNITS: dict[str, Change] = {
    "x10": lambda c, _: c * 10,
    "x1000": lambda c, _: c * 1000,
    "/60": lambda c, _: c / 60,
    "sign flipped": lambda c, _: -c,
    "x1e6 in 0.5 %": partly(0.005, lambda c, _: c * 1e6),
    "-999 in 2 %": some(0.02, -999.0),
    "logarithm": lambda c, _: np.log1p(c.clip(lower=0)),
    "half x10": partly(0.5, lambda c, _: c * 10),
}


def _target(change: Change) -> Make:
    return lambda window, slots, rng: with_columns(window, {"_target": change(window.frame["_target"], rng)})


def _where(window: Window, hit: np.ndarray, change: Change, rng: np.random.Generator) -> Window:
    target = window.frame["_target"].copy()
    target[hit] = change(target[hit], rng)
    return with_columns(window, {"_target": target})


def _of_the_last(share: float, change: Change) -> Make:
    def make(window: Window, slots: Slots, rng: np.random.Generator) -> Window:
        hit = np.arange(len(window.frame)) >= int((1 - share) * len(window.frame))
        return _where(window, hit, change, rng)

    return make


def _of_group(change: Change) -> Make:
    def make(window: Window, slots: Slots, rng: np.random.Generator) -> Window:
        column = window.frame[slots["c"]]
        return _where(window, (column == column.value_counts().index[0]).to_numpy(), change, rng)

    return make


def _of_one_day(change: Change) -> Make:
    def make(window: Window, slots: Slots, rng: np.random.Generator) -> Window:
        days = days_of(window.frame)
        return _where(window, (days == days.iloc[len(days) // 2]).to_numpy(), change, rng)

    return make


def _of_the_day_before(window: Window, slots: Slots, rng: np.random.Generator) -> Window:
    days = max(window.span.length / pd.Timedelta(days=1), 1)
    return with_columns(window, {"_target": rolled(window.frame["_target"], max(1, round(len(window.frame) / days)))})


def _unlabelled(window: Window, gone: np.ndarray) -> Window:
    frame = window.frame.copy()
    frame.loc[gone, "_target"] = np.nan
    frame.loc[gone, "_label_time"] = pd.NaT
    return replace(window, frame=frame, labelled=round(window.labelled * (1 - gone.mean())))


def _late(share: float) -> Make:
    return lambda window, slots, rng: _unlabelled(window, rng.uniform(size=len(window.frame)) < share)


def _late_class(window: Window, slots: Slots, rng: np.random.Generator) -> Window:
    late = rng.uniform(size=len(window.frame)) < 0.5
    return _unlabelled(window, late & (window.frame["_target"] == 1).to_numpy())
