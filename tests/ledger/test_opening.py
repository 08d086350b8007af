"""Opening a ledger: new, old, newer than the code, somebody else's, or not there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from ratoon.ledger.engine import connect, writing
from ratoon.ledger.ledger import Ledger
from ratoon.ledger.migrate import FOLDER
from ratoon.ledger.tables import HEAD, VERSION_TABLE, Base
from ratoon.spec.errors import BadInput


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
    with pytest.raises(BadInput, match="revision 9999, newer than the 0001 that this Ratoon knows"):
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


def test_a_ledger_that_is_up_to_date_opens_without_alembic(tmp_path):
    """Every command opens the ledger: importing Alembic for nothing would be felt."""
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    Ledger.open(url).close()
    code = (
        "import sys; from ratoon.ledger.ledger import Ledger; "
        f"Ledger.open({url!r}).close(); sys.exit('alembic' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("nonsense", "cannot be read; expected sqlite:///path"),
        ("mysql://me@host/db", "is of kind 'mysql'; expected sqlite:///path"),
        ("sqlite://", "keeps nothing; expected a file"),
        ("postgresql://me:hunter2@127.0.0.1:1/db", "cannot be opened: connection to server"),
    ],
)
def test_a_url_that_is_no_ledger_is_named_with_what_was_expected(url, says):
    with pytest.raises(BadInput, match=says) as error:
        Ledger.open(url)

    assert "Nothing was changed" in str(error.value)
    assert "hunter2" not in str(error.value)


def test_a_file_that_is_no_database_is_named_and_kept(tmp_path: Path):
    file = tmp_path / "notes.txt"
    file.write_text("a file of notes, long enough not to be taken for an empty database" * 20)
    with pytest.raises(BadInput, match=r"notes\.txt cannot be opened: file is not a database"):
        Ledger.open(f"sqlite:///{file}")
    with pytest.raises(BadInput, match="folder cannot be made"):
        Ledger.open(f"sqlite:///{file}/ledger.db")

    assert file.read_text().startswith("a file of notes")
