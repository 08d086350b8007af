"""Slices: named parts of the holdout, chosen by the values of features as the spec writes them."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype

from ...data.columns import CANONICAL
from ...data.metrics.metrics import Array
from ...spec.keys.gate import Between, Margin, SliceSpec, Wanted
from ..learning.features import Kind
from .bench import Bench
from .pair import Pair, Unjudged
from .strata import in_words, judge_stratum
from .verdict import Stratum


def judge_slice(bench: Bench, spec: SliceSpec, of: str, frame: pd.DataFrame, pair: Pair | Unjudged) -> Stratum:
    """The verdict on the rows of one slice within a stratum, whose rows *frame* and *pair* hold in one order.

    One that is too small to judge blocks, or is only reported, as the slice's `if_small` says.
    """
    name, needed = f"{of}/{spec.name}", Margin(margin=spec.margin)
    least = spec.min_rows or bench.gate.min_rows
    unknown = next((column for column in spec.where if column not in frame.columns or column in CANONICAL), None)
    if unknown is not None:
        words = in_words(needed, bench.metric)
        reason = f"unsure: the rows have no feature {unknown!r}; `ratoon check` names those that they have"
        return Stratum(name=name, rows=0, needed=words, verdict="unsure", reason=reason)
    inside = chosen(spec, frame)
    part = pair if isinstance(pair, Unjudged) else pair.take(inside)
    found = judge_stratum(bench, name, needed, int(inside.sum()), part, least)
    if found.verdict != "unsure":
        return found
    if spec.if_small == "report":
        return found.model_copy(update={"verdict": "reported"})
    relax = "widen `where`, cut it from `of: anchor`, lower its min_rows, or set if_small: report"
    return found.model_copy(update={"reason": f"{found.reason}; to relax it, {relax}"})


def absent_slice(bench: Bench, spec: SliceSpec, reason: str) -> Stratum:
    """A slice of an anchor that has no rows at all yet."""
    words = in_words(Margin(margin=spec.margin), bench.metric)
    return Stratum(name=f"anchor/{spec.name}", rows=0, needed=words, verdict="absent", reason=reason)


def chosen(spec: SliceSpec, frame: pd.DataFrame) -> Array:
    """Which rows of *frame* the slice holds, shape (n,). A missing value is met by `null` alone."""
    inside = np.ones(len(frame), dtype=bool)
    for column, wanted in spec.where.items():
        inside &= _met(frame[column], wanted)
    return inside


def faults(slices: tuple[SliceSpec, ...], kinds: Mapping[str, Kind]) -> Iterator[tuple[int, str]]:
    """What the slices ask for that features of these kinds cannot have: the slice's place, and the words for it."""
    for place, spec in enumerate(slices):
        for column, wanted in spec.where.items():
            where = f"where.{column}"
            if column not in kinds:
                near = difflib.get_close_matches(column, kinds, n=1)
                hint = f"did you mean {near[0]!r}?" if near else f"expected one of {', '.join(sorted(kinds)[:30])}."
                yield place, f"{where}: no feature {column!r}; {hint}"
            elif isinstance(wanted, Between):
                if kinds[column] != "number":
                    yield place, f"{where}: {column!r} holds text, which has no `from` and `to`; give its values."
            elif kinds[column] == "number":
                text = next((each for each in _several(wanted) if each is not None and _number(each) is None), None)
                if text is not None:
                    yield place, f"{where}: found {text!r}, but {column!r} holds numbers; expected a number."


def _met(column: pd.Series, wanted: Between | tuple[Wanted, ...] | Wanted) -> Array:
    missing = column.isna().to_numpy(dtype=bool)
    numeric = is_numeric_dtype(column.dtype)
    if isinstance(wanted, Between):
        if not numeric:
            return np.zeros(len(column), dtype=bool)
        values = column.to_numpy(dtype=np.float64, na_value=np.nan)
        low = -np.inf if wanted.start is None else wanted.start
        high = np.inf if wanted.end is None else wanted.end
        return np.asarray((values >= low) & ((values < high) | (wanted.end is None)) & ~missing)
    several = _several(wanted)
    if numeric:
        named = [number for each in several if (number := _number(each)) is not None]
        met = np.isin(column.to_numpy(dtype=np.float64, na_value=np.nan), named)
    else:
        met = column.astype(object).isin([str(each) for each in several if each is not None]).to_numpy(dtype=bool)
    return np.asarray((met & ~missing) | (missing & (None in several)))


def _several(wanted: tuple[Wanted, ...] | Wanted) -> tuple[Wanted, ...]:
    return wanted if isinstance(wanted, tuple) else (wanted,)


def _number(value: Wanted) -> float | None:
    try:
        return None if value is None else float(value)
    except ValueError:
        return None
