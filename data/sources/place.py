"""From the spec's words for a place (path, glob, DuckDB file, URL) to a table that can be queried."""

from __future__ import annotations

import glob
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from ...spec.errors import DataError
from ...spec.keys.data import CsvSpec
from ...spec.model import Spec
from ...spec.places import is_a_file, real
from .engine import Engine
from .logged import open_logged
from .moment import ISO

if TYPE_CHECKING:
    import ibis.expr.types as ir

_PARQUET = (".parquet", ".pq")
_CSV = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz")
_DUCKDB = (".duckdb", ".ddb", ".db")
_PARTITION = re.compile(r"[^=]+=[^=]*$")
_TZ_NS = "TIMESTAMPTZ_NS"


def open_tables(spec: Spec) -> tuple[Engine, ir.Table, ir.Table | None]:
    """Connect, and return the engine, the table of rows and the table of labels (None: in the rows' own).

    Raises DataError where a place is missing or unreadable, or the two lie in different engines.
    """
    data, labels = spec.data, spec.data.labels
    if data.logged:
        return open_logged(spec)
    if labels is not None and (labels.url != data.url):
        raise DataError(
            "data.labels: rows and labels are joined inside one engine; expected both as `source`, or both with the "
            f"same `url`; found {_engine_of(data.url)} for the rows and {_engine_of(labels.url)} for the labels"
        )
    if data.url is not None:
        engine = Engine.postgres(data.url)
        named = [("data", data.table), ("data.labels", labels.table if labels else None)]
        opened = [_database_table(engine, key, table) if table else None for key, table in named]
    else:
        engine = Engine.duckdb(data.source or "")  # the spec has either source or url
        attached: dict[Path, str] = {}
        times = tuple(each for each in (data.time, data.label_time) if each)
        asked = [("data", data.source or "", data.table, data.id, data.csv)]
        if labels is not None and labels.source is not None:
            asked.append(("data.labels", labels.source, labels.table, data.label_id, labels.csv or data.csv))
        try:
            opened = [
                _file_table(engine, spec.folder, key, source, table, (row_id, times, csv), attached)
                for key, source, table, row_id, csv in asked
            ]
        except DataError:
            engine.close()
            raise
    return engine, opened[0], opened[1] if len(opened) > 1 else None


def _engine_of(url: str | None) -> str:
    return "files (DuckDB)" if url is None else "a database by URL"


def _database_table(engine: Engine, key: str, table: str) -> ir.Table:
    schema, _, name = table.rpartition(".")
    try:
        return engine.table(name, schema or None)
    except DataError as error:
        engine.close()
        raise DataError(
            f"{key}.table: no table {table!r} that this user may read in {engine.where} ({error.__cause__}); "
            "expected `table` or `schema.table`. Nothing was read or changed"
        ) from error


def _file_table(
    engine: Engine,
    folder: Path,
    key: str,
    source: str,
    table: str | None,
    roles: tuple[tuple[str, ...], tuple[str, ...], CsvSpec],
    attached: dict[Path, str],
) -> ir.Table:
    files = _files(folder, key, source)
    kinds = {_kind(key, each) for each in files}
    if len(kinds) > 1:
        raise DataError(f"{key}.source: {source!r} matches files of several kinds {sorted(kinds)}; expected one kind")
    kind = kinds.pop()
    if kind == "duckdb":
        return _attached_table(engine, key, files, table, attached)
    if table is not None:
        raise DataError(f"{key}.table: {table!r} has a meaning only for a database; {source!r} is {kind}. Remove it")
    listed = _listed(files)
    if kind == "csv":
        return _csv_table(engine, key, listed, *roles)
    return _view(engine, key, f"read_parquet({listed}, union_by_name = true)")


def files_of(spec: Spec) -> tuple[Path, ...]:
    """All files that the spec's rows and labels lie in, those of the rows first; none for a database or the log.

    Raises DataError as `open_tables` does.
    """
    data, labels = spec.data, spec.data.labels
    if data.logged:
        return ()
    asked = [("data", data.source), ("data.labels", labels.source if labels else None)]
    return tuple(file for key, source in asked if source for file in _files(spec.folder, key, source))


