"""What a corruption is, and the ways in which one is put into a window."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from ratoon.data.window import Window

Slots = dict[str, str]
Change = Callable[[pd.Series, np.random.Generator], pd.Series]
Make = Callable[[Window, Slots, np.random.Generator], Window]
LABELLED = ("binary", "regression")


@dataclass(frozen=True)
class Corruption:
    """One way to break a window.

    *family* and *kind* name what goes wrong; *slot* the column it is done to, by its role in the stream: `a` and `b`
    are telling numbers, `c` a category, "" no column of its own. *tasks* are those that it is made for.
    """

    family: str
    kind: str
    slot: str
    make: Make
    tasks: tuple[str, ...] = LABELLED
    needs: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return f"{self.family}: {self.kind}"

    def fits(self, slots: Slots, task: str) -> bool:
        return task in self.tasks and all(need in slots for need in (*self.needs, *filter(None, [self.slot])))


def of_column(slot: str, change: Change) -> Make:
    return lambda window, slots, rng: with_columns(window, {slots[slot]: change(window.frame[slots[slot]], rng)})


def with_columns(window: Window, columns: dict[str, object]) -> Window:
    return replace(window, frame=window.frame.assign(**columns))


def with_rows(window: Window, frame: pd.DataFrame) -> Window:
    """The window with other rows, in order; its counts follow."""
    share = len(frame) / max(len(window.frame), 1)
    rows, labelled = (round(share * count) for count in (window.rows, window.labelled))
    frame = frame.sort_values(["_time", "_id"], kind="stable", ignore_index=True)
    return replace(window, frame=frame, rows=rows, labelled=labelled)


def with_times(window: Window, times: object) -> Window:
    """The window with other times: rows that leave it are not seen."""
    frame = window.frame.assign(_time=times)
    frame["_time"] = frame["_time"].astype("datetime64[us]")
    inside = (frame["_time"] > window.span.start) & (frame["_time"] <= window.span.end)
    return with_rows(window, frame[inside])


def named_anew(frame: pd.DataFrame, mark: str) -> pd.DataFrame:
    """The rows under ids that nobody has seen."""
    return frame.assign(_id=[f"{mark}{n}" for n in range(len(frame))])


def some(share: float, value: float | str | None) -> Change:
    """*share* of the rows, at random, hold *value*."""

    def change(column: pd.Series, rng: np.random.Generator) -> pd.Series:
        return column.mask(rng.uniform(size=len(column)) < share, value)

    return change


def partly(share: float, change: Change) -> Change:
    """*change* in a share of the rows, at random."""

    def mixed(column: pd.Series, rng: np.random.Generator) -> pd.Series:
        return column.mask(rng.uniform(size=len(column)) < share, change(column, rng))

    return mixed


def rolled(column: pd.Series, rows: int) -> pd.Series:
    return pd.Series(np.roll(column.to_numpy(), rows), column.index, dtype=column.dtype)


def like(column: pd.Series, values: object) -> pd.Series:
    return pd.Series(values, column.index, dtype=column.dtype)


def days_of(frame: pd.DataFrame) -> pd.Series:
    return frame["_time"].dt.floor("D")
