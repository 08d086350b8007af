"""Columns that hold times, whatever their type, as naive UTC timestamps of microseconds."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TypeAlias

import ibis
import ibis.expr.types as ir

from ...spec.errors import DataError
from .engine import Engine
from .layout import type_text

EARLIEST = datetime(1, 1, 1)
LATEST = datetime(9999, 12, 31)
# A row dated outside has no time: programs write 0001-01-01, 1753-01-01 and 9999-12-31 for none.
FIRST_ROW, LAST_ROW = datetime(1800, 1, 1), datetime(2262, 1, 1)
TICK = timedelta(microseconds=1)
Moment: TypeAlias = ir.TimestampValue  # naive UTC, of microseconds
_EPOCH = datetime(1970, 1, 1)
ISO = r"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}(:?\d{2})?)?)?$"
_NUMBER = r"^[+-]?\d+(\.\d+)?$"


def literal(moment: datetime) -> Moment:
    """A moment for comparisons; written as text, so that no engine rounds its microseconds."""
    return ibis.literal(written(moment)).cast("timestamp(6)")


def written(moment: datetime) -> str:
    """A naive moment as every engine reads it."""
    return moment.isoformat(sep=" ", timespec="microseconds")


def moments(column: ir.Value, unit: timedelta | None) -> Moment:
    """*column* as naive UTC: aware times are converted, naive ones are UTC already.

    Numbers count *unit* from 1970-01-01; text is ISO 8601. Call `check_moments` on the column first.
    """
    if unit is not None:
        ticks = unit // TICK
        whole = column.type().is_integer()
        passed = column.cast("int64") * ticks if whole else (_steps(column) * ticks).round().cast("int64")
        return (literal(_EPOCH) + passed.as_interval("us")).cast("timestamp(6)")
    if column.type().is_string():
        column = _text(column).cast("timestamp('UTC')")
    return column.cast("timestamp(6)")


def roughly(column: ir.Value, unit: timedelta | None, after: Moment, upto: Moment | None) -> list[ir.BooleanValue]:
    """Conditions in *column*'s own type that hold for every row with *after* < moment <= *upto*, and for few others.

    DuckDB holds a comparison against the statistics of its files' row groups only if the column stands in it bare;
    `moments` converts it. No conditions for text, whose order is not that of its times, and where none are needed.
    """
    kind = column.type()
    if kind.is_numeric() and unit is not None:
        per_second = timedelta(seconds=1) / unit
        found = [column >= ((after.epoch_seconds() - 1).cast("float64") * per_second).floor()]
        if upto is not None:
            found.append(column <= ((upto.epoch_seconds() + 2).cast("float64") * per_second).ceil())
        return found
    if not kind.is_timestamp() or (kind.timezone is None and kind.scale in (None, 0, 3, 6)):
        return []
    if kind.timezone is not None:
        own = "timestamp('UTC')"
        return [column >= after.cast(own)] + ([] if upto is None else [column <= upto.cast(own)])
    low, high = (ibis.literal(text).cast("timestamp(9)") for text in ("1677-09-22", "2262-04-11"))
    found = [column >= ibis.coalesce(after.try_cast("timestamp(9)"), low)]
    if upto is not None:
        found.append(column <= ibis.coalesce((upto + ibis.interval(seconds=1)).try_cast("timestamp(9)"), high))
    return found


def ends(column: ir.Value, unit: timedelta | None) -> Moment:
    """As `moments`, but where *column* names a day without a time: the end of that day."""
    moment = moments(column, unit)
    later = moment + ibis.interval(days=1)
    if column.type().is_date():
        return later
    if unit is None and column.type().is_string():
        return ibis.ifelse(_text(column).length() == len("2026-01-31"), later, moment)
    return moment


def check_moments(engine: Engine, table: ir.Table, name: str, key: str, unit: timedelta | None) -> None:
    """Refuse a column that cannot be read as times, naming the first value that stands in the way.

    Raises DataError: wrong type, no or zero `data.time_unit` for numbers, a unit where none applies,
    text that is no time, numbers beyond the year 9999.
    """
    column, kind = table[name], table[name].type()
    where = f"{key}: column {name!r} of {engine.where}"
    if unit is not None and unit < TICK:
        raise DataError("data.time_unit: expected at least a microsecond; a shorter step cannot be told apart")
    if kind.is_timestamp() or kind.is_date():
        if unit is not None:
            raise DataError(f"{where} is of type {type_text(kind)}, so `data.time_unit` has no meaning; remove it")
    elif kind.is_numeric() and not kind.is_boolean():
        if unit is None:
            raise DataError(
                f"{where} holds numbers ({type_text(kind)}); say what one step stands for: `data.time_unit: 1s`"
            )
        _check_range(engine, table, _steps(column), unit, where)
    elif kind.is_string():
        _check_text(engine, table, column, unit, where)
    else:
        raise DataError(
            f"{where} is of type {type_text(kind)}; expected a timestamp, a date, ISO text, or numbers and a unit"
        )


def _check_text(engine: Engine, table: ir.Table, column: ir.Value, unit: timedelta | None, where: str) -> None:
    text = _text(column)
    good = text.re_search(ISO if unit is None else _NUMBER)
    if unit is None and engine.backend.name == "duckdb":
        good = good & text.try_cast("timestamp('UTC')").notnull()
    bad = engine.one(table.filter(text.notnull() & ~good).aggregate(rows=lambda t: t.count(), value=text.min()))
    if bad["rows"]:
        expected = "ISO 8601, such as 2024-05-01T13:45:00Z" if unit is None else "a number, as data.time_unit is given"
        raise DataError(
            f"{where} holds {bad['rows']} values that are no times, such as {bad['value']!r}; expected {expected}. "
            "Nothing was changed; mend these rows, or give another column"
            + (", or give `data.time_unit` if the column counts steps" if unit is None else "")
        )
    if unit is not None:
        _check_range(engine, table, _steps(column), unit, where)


def _check_range(engine: Engine, table: ir.Table, steps: ir.FloatingValue, unit: timedelta, where: str) -> None:
    ends = engine.one(table.aggregate(low=steps.min(), high=steps.max()))
    low, high = ((end - _EPOCH) / unit for end in (EARLIEST, LATEST))
    for value in (ends["low"], ends["high"]):
        if value is not None and not low <= value <= high:
            raise DataError(
                f"{where} holds {value:g}, which is no date when `data.time_unit` is {unit} a step from 1970-01-01; "
                "expected a smaller unit, or numbers counted from 1970"
            )


def _steps(column: ir.Value) -> ir.FloatingValue:
    """Numbers, or text of numbers, as floats; NaN, which some writers put for a missing number, as null."""
    steps = (_text(column) if column.type().is_string() else column).cast("float64")
    return ibis.ifelse(steps.isnan(), None, steps)


def _text(column: ir.StringValue) -> ir.StringValue:
    return column.strip().nullif("")
