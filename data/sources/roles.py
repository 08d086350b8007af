"""A source's columns in their roles: which row it is, when it came, when its label did."""

from __future__ import annotations

from datetime import timedelta

import ibis
import ibis.expr.types as ir

from ...spec.keys.data import DataSpec
from ..columns import TIME
from .moment import FIRST_ROW, LAST_ROW, TICK, Moment, ends, literal, moments
from .plain import text


def time_of(data: DataSpec, table: ir.Table) -> Moment:
    """When the rows of *table* came."""
    column = table[data.time]
    return moments(column, unit_of(data, column))


def stated_in(data: DataSpec, column: ir.Value) -> Moment:
    """When labels arrived, by their *column*. One that names only its day may have come until that day's end: known any
    earlier, it would be looked ahead at, or be older than a watermark of that very day and never be learned."""
    return ends(column, unit_of(data, column))


def unit_of(data: DataSpec, column: ir.Value) -> timedelta | None:
    """`data.time_unit` counts for columns of numbers; beside it, another may hold timestamps."""
    return None if column.type().is_timestamp() or column.type().is_date() else data.time_unit


def id_of(table: ir.Table, names: tuple[str, ...]) -> ir.StringValue:
    """The id as text; of several columns their texts with `|` between, and null where one of them is."""
    if len(names) == 1:
        return _one_id(table, names[0])
    parts = [_one_id(table, name).replace("\\", "\\\\").replace("|", "\\|") for name in names]
    whole = parts[0]
    for part in parts[1:]:
        whole = whole + ibis.literal("|") + part
    return whole


def _one_id(table: ir.Table, name: str) -> ir.StringValue:
    column = table[name]
    kind = column.type()
    if kind.is_floating():  # integers beside nulls often arrive as floats; other floats name nothing
        whole = column.abs() < 2**53
        whole = whole & (column == column.floor())
        return text(ibis.ifelse(whole, column, None).cast("int64"))
    if kind.is_timestamp() or kind.is_date():
        return text(moments(column, None))
    return text(column)


def later(time: Moment, delay: timedelta | None) -> Moment:
    """The moment *delay* after *time*; without one, *time* itself."""
    if not delay:
        return time
    return (time + ibis.literal(delay // TICK, "int64").as_interval("us")).cast("timestamp(6)")


def placed(rows: ir.Table) -> ir.BooleanValue:
    """Whether a row's `_time` can be told; null where there is none."""
    return (rows[TIME] >= literal(FIRST_ROW)) & (rows[TIME] <= literal(LAST_ROW))
