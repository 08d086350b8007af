"""Casting to the few plain types that every room can rely on: float64 and object text."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from ..columns import HOLDOUT, ID, LABEL_TIME, PREDICTION, TARGET, TIME
from .layout import Kind, Layout, TargetKind

NO_LABEL = ("", "nan", "NaN", "NaT", "<NA>", "\\N")  # as pandas and SQL exports write a value that is none
_NUMBER = r"^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?[0-2]?\d{1,2})?$"  # 1e400 is no number of an engine's
_TRUE, _FALSE = ("true", "t"), ("false", "f")  # as a column of booleans is written that one other word made text of


def number(column: ir.Value) -> ir.FloatingValue:
    """A numeric or boolean column as float64, in the engine; NaN and null both mean missing."""
    if column.type().is_boolean():
        column = column.cast("int32")  # PostgreSQL casts no boolean to a float
    return column.cast("float64")


def text(column: ir.Value) -> ir.StringValue:
    return column.cast("string")


def plain(column: ir.Value, kind: Kind) -> ir.Value:
    """A feature in the engine: float64 or text. Text that is to be a number and is none is missing."""
    if kind == "number" and column.type().is_string():
        stripped = column.strip()
        said = ibis.cases((stripped.lower().isin(_TRUE), "1"), (stripped.lower().isin(_FALSE), "0"), else_=stripped)
        return ibis.ifelse(said.re_search(_NUMBER), said, None).cast("float64")
    return number(column) if kind == "number" else text(column)


def unreadable(column: ir.StringValue) -> ir.BooleanValue:
    """Whether a text in the engine is neither empty nor a number."""
    stripped = column.strip()
    readable = stripped.re_search(_NUMBER) | stripped.lower().isin((*_TRUE, *_FALSE))
    return (column.notnull() & (stripped != "") & ~readable).fill_null(False)


def missing(kind: Kind) -> ir.Value:
    """A column of nothing, in the type that *kind* has."""
    return ibis.null("float64" if kind == "number" else "string")


def label(column: ir.Value, kind: TargetKind, no_label: tuple[str, ...] = ()) -> ir.Value:
    """The target in the engine: int64, float64 or text. NaN is no label, and neither are the words that programs write
    for none, nor those of *no_label*."""
    if kind == "int":
        return (column.cast("int32") if column.type().is_boolean() else column).cast("int64")
    if kind == "text":
        words = text(column)
        return ibis.ifelse(words.strip().isin([*NO_LABEL, *no_label]), None, words)
    value = number(column.nullif("") if column.type().is_string() else column)
    return ibis.ifelse(value.isnan(), None, value)


def to_frame(table: pa.Table, layout: Layout) -> pd.DataFrame:
    """The canonical frame, with a fresh index.

    `_id` object str; `_time`, `_label_time` datetime64[us] (NaT: not arrived); `_target` float64 for
    regression and float classes, object str (None: not arrived) for text classes, int64 for integer
    and boolean classes, or float64 where any of them has not arrived; `_prediction` (if declared) and
    features float64 or object str; `_holdout` bool.
    """
    columns: dict[str, np.ndarray | pd.Series] = {
        ID: _objects(table[ID]),
        TIME: _times(table[TIME]),
        LABEL_TIME: _times(table[LABEL_TIME]),
        TARGET: _target(table[TARGET], layout.target),
        HOLDOUT: table[HOLDOUT].to_numpy(zero_copy_only=False).astype(bool),
    }
    if layout.prediction is not None:
        columns[PREDICTION] = _column(table[PREDICTION], layout.prediction)
    for name in layout.features:
        columns[name] = _column(table[name], layout.kinds[name])
    return pd.DataFrame(columns, copy=False)


def _column(column: pa.ChunkedArray, kind: Kind) -> NDArray[np.float64] | pd.Series:
    return _floats(column) if kind == "number" else _objects(column)


def _floats(column: pa.ChunkedArray) -> NDArray[np.float64]:
    return np.asarray(column.cast(pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)


def _objects(column: pa.ChunkedArray) -> pd.Series:
    # A dictionary (the source's categories or enums) is decoded by the cast. The explicit dtype keeps
    # pandas from choosing its own string type.
    values = column.cast(pa.string()).to_numpy(zero_copy_only=False)
    return pd.Series(values, dtype=object)


def _times(column: pa.ChunkedArray) -> NDArray[np.datetime64]:
    return np.asarray(column.cast(pa.timestamp("us")).to_numpy(zero_copy_only=False), dtype="datetime64[us]")


def _target(column: pa.ChunkedArray, kind: TargetKind) -> NDArray[np.float64] | NDArray[np.int64] | pd.Series:
    if kind == "text":
        return _objects(column)
    if kind == "int" and column.null_count == 0:
        return np.asarray(column.cast(pa.int64()).to_numpy(zero_copy_only=False), dtype=np.int64)
    return _floats(column)
