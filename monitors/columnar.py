"""A frame's columns as arrays, each looked at once: the texts of a column are walked a single time, for its codes.

Text lies in a frame as Python objects, and whatever asks something of it (how many are missing, which are new, how
often each comes) would walk all of them again. Behind the codes of its dictionary the same questions are arithmetic.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from os import urandom
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..data.columns import HOLDOUT, ID, LABEL_TIME, TIME

Numbers = NDArray[np.float64]
Mask = NDArray[np.bool_]
_T = TypeVar("_T")


@dataclass(frozen=True)
class Codes:
    """A column as *of_row* (n,), the places of its values in *values* (k,); -1 where a value is missing.

    *values* are in the order in which they first come, each once.
    """

    of_row: NDArray[np.signedinteger[Any]]
    values: NDArray[np.object_]

    def counts(self) -> NDArray[np.intp]:
        """How many rows hold each of *values*, shape (k,)."""
        return np.bincount(self.of_row[self.of_row >= 0], minlength=len(self.values))


class Columnar:
    """The columns of *frame*, which must not change meanwhile. Not for two threads at once."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self.frame = frame
        self._codes: dict[str, Codes] = {}
        self._arrays: dict[str, NDArray[Any]] = {}
        self._digest: bytes | None = None
        self._in_order: bool | None = None
        self._ordered: tuple[str, Numbers] | None = None
        self._beside: tuple[str, Any] | None = None

    def __len__(self) -> int:
        return len(self.frame)

    def array(self, name: str) -> NDArray[Any]:
        """The column as its own array."""
        if name not in self._arrays:
            self._arrays[name] = self.frame[name].to_numpy()
        return self._arrays[name]

    def is_number(self, name: str) -> bool:
        return self.array(name).dtype.kind == "f"

    def numbers(self, name: str) -> Numbers:
        """The column as float64; NaN where missing. Raises ValueError for text."""
        return np.asarray(self.array(name), dtype=np.float64)

    def codes(self, name: str) -> Codes:
        """The column's codes. Raises TypeError for values that cannot be hashed, such as lists."""
        if name not in self._codes:
            self._codes[name] = _coded(self.array(name))
        return self._codes[name]

    def missing(self, name: str) -> Mask:
        """Which rows lack a value; infinity is none."""
        if self.is_number(name):
            return np.asarray(~np.isfinite(self.array(name)))
        try:
            return np.asarray(self.codes(name).of_row < 0)
        except TypeError:
            return np.asarray(pd.isna(self.array(name)))

    def times(self) -> NDArray[np.int64]:
        """`_time` in microseconds since 1970."""
        if "_time in microseconds" not in self._arrays:
            times = self.frame[TIME].to_numpy(dtype="datetime64[us]").astype(np.int64)
            self._arrays["_time in microseconds"] = times
        return self._arrays["_time in microseconds"]

    def ordered(self, name: str) -> Numbers:
        """The column's finite numbers, sorted. That of the last column alone is kept: all of them are as large as the
        frame."""
        if self._ordered is None or self._ordered[0] != name:
            values = self.numbers(name)
            self._ordered = name, np.sort(values[np.isfinite(values)])
        return self._ordered[1]

    def beside_ordered(self, name: str, work: Callable[[], _T]) -> _T:
        """What *work* makes of the column, kept as long as what `ordered` gives."""
        self.ordered(name)
        if self._beside is None or self._beside[0] != name:
            self._beside = name, work()
        found: _T = self._beside[1]
        return found

    def in_order(self) -> bool:
        """Whether the rows lie in the order of their times."""
        if self._in_order is None:
            times = self.times()
            self._in_order = bool((times[1:] >= times[:-1]).all())
        return self._in_order

    def digest(self) -> bytes:
        """A digest (32 bytes) of all columns but the ids, with their names and types.

        What cannot be hashed is never the same again.
        """
        if self._digest is None:
            parts = [self._column_digest(name) for name in self.frame.columns if name not in _UNTOLD]
            self._digest = hashlib.sha256(b"".join(parts)).digest()
        return self._digest

    def _column_digest(self, name: str) -> bytes:
        values = self.array(name)
        try:
            if values.dtype.kind in "fiubM":
                parts = [values]
            else:
                codes = self.codes(name)
                parts = [codes.of_row, pd.util.hash_array(codes.values, categorize=False)]
        except Exception:  # lists, or objects that refuse
            return urandom(16)
        found = hashlib.sha256(f"{name}|{values.dtype}".encode())
        for part in parts:
            found.update(np.ascontiguousarray(part).view(np.uint8).data)
        return found.digest()


_UNTOLD = (ID, HOLDOUT, LABEL_TIME)


def _coded(values: NDArray[Any]) -> Codes:
    codes, distinct = pd.factorize(values)
    small = np.int16 if len(distinct) < 2**15 else np.int32
    return Codes(codes.astype(small), np.asarray(distinct, dtype=object))


def quantiles_of(ordered: Numbers, places: Numbers) -> Numbers:
    """The quantiles at *places* of an array in order: `np.quantile`, to the last digit, without sorting again."""
    at = places * (len(ordered) - 1)
    low = np.floor(at).astype(np.intp)
    below, above = ordered[low], ordered[np.minimum(low + 1, len(ordered) - 1)]
    part, apart = at - low, above - below
    return np.asarray(np.where(part < 0.5, below + apart * part, above - apart * (1 - part)))


def runs_of(ordered: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.intp]]:
    """The distinct values of an array in order, and how often each comes: `np.unique` without sorting again."""
    if len(ordered) == 0:
        return ordered, np.empty(0, dtype=np.intp)
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    return ordered[starts], np.diff(np.r_[starts, len(ordered)])
