"""The engine behind a source: DuckDB embedded in this process, or PostgreSQL by URL.

One engine holds one connection. Queries come back as Arrow, and whatever the engine raises leaves here
as a DataError that says where it happened.
"""

from __future__ import annotations

import atexit
import functools
import os
import re
import shutil
import tempfile
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

import ibis
import ibis.expr.types as ir
import pyarrow as pa
from ibis.backends.sql import SQLBackend

from ...spec import waiting
from ...spec.errors import DataError, Unavailable

T = TypeVar("T")

THREADS = 2
_FETCH = 50_000  # rows that PostgreSQL sends at a time


class Engine:
    """One connection, and the words for it in errors."""

    def __init__(self, backend: SQLBackend, where: str) -> None:
        self.backend = backend
        self.where = where

    @classmethod
    def duckdb(cls, where: str) -> Engine:
        """DuckDB in memory: two threads, no extension fetched from a network, spilling to the temp folder."""
        backend = ibis.duckdb.connect(
            threads=THREADS,
            autoinstall_known_extensions=False,
            autoload_known_extensions=False,
            temp_directory=_spill(os.getpid()),
        )
        backend.raw_sql("SET enable_progress_bar = false")
        backend.raw_sql("SET parquet_metadata_cache = true")  # one look reads each file's footer once, not per question
        return cls(backend, where)

    @classmethod
    def postgres(cls, url: str) -> Engine:
        """PostgreSQL by URL, in sessions that can only read.

        Raises DataError where the driver is missing, the scheme is another one, or the server refuses.
        """
        shown = without_password(url)
        scheme = url.partition("://")[0].partition("+")[0]
        if scheme not in ("postgresql", "postgres"):
            raise DataError(
                f"data.url: {shown!r} names the engine {scheme!r}; expected postgresql://user@host:port/database. "
                "Files and DuckDB databases go into `data.source`"
            )
        try:
            import psycopg  # noqa: F401
        except ImportError as error:
            raise DataError(
                f"data.url: reading {shown} needs the PostgreSQL driver, which cannot be imported ({error}); "
                "run: pip install 'ratoon[postgres]'"
            ) from error
        try:
            backend = waiting.patiently(
                lambda: _opened("postgresql://" + url.partition("://")[2]),
                lost=is_away,
                again=lambda: None,
                pauses=waiting.OPENING,
            )
        except waiting.StayedAway as error:
            raise Unavailable(
                f"data.url: {shown} does not answer: {_first_lines(error.__cause__)}. Nothing was read or changed; "
                "check host and port, and that the server runs, and start this again"
            ) from error
        except Exception as error:  # the driver's own tree of errors; the import above may be absent
            raise DataError(
                f"data.url: {shown} cannot be opened: {_first_lines(error)}. Nothing was read or changed; "
                "check user and database"
            ) from error
        return cls(backend, shown)

    @property
    def embedded(self) -> bool:
        """Whether it is DuckDB in this process, over what stands still while it is open."""
        return bool(self.backend.name == "duckdb")

    def run(self, sql: str) -> list[tuple[Any, ...]]:
        """Run a statement of our own on DuckDB, and return all its rows."""
        try:
            rows: list[tuple[Any, ...]] = self.backend.raw_sql(sql).fetchall()
        except Exception as error:
            raise self.refused(error) from error
        return rows

    def table(self, name: str, place: tuple[str, str] | str | None = None) -> ir.Table:
        """A table or view as an Ibis expression; *place* is its schema, or (catalog, schema)."""
        try:
            return self._patiently(lambda: self.backend.table(name, database=place))
        except Unavailable:
            raise
        except Exception as error:
            raise self.refused(error) from error

    def query(self, sql: str, schema: dict[str, str]) -> ir.Table:
        """A query of our own as an Ibis expression; *schema* is the type of each of its columns, in Ibis' words."""
        return self.backend.sql(sql, schema=ibis.schema(schema))

    def compile(self, expression: ir.Table) -> str:
        """*expression* in the engine's SQL."""
        return str(self.backend.compile(expression))

    def fetch(self, sql: str, schema: pa.Schema) -> pa.Table:
        """Run a query and fetch its rows; *schema* is what it returns."""
        try:
            if self.embedded:
                return self.backend.con.sql(sql).to_arrow_table()
            return self._patiently(lambda: self._fetch_in_parts(sql, schema))
        except Unavailable:
            raise
        except Exception as error:
            raise self.refused(error) from error

    def _patiently(self, work: Callable[[], T]) -> T:
        if self.embedded:
            return work()
        try:
            return waiting.patiently(work, lost=is_away, again=self._connect_again, pauses=waiting.PAUSES)
        except waiting.StayedAway as error:
            raise Unavailable(
                f"{self.where} does not answer any more: {_first_lines(error.__cause__)}. Nothing was changed; look "
                "after the server and start this again"
            ) from error

    def _connect_again(self) -> None:
        self.backend.reconnect()
        _settle(self.backend)

    def _fetch_in_parts(self, sql: str, schema: pa.Schema) -> pa.Table:
        """A server-side cursor: the client never holds all rows as Python objects."""
        kind = pa.struct(list(schema))
        connection = self.backend.con
        parts = []
        with connection.transaction(), connection.cursor(name="ratoon") as cursor:
            cursor.execute(sql)
            while rows := cursor.fetchmany(_FETCH):
                parts.append(pa.RecordBatch.from_struct_array(pa.array(rows, type=kind)))
        return pa.Table.from_batches(parts, schema=schema)

    def one(self, expression: ir.Table) -> dict[str, Any]:
        """The single row of *expression*, such as an aggregate, as a dict of Python values."""
        found = self.fetch(self.compile(expression), expression.schema().to_pyarrow())
        row: dict[str, Any] = found.to_pylist()[0]
        return row

    def rows(self, expression: ir.Table) -> list[dict[str, Any]]:
        """All rows of *expression* as Python values."""
        found: list[dict[str, Any]] = self.fetch(self.compile(expression), expression.schema().to_pyarrow()).to_pylist()
        return found

    def keep(self, name: str, table: pa.Table) -> ir.Table:
        """A small table of our own in DuckDB's memory, under *name*, as an Ibis expression."""
        try:
            self.backend.con.register(f"{name}_given", table)
            self.run(f'CREATE OR REPLACE TEMP TABLE "{name}" AS SELECT * FROM "{name}_given"')  # noqa: S608  # our own
            self.backend.con.unregister(f"{name}_given")
        except Exception as error:
            raise self.refused(error) from error
        return self.table(name)

    def refused(self, error: Exception) -> DataError:
        """What the engine said, as the error that users see."""
        return DataError(
            f"{self.where} cannot be read: {_first_lines(error)}. Nothing was changed; mend the data there, "
            "or point `data` in the spec elsewhere"
        )

    def close(self) -> None:
        """Close the connection; a second call does nothing.

        The connection is let go as well: who keeps a closed source (Prefect keeps a task's parameters to the
        end of the process) must not keep the engine's objects, which DuckDB complains of at exit.
        """
        if self.backend.con is None:
            return
        self.backend.disconnect()
        self.backend.con = None


