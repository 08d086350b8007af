"""The log's database: made at once or by migrations, and append-only in both."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, event, inspect, text
from sqlalchemy.exc import DBAPIError

from ratoon.log import Log, open_log
from ratoon.log.engine import WHOLE_LOG, connect, writing
from ratoon.log.migrate import FOLDER, upgrade
from ratoon.log.tables import HEAD, VERSION_TABLE, metadata
from ratoon.spec.errors import BadInput

from .conftest import MODEL, labels, rows


def structure(engine: Engine) -> tuple[object, ...]:
    """Columns, keys, indexes and triggers of a database, as text."""
    found = inspect(engine)
    tables = {
        name: (
            [(c["name"], str(c["type"]), c["nullable"]) for c in found.get_columns(name)],
            found.get_pk_constraint(name)["constrained_columns"],
            sorted(str(sorted(i.items(), key=str)) for i in found.get_indexes(name)),
            sorted(str(sorted(u.items(), key=str)) for u in found.get_unique_constraints(name)),
        )
        for name in found.get_table_names()
    }
    asked = (
        "SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal AND tgname LIKE 'log%'"
        if engine.dialect.name == "postgresql"
        else "SELECT name, sql FROM sqlite_master"
    )
    with engine.connect() as connection:
        made = {name: re.sub(r"\s+", " ", sql or "") for name, sql in connection.execute(text(asked))}
    return tables, {name: sql for name, sql in made.items() if "TRIGGER" in sql}


def test_made_at_once_is_as_made_by_migrations(url: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    engine = connect(url)
    with writing(engine, [WHOLE_LOG]) as connection:
        upgrade(connection, None)
    migrated = structure(engine)
    with writing(engine, [WHOLE_LOG]) as connection:
        connection.execute(text(f"DROP TABLE {VERSION_TABLE}"))
        metadata.drop_all(connection)
        if engine.dialect.name == "postgresql":
            for name in ("ratoon_log_refuse", *(f"ratoon_{each}_may_go" for each in metadata.tables)):
                connection.execute(text(f"DROP FUNCTION IF EXISTS {name}"))
    with open_log(url) as log:
        assert structure(log.engine) == migrated
    engine.dispose()


def test_the_newest_revision_is_the_one_that_the_tables_say() -> None:
    newest = sorted((FOLDER / "versions").glob("[0-9]*.py"))[-1]

    assert newest.name.startswith(f"{HEAD}_")


@pytest.mark.parametrize("table", sorted(set(metadata.tables) - {"log_clocks"}))
def test_rows_are_neither_changed_nor_removed(log: Log, table: str) -> None:
    log.append_predictions(MODEL, rows("a"))
    log.append_labels(MODEL, labels("a", "z"))
    column = next(iter(metadata.tables[table].primary_key)).name
    with writing(log.engine, []) as connection:
        filled = connection.execute(text(f"SELECT count(*) FROM {table}")).scalar()

    for statement in (f"UPDATE {table} SET {column} = {column}", f"DELETE FROM {table}"):
        if not filled and log.engine.dialect.name == "sqlite":
            continue  # its triggers are for each row
        if not filled and statement.startswith("DELETE"):
            continue
        with pytest.raises(DBAPIError, match="append-only"), writing(log.engine, []) as connection:
            connection.execute(text(statement))


def test_a_clock_goes_forward_only(log: Log) -> None:
    log.append_predictions(MODEL, rows("a"))

    for statement in ("UPDATE log_clocks SET arrival = :back", "DELETE FROM log_clocks WHERE arrival > :back"):
        with pytest.raises(DBAPIError, match="append-only"), writing(log.engine, []) as connection:
            connection.execute(text(statement), {"back": datetime(2000, 1, 1) + timedelta(0)})


def test_sqlite_replaces_nothing(tmp_path: Path) -> None:
    with open_log(f"sqlite:///{tmp_path / 'log.db'}") as log:
        log.append_predictions(MODEL, rows("a"))
        copied = "INSERT OR REPLACE INTO log_predictions SELECT * FROM log_predictions"
        with pytest.raises(DBAPIError, match="append-only"), writing(log.engine, []) as connection:
            connection.execute(text(copied))


def test_the_files_are_their_owners_only(tmp_path: Path) -> None:
    with open_log(f"sqlite:///{tmp_path / 'new' / 'log.db'}") as log:
        log.append_predictions(MODEL, rows("a"))

    assert {each.stat().st_mode & 0o077 for each in (tmp_path / "new").rglob("*")} == {0}
    assert (tmp_path / "new").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "url", ["sqlite://", "sqlite:///:memory:", "mysql://u@h/d", "nonsense", "postgresql+asyncpg://h/d"]
)
def test_what_is_no_log_is_bad_input(url: str) -> None:
    with pytest.raises(BadInput, match="log"):
        open_log(url)


def test_tables_of_somebody_else_are_left_alone(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'log.db'}"
    engine = connect(url)
    with writing(engine, []) as connection:
        connection.execute(text("CREATE TABLE log_labels (mine INTEGER)"))
    engine.dispose()

    with pytest.raises(BadInput, match="log_labels"):
        open_log(url)


def test_a_newer_log_is_left_alone(url: str) -> None:
    with open_log(url) as log, writing(log.engine, []) as connection:
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))

    with pytest.raises(BadInput, match="9999"):
        open_log(url)


def test_what_is_written_is_found_by_its_ids_and_never_by_the_model_alone(tmp_path: Path) -> None:
    """Else each label costs more than the one before it: an OR over two ids read all labels of the model."""
    asked: list[tuple[str, tuple[object, ...]]] = []
    with open_log(f"sqlite:///{tmp_path / 'log.db'}") as log:
        log.append_predictions(MODEL, rows("a"))

        def listened(
            _connection: object, _cursor: object, sql: str, parameters: tuple[object, ...], *_: object
        ) -> None:
            asked.append((sql, parameters))

        event.listen(log.engine, "before_cursor_execute", listened)
        log.append_labels(MODEL, labels("a", "z"))
        log.append_predictions(MODEL, rows("z"))
        event.remove(log.engine, "before_cursor_execute", listened)
        with log.engine.connect() as connection:
            steps = [
                (sql, str(row[3]))
                for sql, parameters in asked
                if sql.startswith("SELECT") and "log_columns" not in sql  # a few rows a model
                for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", parameters)
            ]

    assert any("event_id=?" in step for _, step in steps)
    assert [each for each in steps if "SCAN log" in each[1] or each[1].endswith("(model=?)")] == []
