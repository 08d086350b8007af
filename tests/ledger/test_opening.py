"""Opening a ledger: new, old, newer than the code, somebody else's, or not there."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect, text

from ratoon.ledger.engine import connect, writing
from ratoon.ledger.ledger import Ledger
from ratoon.ledger.migrate import FOLDER, upgrade
from ratoon.ledger.tables import HEAD, VERSION_TABLE, Base
from ratoon.spec import waiting
from ratoon.spec.errors import BadInput, Unavailable


def test_migrations_end_where_the_tables_begin(ledger, url):
    """The migrated database holds exactly the tables that the code declares."""
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    config.set_main_option("path_separator", "os")
    engine = connect(url)
    with engine.connect() as connection:
        options = {"version_table": VERSION_TABLE, "compare_server_default": True}
        found = compare_metadata(MigrationContext.configure(connection, opts=options), Base.metadata)
    engine.dispose()

    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]
    assert found == []


def test_a_database_newer_than_the_code_is_left_alone(url):
    Ledger.open(url).close()
    engine = connect(url)
    with writing(engine) as connection:
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))
    with pytest.raises(BadInput, match=f"revision 9999, newer than the {HEAD} that this Ratoon knows"):
        Ledger.open(url)
    with engine.connect() as connection:
        assert connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar() == "9999"
    engine.dispose()


def test_tables_of_somebody_else_are_not_touched(url):
    engine = connect(url)
    with writing(engine) as connection:
        connection.execute(text("CREATE TABLE signals (mine int)"))
    with pytest.raises(BadInput, match="already has tables named signals that are not a ledger's"):
        Ledger.open(url)
    with writing(engine) as connection:
        connection.execute(text("INSERT INTO signals VALUES (1)"))
    engine.dispose()


def test_a_ledger_shares_a_database_with_another_program_that_uses_alembic(url):
    engine = connect(url)
    with writing(engine) as connection:
        connection.execute(text("CREATE TABLE alembic_version (version_num varchar(32))"))
        connection.execute(text("INSERT INTO alembic_version VALUES ('theirs')"))
    Ledger.open(url).close()
    with engine.connect() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all() == ["theirs"]
    engine.dispose()


def test_a_ledger_made_at_once_is_what_the_migrations_make(url):
    """A new ledger skips Alembic, and an old one cannot: both must end as one schema."""
    Ledger.open(url).close()
    at_once = _schema(connect(url))
    with _empty_again(url):
        engine = connect(url)
        with writing(engine) as connection:
            upgrade(connection, None)
        assert _schema(engine) == at_once
    assert len(at_once["triggers"]) == (len(Base.metadata.tables) - 1) * (3 if url.startswith("sqlite") else 1)


@contextmanager
def _empty_again(url: str) -> Iterator[None]:
    engine = connect(url)
    if engine.dialect.name == "sqlite":
        engine.dispose()
        for file in Path(str(engine.url.database)).parent.iterdir():
            file.unlink()
    else:
        with engine.begin() as connection:
            schema = connection.execute(text("SELECT current_schema()")).scalar()
            connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))
            connection.execute(text(f"CREATE SCHEMA {schema}"))
        engine.dispose()
    yield


def _schema(engine: Engine) -> dict[str, Any]:
    """All that the database knows of its tables, as plain values."""
    seen = inspect(engine)
    triggers = (
        "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' ORDER BY name"
        if engine.dialect.name == "sqlite"
        else "SELECT tgname, pg_get_triggerdef(t.oid) || p.prosrc FROM pg_trigger t "
        "JOIN pg_proc p ON p.oid = t.tgfoid JOIN pg_class c ON c.oid = t.tgrelid "
        "WHERE NOT tgisinternal AND c.relnamespace = current_schema()::regnamespace ORDER BY tgname"
    )
    tables = {
        table: {
            "columns": [{**column, "type": str(column["type"])} for column in seen.get_columns(table)],
            "key": seen.get_pk_constraint(table),
            "foreign": sorted(map(str, seen.get_foreign_keys(table))),
            "unique": sorted(map(str, seen.get_unique_constraints(table))),
            "indexes": sorted(map(str, seen.get_indexes(table))),
        }
        for table in sorted(seen.get_table_names())
    }
    with engine.connect() as connection:
        found = [tuple(row) for row in connection.execute(text(triggers))]
        stamp = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalars().all()
    engine.dispose()
    return {"tables": tables, "triggers": found, "stamp": stamp}


def test_a_new_or_current_ledger_opens_without_alembic(tmp_path):
    """Every command opens the ledger: importing Alembic for nothing would be felt."""
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    code = (
        "import sys; from ratoon.ledger.ledger import Ledger; "
        f"Ledger.open({url!r}).close(); sys.exit('alembic' in sys.modules)"
    )

    for _ in range(2):
        assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("nonsense", "cannot be read; expected sqlite:///path"),
        ("mysql://me@host/db", "is of kind 'mysql'; expected sqlite:///path"),
    ],
)
def test_a_url_that_is_no_ledger_is_named_with_what_was_expected(url, says):
    with pytest.raises(BadInput, match=says) as error:
        Ledger.open(url)

    assert "Nothing was changed" in str(error.value)
    assert "hunter2" not in str(error.value)


def test_a_server_that_does_not_answer_is_waited_for_and_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(waiting, "OPENING", (0.0, 0.0))
    with pytest.raises(Unavailable, match="connection to server") as error:
        Ledger.open("postgresql://me:hunter2@127.0.0.1:1/db")

    assert "Nothing was written" in str(error.value)
    assert "hunter2" not in str(error.value)


def test_a_server_that_is_there_and_refuses_is_not_waited_for(postgres_url: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(waiting, "OPENING", (600.0,))
    with pytest.raises(BadInput, match="does not exist"):
        Ledger.open(f"{postgres_url.rpartition('/')[0]}/nobody_made_this")


def test_a_file_that_is_no_database_is_named_and_kept(tmp_path: Path):
    file = tmp_path / "notes.txt"
    file.write_text("a file of notes, long enough not to be taken for an empty database" * 20)
    with pytest.raises(BadInput, match=r"notes\.txt cannot be opened: file is not a database"):
        Ledger.open(f"sqlite:///{file}")
    with pytest.raises(BadInput, match=r"the folder .*notes\.txt cannot be made"):
        Ledger.open(f"sqlite:///{file}/ledger.db")

    assert file.read_text().startswith("a file of notes")