def name_of(table: ir.Table) -> str:
    """A table's name, or the text of the query that it is."""
    node = table.op()
    return str(node.query if hasattr(node, "query") else node.name)


@functools.cache
def _spill(process: int) -> str:
    """The folder into which this process's queries spill rows that memory does not hold: nobody else's, and new."""
    folder = tempfile.mkdtemp(prefix="ratoon-duckdb-")
    atexit.register(_remove, folder, process)
    return folder


def _remove(folder: str, process: int) -> None:
    if os.getpid() == process:  # a fork ends with what its parent had registered
        shutil.rmtree(folder, ignore_errors=True)


def is_away(error: Exception) -> bool:
    """Whether psycopg lost its connection or could not make one, rather than a query that the server refused."""
    import psycopg

    if not isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return False
    return waiting.is_lost(error.sqlstate, str(error))


def _opened(url: str) -> SQLBackend:
    backend = ibis.connect(url)
    _settle(backend)
    return backend


def _settle(backend: SQLBackend) -> None:
    """Set up a new session of PostgreSQL's."""
    backend.raw_sql("SET default_transaction_read_only = on").close()
    # Joins are by computed ids, whose number the planner guesses far too low: nested loops took 149 s over
    # 300,000 rows where hash joins take 3 s, and every join of ours can be one.
    backend.raw_sql("SET enable_nestloop = off").close()


def without_password(url: str) -> str:
    """The URL as it may be shown."""
    parts = urlsplit(url)
    if parts.password is None:
        return re.sub(r"(password=)[^&]*", r"\1***", url)
    place = f"{parts.username or ''}:***@{parts.hostname or ''}" + (f":{parts.port}" if parts.port else "")
    return urlunsplit(parts._replace(netloc=place))


def _first_lines(error: BaseException | None) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = " ".join(lines[:3]) or type(error).__name__
    return text if len(text) <= 400 else text[:400] + "…"