def partition_keys(spec: Spec) -> frozenset[str]:
    """The keys of folders such as `year=2026`, which DuckDB reads as columns of the files in them."""
    return frozenset(
        part.partition("=")[0] for file in files_of(spec) for part in file.parent.parts if _PARTITION.match(part)
    )


def is_csv(spec: Spec) -> bool:
    """Whether the rows lie in CSV files."""
    return (
        bool(spec.data.source)
        and not spec.data.logged
        and _kind("data", _files(spec.folder, "data", spec.data.source or "")[0]) == "csv"
    )


def raw_text(spec: Spec, columns: Sequence[str], limit: int) -> pd.DataFrame:
    """The first *limit* lines of the rows' CSV files, as they are written; no columns where they lie in none."""
    data = spec.data
    if not columns or not is_csv(spec):
        return pd.DataFrame()
    files = _files(spec.folder, "data", data.source or "")
    engine = Engine.duckdb(data.source or "")
    try:
        names = ", ".join(_name(each) for each in columns)
        read = f"read_csv({_listed(files)}, {csv_options(data.csv)}, all_varchar = true)"
        found = engine.run(f"SELECT {names} FROM {read} LIMIT {limit:d}")  # noqa: S608  # names in it are quoted
    finally:
        engine.close()
    return pd.DataFrame(found, columns=list(columns), dtype=object)


def _listed(files: Sequence[Path]) -> str:
    return "[" + ", ".join(_quoted(glob.escape(str(each))) for each in files) + "]"


def named_rows(engine: Engine, spec: Spec, column: str) -> ir.Table | None:
    """The table of rows with the file that each lies in as *column*; None where they lie in no Parquet files."""
    files = _files(spec.folder, "data", spec.data.source or "")
    if {_kind("data", each) for each in files} != {"parquet"}:
        return None
    return _view(
        engine, "data_named", f"read_parquet({_listed(files)}, union_by_name = true, filename = {_quoted(column)})"
    )


def _view(engine: Engine, key: str, relation: str) -> ir.Table:
    """A view of *relation* whose types Ibis knows: DuckDB's aware nanoseconds become microseconds."""
    described = engine.run(f"DESCRIBE SELECT * FROM {relation}")  # noqa: S608  # names in it are quoted
    cast = [f"CAST({_name(name)} AS TIMESTAMPTZ) AS {_name(name)}" for name, kind, *_ in described if kind == _TZ_NS]
    columns = f"* REPLACE ({', '.join(cast)})" if cast else "*"
    engine.run(f"CREATE VIEW {_own_name(key)} AS SELECT {columns} FROM {relation}")  # noqa: S608  # names in it are quoted
    return engine.table(_own_name(key))


def _own_name(key: str) -> str:
    return f"ratoon_{key.replace('.', '_')}"


def _files(folder: Path, key: str, source: str) -> list[Path]:
    """The files that *source* names, sorted by path, so that the order never depends on the disk."""
    if "://" in source:
        raise DataError(f"{key}.source: {source!r} is remote; expected a path or glob of files on this machine")
    path = folder / Path(source).expanduser()
    if is_a_file(path):
        return [real(path)]
    if path.is_dir():
        raise DataError(f"{key}.source: {path} is a folder; expected files, such as {source.rstrip('/')}/*.parquet")
    matches = glob.glob(str(path), recursive=True)  # noqa: PTH207  # Path.glob takes no absolute pattern
    found = sorted(real(Path(each)) for each in matches if is_a_file(Path(each)))
    if not found:
        raise DataError(
            f"{key}.source: no file matches {source!r}, looked for as {path}. Nothing was read or changed; "
            "relative paths start from the spec's folder"
        )
    return found


def _kind(key: str, path: Path) -> str:
    name = path.name.lower()
    for kind, endings in (("parquet", _PARQUET), ("csv", _CSV), ("duckdb", _DUCKDB)):
        if name.endswith(endings):
            return kind
    raise DataError(f"{key}.source: {path.name!r} is of no known kind; expected {', '.join(_PARQUET + _CSV + _DUCKDB)}")


