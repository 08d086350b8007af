"""`data: {source: log}`: Ratoon's own log as a table of rows and a table of labels.

In SQLite the sealed days are Parquet, which DuckDB reads, and the rest comes as Arrow out of one transaction: DuckDB's
own reader of SQLite is an extension that it fetches from a network. In PostgreSQL both are queries of plain tables.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ...log.contents import Columns
from ...log.log import Log, open_log
from ...log.sealed import FEATURE
from ...log.values import Kind
from ...spec.errors import DataError
from ...spec.keys.data import DataSpec
from ...spec.model import Spec
from ...spec.stores import sqlite_file, stores_of
from .engine import Engine, without_password
from .moment import written

if TYPE_CHECKING:
    import ibis.expr.types as ir

_TYPES: Mapping[Kind, str] = {
    "boolean": "boolean",
    "integer": "int64",
    "number": "float64",
    "text": "string",
    "json": "string",
}


def open_logged(spec: Spec) -> tuple[Engine, ir.Table, ir.Table | None]:
    """The engine over the log of *spec*, its table of rows and (unless the task has none) that of labels.

    Raises DataError if there is no log, or none of the model in it yet; Unavailable if its server does not answer.
    """
    url = stores_of(spec).log
    file = sqlite_file(url)
    if file is not None and not file.exists():
        raise _nothing(spec, f"there is no log {file}")
    with open_log(url) as log:
        if spec.model not in log.models():
            raise _nothing(spec, f"the log {without_password(url)} holds nothing of {spec.model!r}")
        return _embedded(spec, log) if file is not None else _by_url(spec, log, url)


def _nothing(spec: Spec, found: str) -> DataError:
    return DataError(
        f"data.source: {found}. Nothing was changed; serve the model, or bring its history in: "
        f"`ratoon log import {spec.path.name} FILE…`"
    )


def _embedded(spec: Spec, log: Log) -> tuple[Engine, ir.Table, ir.Table | None]:
    contents = log.contents(spec.model)
    engine = Engine.duckdb(f"the log {log.engine.url.database}")
    try:
        engine.keep("ratoon_log_rows", contents.rows)
        rows = _view(engine, "ratoon_data", _rows(spec.data, contents.columns), "ratoon_log_rows", contents.sealed_rows)
        if spec.data.labels is None:
            return engine, rows, None
        engine.keep("ratoon_log_labels", contents.labels)
        value = _value("value", contents.columns.label, "json_extract_string(value, '$')")
        columns = _labels(spec.data, value)
        settled = f" WHERE arrival <= '{written(contents.settled)}'"
        labels = _view(engine, "ratoon_data_labels", columns, "ratoon_log_labels", contents.sealed_labels, settled)
    except BaseException:
        engine.close()
        raise
    return engine, rows, labels


def _view(
    engine: Engine, name: str, columns: Mapping[str, str], tail: str, files: Sequence[Path], where: str = ""
) -> ir.Table:
    """A view of *columns* (name to expression) over the tail and the sealed *files*."""
    chosen = ", ".join(f"{expression} AS {_name(each)}" for each, expression in columns.items())
    both = f"SELECT * FROM {tail}"  # noqa: S608  # our own name
    if files:
        listed = ", ".join("'" + str(each).replace("'", "''") + "'" for each in files)
        both += f" UNION ALL BY NAME SELECT * FROM read_parquet([{listed}], union_by_name = true)"  # noqa: S608  # our own names
    engine.run(f"CREATE TEMP VIEW {name} AS SELECT {chosen} FROM ({both}){where}")  # noqa: S608  # names are quoted
    return engine.table(name)


def _rows(data: DataSpec, columns: Columns) -> dict[str, str]:
    served = _value("prediction", columns.prediction, "json_extract_string(prediction, '$')")
    features = {name: _name(FEATURE + name) for name in columns.features}
    return _roles(data, served) | _without_roles(data, features)


def _roles(data: DataSpec, served: str) -> dict[str, str]:
    roles = {data.id[0]: "row_id", data.time: _name("time")}
    return roles if data.prediction is None else {**roles, data.prediction: served}


def _without_roles(data: DataSpec, features: dict[str, str]) -> dict[str, str]:
    """Features whose name the spec gives to a role are left out: the role is the log's own."""
    roles = {name.casefold() for name in (*data.id, data.time, data.prediction, data.target, data.label_time) if name}
    return {name: each for name, each in features.items() if name.casefold() not in roles}


def _labels(data: DataSpec, value: str) -> dict[str, str]:
    return {data.label_id[0]: "row_id", str(data.target): value, str(data.label_time): "arrival"}


def _value(text: str, kind: Kind, plain: str) -> str:
    """SQL for the value that JSON *text* holds; *plain* is the SQL for it as bare text."""
    if kind in ("text", "json"):
        return plain if kind == "text" else text
    if kind == "boolean":
        return f"CAST({text} AS BOOLEAN)"
    cast = "BIGINT" if kind == "integer" else "DOUBLE PRECISION"
    return f"CASE {text} WHEN 'true' THEN 1 WHEN 'false' THEN 0 ELSE CAST({plain} AS {cast}) END"


def _by_url(spec: Spec, log: Log, url: str) -> tuple[Engine, ir.Table, ir.Table | None]:
    columns, settled = log.columns(spec.model), log.settle(spec.model)
    data, types = spec.data, {"boolean": "boolean"}
    served = _value("prediction", columns.prediction, "(prediction::jsonb #>> '{}')")
    features = {name: _parsed(name, kind) for name, kind in columns.features.items()}
    chosen = _roles(data, served) | _without_roles(data, features)
    kinds = {name: _TYPES[columns.features.get(name, "text")] for name in chosen}
    kinds |= {data.id[0]: "string", data.time: "timestamp(6)"}
    if data.prediction is not None:
        kinds[data.prediction] = _TYPES[columns.prediction]
    model = _quoted(spec.model)
    engine = Engine.postgres(url)
    try:
        rows = engine.query(f"SELECT {_listed(chosen)} FROM log_predictions WHERE model = {model}", kinds)  # noqa: S608  # our own names
        if data.labels is None:
            return engine, rows, None
        of = _labels(data, _value("value", columns.label, "(value::jsonb #>> '{}')"))
        types = {data.label_id[0]: "string", str(data.target): _TYPES[columns.label]}
        types[str(data.label_time)] = "timestamp(6)"
        of_model = f"model = {model} AND arrival <= '{written(settled)}'"
        query = f"SELECT {_listed(of)} FROM log_labels WHERE {of_model}"  # noqa: S608  # names are quoted
        return engine, rows, engine.query(query, types)
    except BaseException:
        engine.close()
        raise


def _parsed(name: str, kind: Kind) -> str:
    """SQL for a feature out of its row's JSON in PostgreSQL."""
    text = f"(features ->> {_quoted(name)})"
    return text if kind in ("text", "json") else _value(text, kind, text)


def _listed(columns: Mapping[str, str]) -> str:
    return ", ".join(f"{expression} AS {_name(name)}" for name, expression in columns.items())


def _name(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
