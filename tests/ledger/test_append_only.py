"""The database itself refuses to change or forget what is written, whoever asks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError

from ratoon.ledger.engine import connect
from ratoon.ledger.entries import Acceptance, Catch, Swap
from ratoon.ledger.ledger import Promotion, Review
from ratoon.ledger.tables import Base

TABLES = sorted(set(Base.metadata.tables) - {"claims"})  # which says who works just now, and changes in place


@pytest.fixture
def full(ledger, url, made) -> Iterator[Engine]:
    """A database with a row in every table."""
    decision = made.decided().model_copy(update={"policy": made.policy().version})
    ledger.decisions.record(decision, [made.measured()], policy=made.policy(), live=True)
    ledger.scores.record(made.scored("d1"), "price")
    ledger.reviews.record(
        Review(model="price", version="1", verdict="rejected", at=made.NOW, actor="ada", reason="", decision=None)
    )
    run = made.claim(ledger)
    ledger.offers.record(run, "d1", "1")
    ledger.runs.finish(run, outcome="failed", ended_at=made.NOW)
    ledger.promotions.record(
        Promotion(
            model="price", version="1", previous=None, at=made.NOW, kind="first", actor="ada", reason="", decision=None
        )
    )
    ledger.unapproved.record(
        Catch(model="price", version="7", previous="1", at=made.NOW, actor="ada", reason="no gate", done="flagged")
    )
    ledger.acceptances.record(
        Acceptance(model="price", start=made.NOW, until=made.NOW, at=made.NOW, actor="ada", reason="growth")
    )
    ledger.files.intend(model="price", decision="d1", digest="abc")
    ledger.files.keep(model="price", version="1", digest="abc", at=made.NOW, decision="d1")
    ledger.swaps.record(Swap(model="price", version="4", previous=None, at=made.NOW, replica="host:1", done="served"))
    engine = connect(url)
    yield engine
    engine.dispose()


def _refused(full: Engine, table: str, statement: str) -> None:
    with pytest.raises(IntegrityError, match="the ledger is append-only"), full.begin() as connection:
        connection.execute(text(statement))
    with full.connect() as connection:
        assert connection.execute(text(f"SELECT count(*) FROM {table}")).scalar() == 1, statement


def test_update_and_delete_are_refused_in_every_table(full):
    for table in TABLES:
        column = next(iter(Base.metadata.tables[table].columns)).name
        _refused(full, table, f"UPDATE {table} SET {column} = {column}")
        _refused(full, table, f"DELETE FROM {table}")


def test_replacing_or_truncating_is_refused_in_every_table(full):
    for table in TABLES:
        if full.dialect.name == "sqlite":
            _refused(full, table, f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}")
        else:
            _refused(full, table, f"TRUNCATE {table} CASCADE")


@pytest.mark.parametrize(
    ("table", "kept"), [("scores", "decision"), ("reviews", "model, version, verdict")], ids=["scores", "reviews"]
)
def test_a_new_row_does_not_push_out_one_that_says_the_same(full, table, kept):
    """SQLite's REPLACE would delete the row that a uniqueness beside the primary key clashes with."""
    replace = "INSERT OR REPLACE" if full.dialect.name == "sqlite" else "INSERT"
    columns = [column.name for column in Base.metadata.tables[table].columns if column.name != "id"]
    listed = ", ".join(f'"{name}"' for name in columns)
    with pytest.raises(IntegrityError), full.begin() as connection:
        connection.execute(text(f"{replace} INTO {table} (id, {listed}) SELECT id + 1, {listed} FROM {table}"))
    with full.connect() as connection:
        assert connection.execute(text(f"SELECT id, {kept} FROM {table}")).one()[0] == 1


def test_a_row_without_its_parent_is_refused(full):
    with pytest.raises(IntegrityError), full.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO training_runs (model, number, decision, at, claimed_at) "
                "VALUES ('price', 9, 'nobody', '2026-01-01 00:00:00', '2026-01-01 00:00:00')"
            )
        )


def test_sqlite_is_set_up_for_several_processes(full):
    if full.dialect.name != "sqlite":
        pytest.skip("SQLite's own settings")
    with full.connect() as connection:
        settings = {
            name: connection.execute(text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "busy_timeout", "foreign_keys")
        }
    assert settings == {"journal_mode": "wal", "busy_timeout": 30_000, "foreign_keys": 1}


def test_the_time_of_writing_is_utc_wall_time(full):
    with full.connect() as connection:
        apart = (
            "strftime('%s', 'now') - strftime('%s', recorded_at)"
            if full.dialect.name == "sqlite"
            else "extract(epoch FROM (now() AT TIME ZONE 'utc') - recorded_at)"
        )
        assert abs(connection.execute(text(f"SELECT {apart} FROM decisions")).scalar()) < 60
