"""What a version takes: its columns by name and kind, compiled once, and requests held to them."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...models.learning.features import Feature
from .columns import Written, row_count
from .errors import bad
from .tensors import Column

_NUMERIC = frozenset({int, float, bool, type(None)})
_MISSING = frozenset({"", "null", "NULL", "None", "NaN", "nan", "NA", "N/A"})  # as CSV writes them


class Contract:
    """The feature table of one version: *names* in its order; *beside* are columns that rows may carry, such as ids."""

    def __init__(self, features: Sequence[Feature], version: str, beside: Collection[str] = ()) -> None:
        self.names = tuple(feature.name for feature in features)
        self.kinds = {feature.name: feature.kind for feature in features}
        self.version = version
        self.beside = frozenset(beside) - set(self.names)
        self._numeric = all(kind == "number" for kind in self.kinds.values())
        self._index = pd.Index(self.names, dtype=object)

    def table(self, columns: Mapping[str, Column]) -> pd.DataFrame:
        """The feature table, shape (n, k): float64 and object columns, in the version's order.

        Whole numbers and booleans are taken as text for a category, as the data's source does. Raises RequestError
        (400) that names the column which is missing, unknown, of another length or of another type.
        """
        for name in self.names:
            if name not in columns:
                raise bad(f"column {name!r} is missing; version {self.version} takes {', '.join(self.names)}")
        for name in columns:
            if name not in self.kinds and name not in self.beside:
                raise bad(f"column {name!r:.80} is unknown; version {self.version} takes {', '.join(self.names)}")
        rows = row_count(columns)
        if self._numeric:
            block = np.empty((rows, len(self.names)))
            for at, name in enumerate(self.names):
                block[:, at] = numbers(name, columns[name])
            return pd.DataFrame(block, columns=self._index)
        made = {
            name: numbers(name, columns[name])
            if kind == "number"
            else pd.Series(texts(name, columns[name]), dtype=object)
            for name, kind in self.kinds.items()
        }
        return pd.DataFrame(made, index=pd.RangeIndex(rows))


def numbers(name: str, values: Column) -> NDArray[np.float64]:
    """A column as float64, shape (n,); what is missing is NaN. RequestError (400) if it holds text."""
    if isinstance(values, np.ndarray):
        return values.astype(np.float64, copy=False)
    if isinstance(values, Written):
        return np.array([_written_number(name, at, str(each)) for at, each in enumerate(values)], dtype=np.float64)
    for at, each in enumerate(values) if not set(map(type, values)) <= _NUMERIC else ():
        if type(each) not in _NUMERIC:
            raise bad(f"column {name!r} was learned as number, but row {at} holds {each!r:.60}")
    try:
        return np.array(values, dtype=np.float64)
    except (OverflowError, ValueError, TypeError):
        raise bad(f"column {name!r} was learned as number, but holds one that is too large") from None


def _written_number(name: str, at: int, text: str) -> float:
    text = text.strip()
    if text in _MISSING:
        return math.nan
    if text.lower() in ("true", "false"):
        return float(text.lower() == "true")
    try:
        return float(text)
    except ValueError:
        raise bad(f"column {name!r} was learned as number, but row {at} holds {text!r:.60}") from None


def texts(name: str, values: Column) -> list[str | None]:
    """A column as text, shape (n,); what is missing is None. RequestError (400) if it holds fractions or lists."""
    if isinstance(values, Written):
        return [str(each) or None for each in values]
    found = values.tolist() if isinstance(values, np.ndarray) else values
    return [each if type(each) is str else _as_text(name, at, each) for at, each in enumerate(found)]


def _as_text(name: str, at: int, value: object) -> str | None:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    raise bad(f"column {name!r} was learned as category, but row {at} holds {value!r:.60}; expected text")
