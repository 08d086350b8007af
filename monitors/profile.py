"""What the champion's reference window looked like, small enough to travel with the model version."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
import pandas as pd
from pydantic import Field

from ..data.window import Window
from ..spec.values import Value
from .columnar import quantiles_of, runs_of

Kind = Literal["number", "category"]
_EDGES = 21  # every 5th percentile
_CATEGORIES = 200


class ColumnProfile(Value):
    """One column: *edges* are its 0th, 5th, … 100th percentile (numbers), *categories* value → share of the
    present values, the 200 most frequent (categories). *missing* is a share of rows; `inf` counts as missing."""

    kind: Kind
    missing: float
    distinct: int
    low: float | None = None
    high: float | None = None
    edges: tuple[float, ...] = ()
    categories: dict[str, float] = Field(default_factory=dict)


class Profile(Value):
    """The size, pace and columns of what was learned. *rows_per_day* is None where the span has no length; *reference*
    counts the rows of the reference window, where they are known."""

    rows: int
    rows_per_day: float | None
    columns: dict[str, ColumnProfile]
    reference: int | None = None


def profile(window: Window, kinds: Mapping[str, Kind]) -> Profile:
    """Describe the columns of *window* named in *kinds*; a column that the frame lacks is left out."""
    days = window.span.length.total_seconds() / 86400
    columns = {name: _column(window.frame[name], kind) for name, kind in kinds.items() if name in window.frame}
    return Profile(rows=window.rows, rows_per_day=window.rows / days if days > 0 else None, columns=columns)


def kinds_of(frame: pd.DataFrame, columns: tuple[str, ...] | list[str]) -> dict[str, Kind]:
    """The kind of each of *columns* that *frame* has, by its NumPy type: float64 is a number, the rest categories."""
    return {c: "number" if frame[c].dtype.kind in "fiub" else "category" for c in columns if c in frame.columns}


def _column(values: pd.Series, kind: Kind) -> ColumnProfile:
    rows = max(len(values), 1)
    if kind == "number":
        numbers = pd.to_numeric(values, errors="coerce").to_numpy(dtype=float)
        numbers = numbers[np.isfinite(numbers)]
        if len(numbers) == 0:
            return ColumnProfile(kind=kind, missing=1.0, distinct=0)
        ordered = np.sort(numbers)
        edges = tuple(float(e) for e in quantiles_of(ordered, np.linspace(0, 1, _EDGES)))
        return ColumnProfile(
            kind=kind,
            missing=1 - len(numbers) / rows,
            distinct=len(runs_of(ordered)[0]),
            low=edges[0],
            high=edges[-1],
            edges=edges,
        )
    present = values.dropna().astype(str)
    counts = present.value_counts()
    shares = {str(name): float(count / len(present)) for name, count in counts.head(_CATEGORIES).items()}
    return ColumnProfile(kind=kind, missing=1 - len(present) / rows, distinct=len(counts), categories=shares)
