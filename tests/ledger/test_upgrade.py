"""A ledger of the first revision, with its rows, opens as one of today: nothing is lost, and it goes on."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import bindparam, text
from sqlalchemy.exc import IntegrityError

from ratoon.ledger.engine import connect, writing
from ratoon.ledger.entries import Acceptance, Catch, Swap
from ratoon.ledger.ledger import Ledger, Review
from ratoon.ledger.migrate import upgrade
from ratoon.ledger.tables import HEAD, VERSION_TABLE, Base
from ratoon.spec.errors import BadInput, Refused

NOW_CALLED = {"flights": "training_runs", "landings": "training_run_ends", "taken_off": "claimed_at"}
NEW = {"policies", "scores", "reviews", "catches", "acceptances", "offers", "version_files", "intended_files", "swaps"}

THEN = "'2026-03-01 12:30:00.000250'"
RUNS_OF_0006 = (
    "INSERT INTO decisions (id, model, at, action, verdict, policy, live, document) VALUES "
    f"('d1', 'price', {THEN}, 'warm_start', 'harm', 'abc', true, '{{}}')",
    "INSERT INTO flights (model, number, decision, at, taken_off) VALUES "
    f"('price', 1, 'd1', {THEN}, {THEN}), ('price', 2, 'd1', {THEN}, {THEN})",
    "INSERT INTO landings (model, number, outcome, version, rows, cpu_seconds, ended_at, evidence) VALUES "
    f"('price', 1, 'registered', '4', 9, 1.5, {THEN}, "
    """'{"attempts": [{"rung": "warm", "rows": 9}]}')""",
)


@pytest.fixture
def old(url: str, made: Any) -> str:
    """A ledger of revision 0001 with a row in every table, as that Ratoon wrote them."""
    decision = made.decided().model_dump(mode="json", exclude={"basis": True, "triage": {"signals"}})
    rows: dict[str, dict[str, Any]] = {
        "windows": {"model": "price", "start": made.NOW - timedelta(days=7), "end": made.NOW, "rows": 600},
        "decisions": {
            "id": "d1", "model": "price", "at": made.NOW, "action": "warm_start", "verdict": "harm",
            "rule": 'triage == "harm"', "policy": "abc", "champion": "3", "run": "r", "live": True, "window_id": 1,
            "document": type(made.decided()).model_validate(decision).model_dump_json(exclude={"basis"}),
        },
        "signals": {
            "decision": "d1", "position": 0, "window_id": 1, "monitor": "performance", "metric": "drop",
            "column": None, "status": "fail", "value": None, "document": made.measured().model_dump_json(),
        },
        "flights": {
            "model": "price", "number": 1, "decision": "d1", "at": made.NOW, "taken_off": made.NOW, "run": "r"
        },
        "landings": {
            "model": "price", "number": 1, "outcome": "registered", "version": "4", "rows": 9, "cpu_seconds": 1.5,
            "watermark": made.NOW, "ended_at": made.NOW, "evidence": "{}",
        },
        "promotions": {
            "model": "price", "version": "4", "previous": "3", "at": made.NOW, "kind": "promotion",
            "actor": "ada", "reason": "", "decision": "d1",
        },
    }  # fmt: skip
    engine = connect(url)
    with writing(engine) as connection:
        upgrade(connection, None, "0001")
        for table, row in rows.items():
            types = {column.name: column.type for column in Base.metadata.tables[NOW_CALLED.get(table, table)].columns}
            names = ", ".join(f'"{name}"' for name in row)
            values = ", ".join(f":{name}" for name in row)
            typed = text(f"INSERT INTO {table} ({names}) VALUES ({values})").bindparams(
                *(bindparam(name, value, type_=types[NOW_CALLED.get(name, name)]) for name, value in row.items())
            )
            connection.execute(typed)
    engine.dispose()
    return url


def test_an_old_ledger_is_upgraded_with_all_its_rows(old, made):
    engine = connect(old)
    then_called = {now: former for former, now in NOW_CALLED.items()}
    kept = sorted(set(Base.metadata.tables) - NEW - {"claims"})
    before = {table: _rows(engine, then_called.get(table, table)) for table in kept}
    with Ledger.open(old) as ledger:
        assert ledger.decisions.find("d1") == made.decided()
        assert ledger.decisions.signals("d1") == [made.measured()]
        past = ledger.history("price", made.NOW + timedelta(hours=1))
        assert [(d.id, d.champion, d.score) for d in past.decisions] == [("d1", "3", None)]
        assert [(u.outcome, u.rows, u.gain) for u in past.updates] == [("registered", 9, None)]
        with pytest.raises(Refused, match="recorded before Ratoon kept one"):
            ledger.as_of("d1")

    assert {table: _rows(engine, table) for table in before} == before
    assert all(before.values())
    assert _rows(engine, VERSION_TABLE) == [(HEAD,)]
    engine.dispose()


def test_an_upgraded_ledger_goes_on_and_is_append_only_in_its_new_tables_too(old, made):
    with Ledger.open(old) as ledger:
        assert [d.id for d in ledger.scores.unscored("price", before=made.NOW + timedelta(hours=1), limit=9)] == ["d1"]
        ledger.scores.record(made.scored("d1"), "price")
        ledger.reviews.record(
            Review(model="price", version="4", verdict="rejected", at=made.NOW, actor="ada", reason="", decision="d1")
        )
        ledger.unapproved.record(
            Catch(model="price", version="5", previous="4", at=made.NOW, done="flagged", actor="ada", reason="")
        )
        ledger.acceptances.record(
            Acceptance(model="price", start=made.NOW, until=made.NOW, at=made.NOW, actor="ada", reason="growth")
        )
        later = made.decided("d2", hours=1).model_copy(update={"policy": made.policy().version})
        ledger.decisions.record(later, [], policy=made.policy(), live=True)
        ledger.offers.record(made.claim(ledger, "d2"), "d2", "5")
        ledger.files.intend(model="price", decision="d2", digest="abc")
        ledger.swaps.record(
            Swap(model="price", version="4", previous=None, at=made.NOW, replica="host:1", done="served")
        )
        ledger.files.keep(model="price", version="5", digest="abc", at=made.NOW, decision="d2")
    engine = connect(old)
    for table in sorted(NEW):
        with pytest.raises(IntegrityError, match="the ledger is append-only"), engine.begin() as connection:
            connection.execute(text(f"DELETE FROM {table}"))
        assert len(_rows(engine, table)) == 1
    engine.dispose()


def test_digests_of_files_that_stood_among_the_reviews_move_and_the_others_stay(url, made):
    """As a ledger of revision 0005 holds them; the reviews are append-only again afterwards."""
    engine = connect(url)
    reviews = Base.metadata.tables["reviews"]
    rows = [("1", "registered", "abc"), ("2", "registered", "def"), ("2", "rejected", "too slow")]
    with writing(engine) as connection:
        upgrade(connection, None, "0005")
        for version, verdict, reason in rows:
            said = {"model": "price", "version": version, "verdict": verdict, "reason": reason, "decision": "d1"}
            connection.execute(reviews.insert().values(at=made.NOW, actor="ada", **said))
    with Ledger.open(url) as ledger:
        assert [ledger.files.find("price", each) for each in "123"] == ["abc", "def", None]
        assert sorted(ledger.files.versions("price")) == ["1", "2"]
        assert [(each.version, each.reason) for each in ledger.reviews.of("price")] == [("2", "too slow")]
        assert not ledger.files.intended(model="price", decision="d1", digest="abc")
    for change in ("DELETE FROM reviews", "UPDATE reviews SET reason = ''", "DELETE FROM version_files"):
        with pytest.raises(IntegrityError, match="the ledger is append-only"), engine.begin() as connection:
            connection.execute(text(change))
    engine.dispose()


def test_training_runs_that_stood_under_other_names_are_all_there_and_can_not_be_changed(url, made):
    """As a ledger of revision 0006 holds them, in the tables `flights` and `landings`."""
    engine = connect(url)
    with writing(engine) as connection:
        upgrade(connection, None, "0006")
        for statement in RUNS_OF_0006:
            connection.execute(text(statement))
    with Ledger.open(url) as ledger:
        ended, running = ledger.runs.of("price")
        assert (ended.number, ended.claimed_at, ended.outcome, ended.version) == (1, made.NOW, "registered", "4")
        assert [each.strategy for each in ended.evidence.attempts] == ["warm"]
        assert (running.number, running.outcome) == (2, "running")
    for table in ("training_runs", "training_run_ends"):
        column = "run" if table == "training_runs" else "outcome"
        refused = [f"DELETE FROM {table}", f"UPDATE {table} SET {column} = 'x'"]
        if engine.dialect.name == "sqlite":
            refused.append(f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}")
        else:
            refused.append(f"TRUNCATE {table} CASCADE")
        for change in refused:
            with pytest.raises(IntegrityError, match="the ledger is append-only"), engine.begin() as connection:
                connection.execute(text(change))
    engine.dispose()


def test_a_run_under_way_when_the_ledger_is_upgraded_is_taken_up(old, made):
    """It has no claim yet: whoever runs its decision again goes on with it."""
    engine = connect(old)
    with engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO flights (model, number, decision, at, taken_off) VALUES ('price', 2, 'd1', :now, :now)"
            ).bindparams(bindparam("now", made.NOW, type_=Base.metadata.tables["training_runs"].columns["at"].type))
        )
    engine.dispose()
    with Ledger.open(old) as ledger:
        ledger.decisions.record(made.decided("d2", hours=1), [], live=True)
        assert made.claim(ledger, "d2") is None


def test_an_upgrade_that_meets_a_stranger_s_table_leaves_all_as_it_was(old, made):
    engine = connect(old)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE scores (mine int)"))
    with pytest.raises(BadInput, match=r"scores.* already exists\. Nothing was changed"):
        Ledger.open(old)
    assert _rows(engine, VERSION_TABLE) == [("0001",)]
    assert _rows(engine, "scores") == []
    with engine.connect() as connection:
        assert not engine.dialect.has_table(connection, "policies")
    engine.dispose()


def _rows(engine: Any, table: str) -> list[tuple[Any, ...]]:
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(f"SELECT * FROM {table}"))]