def _csv_table(
    engine: Engine, key: str, listed: str, row_id: tuple[str, ...], times: tuple[str, ...], csv: CsvSpec
) -> ir.Table:
    """CSV parsed once into a table of DuckDB's (which spills to disk), since every query would parse it again.

    Types are found over *all* lines, so that no later line can break the read. Ids stay text, as `007` keeps
    its zeros. Times are not left to the sniffer, which guesses at 01/02/2024: what is ISO 8601 throughout is
    parsed here, anything else stays text for `check_moments`. *csv* says what differs from that.
    """
    table, options = _own_name(key), csv_options(csv)
    described = engine.run(f"DESCRIBE SELECT * FROM read_csv({listed}, {options}, sample_size = -1)")  # noqa: S608  # names in it are quoted
    types = {name: "VARCHAR" if name in (*row_id, *times) else kind for name, kind, *_ in described}
    unknown = sorted(set(csv.dtypes) - set(types))
    if unknown:
        raise DataError(f"{key}.csv.dtypes: no column {unknown[0]!r}; there are {', '.join(sorted(types)[:30])}")
    types |= csv.dtypes
    fixed = ", ".join(f"{_quoted(name)}: {_quoted(kind)}" for name, kind in types.items())
    read = f"read_csv({listed}, {options}, types = {{{fixed}}})"
    engine.run(f"CREATE TABLE {table} AS SELECT * FROM {read}")  # noqa: S608  # names in it are quoted
    for name in set(times) & set(types) - {*row_id, *csv.dtypes}:
        text = f"nullif(trim({_name(name)}), '')"
        aware = f"try_cast({text} AS TIMESTAMPTZ)"
        odd = f"{text} IS NOT NULL AND ({aware} IS NULL OR NOT regexp_matches({text}, {_quoted(ISO)}))"
        if engine.run(f"SELECT count(*) FROM {table} WHERE {odd}") == [(0,)]:  # noqa: S608  # names in it are quoted
            engine.run(f"ALTER TABLE {table} ALTER {_name(name)} TYPE TIMESTAMP USING timezone('UTC', {aware})")
    return engine.table(table)


def csv_options(csv: CsvSpec) -> str:
    """The options of DuckDB's `read_csv` for files that are written so."""
    words = ", ".join(_quoted(word) for word in ("", *csv.null))
    options = f"header = true, union_by_name = true, nullstr = [{words}], decimal_separator = {_quoted(csv.decimal)}"
    return options if csv.delimiter is None else f"{options}, delim = {_quoted(csv.delimiter)}"


def _attached_table(
    engine: Engine, key: str, files: list[Path], table: str | None, attached: dict[Path, str]
) -> ir.Table:
    if len(files) > 1:
        raise DataError(f"{key}.source: {len(files)} DuckDB files match; expected one, such as {files[0].name}")
    if files[0] not in attached:
        attached[files[0]] = f"ratoon_file_{len(attached)}"
        engine.run(f"ATTACH {_quoted(str(files[0]))} AS {attached[files[0]]} (READ_ONLY)")
    catalog = attached[files[0]]
    held = engine.run(
        "SELECT table_schema, table_name FROM information_schema.tables "  # noqa: S608  # names in it are quoted
        f"WHERE table_catalog = {_quoted(catalog)} ORDER BY ALL"
    )
    names = [name if schema == "main" else f"{schema}.{name}" for schema, name in held]
    if table is None and len(names) == 1:
        table = names[0]
    if table is None or table.removeprefix("main.") not in names:
        raise DataError(
            f"{key}.table: {files[0].name} holds {names or 'no table'}; "
            + (f"expected one of them, found {table!r}" if table else "name one of them")
        )
    schema, _, name = table.rpartition(".")
    return _view(engine, key, ".".join(_name(each) for each in (catalog, schema or "main", name)))


def _name(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
