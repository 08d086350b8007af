"""Where Prefect, MLflow and the ledger keep their data; on a real PostgreSQL where there is one."""

from __future__ import annotations

import stat
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text

from ratoon.ledger.ledger import Ledger
from ratoon.servers.databases import databases
from ratoon.spec.errors import BadInput

PASSWORD = r"p@ss:w\rd"  # what URLs and password files must escape


@pytest.fixture
def owned(postgres_url: str) -> Iterator[str]:
    """The URL of a user with a password who may make databases; its own database does not exist."""
    name = f"u{uuid.uuid4().hex[:8]}"
    engine = create_engine(postgres_url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE ROLE {name} LOGIN CREATEDB PASSWORD :it").bindparams(it=PASSWORD))
    yield (
        make_url(postgres_url)
        .set(username=name, password=PASSWORD, database=f"of_{name}")
        .render_as_string(hide_password=False)
    )
    with engine.connect() as connection:
        for each in ("prefect", "mlflow", "ledger"):
            connection.execute(text(f"DROP DATABASE IF EXISTS of_{name}_{each}"))
        connection.execute(text(f"DROP ROLE {name}"))
    engine.dispose()


def test_without_a_url_everything_lies_below_home(tmp_path: Path) -> None:
    """Beside the embedded stores of commands without servers: they are the same files."""
    kept = databases(None, tmp_path)

    assert kept.mlflow == f"sqlite:///{tmp_path}/mlflow.db"
    assert kept.ledger == f"sqlite:///{tmp_path}/ledger.db"


def test_missing_databases_are_made_and_known_ones_kept(owned: str, tmp_path: Path) -> None:
    """The second start finds what the first one left."""
    first = databases(owned, tmp_path)
    with Ledger.open(first.ledger):
        pass

    again = databases(owned, tmp_path)

    assert again == first
    with Ledger.open(again.ledger) as ledger:
        assert ledger.decisions.of("any") == []


def test_a_password_stands_only_in_a_file_of_its_owner(owned: str, tmp_path: Path) -> None:
    """URLs name the file; nobody else may read it."""
    kept = databases(owned, tmp_path)

    assert PASSWORD not in repr(kept) and "%40" not in repr(kept)
    file = Path(str(make_url(kept.ledger).query["passfile"]))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert make_url(kept.mlflow).query["passfile"] == str(file)


def test_a_server_that_does_not_answer_is_named_without_its_password(tmp_path: Path) -> None:
    """Nothing is made before it answers."""
    with pytest.raises(BadInput, match=r"RATOON_DATABASE_URL.*cannot be used.*Nothing was started") as caught:
        databases("postgresql://me:hunter2@127.0.0.1:1/ratoon", tmp_path)

    assert "hunter2" not in str(caught.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("mysql://me:hunter2@host/x", "kind 'mysql'"),
        ("hunter2", "cannot be read"),
        ("postgresql://me:hunter2@host/x?options=-csearch_path=a", "'options'"),
    ],
)
def test_what_is_no_postgresql_is_refused(url: str, said: str, tmp_path: Path) -> None:
    """The message names what was expected, never the password."""
    with pytest.raises(BadInput, match=said) as caught:
        databases(url, tmp_path)

    assert "hunter2" not in str(caught.value)
