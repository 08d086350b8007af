"""A password in an address stays where the user wrote it: no message, page, tag or record repeats it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ratoon.cli.starting import write_starter
from ratoon.spec.errors import BadInput, Refused
from ratoon.spec.masked import masked, without_login

SECRET = "s3cr3t-p4ss"  # not used anywhere


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        (f"postgresql+psycopg2://eva:{SECRET}@db:5432/ledger", "postgresql+psycopg2://eva:***@db:5432/ledger"),
        (f"http://eva:{SECRET}@mlflow:5000", "http://eva:***@mlflow:5000"),
        (f"postgresql://eva:a@{SECRET}@db/x", "postgresql://eva:***@db/x"),
        (f"postgresql://db/x?user=eva&password={SECRET}&sslmode=require",
         "postgresql://db/x?user=eva&password=***&sslmode=require"),
        ("sqlite:////srv/ratoon/ledger.db", "sqlite:////srv/ratoon/ledger.db"),
        ("see http://mlflow:5000/#/models/a@champion", "see http://mlflow:5000/#/models/a@champion"),
    ],
)  # fmt: skip
def test_an_address_is_shown_without_its_password(address: str, shown: str) -> None:
    assert masked(f"cannot be reached: {address}.") == f"cannot be reached: {shown}."


@pytest.mark.parametrize("kind", [BadInput, Refused])
def test_no_error_of_ours_repeats_a_password(kind: type[Exception]) -> None:
    assert SECRET not in str(kind(f"the registry at http://eva:{SECRET}@mlflow does not answer"))


def test_a_link_to_a_version_carries_no_login() -> None:
    """Links go into descriptions, artifacts and events; the reader signs in as themselves."""
    assert without_login(f"http://eva:{SECRET}@mlflow:5000") == "http://mlflow:5000"
    assert without_login("http://mlflow:5000/#/models/a@champion") == "http://mlflow:5000/#/models/a@champion"


@pytest.mark.parametrize("command", ["check", pytest.param("train", marks=pytest.mark.slow)])
def test_servers_that_do_not_answer_are_named_without_their_passwords(tmp_path: Path, command: str) -> None:
    """Registry and ledger by addresses with passwords, nobody listens: the commands say so, and no more."""
    write_starter(tmp_path, "flights")
    spec = tmp_path / "spec.yaml"
    stores = {"mlflow": f"http://eva:{SECRET}@127.0.0.1:9", "ledger": f"postgresql://eva:{SECRET}@127.0.0.1:9/x"}
    spec.write_text(spec.read_text() + f"\nstores: {json.dumps(stores)}\n")
    once = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0", "PREFECT_HOME": str(tmp_path / "prefect"), "COLUMNS": "400"}
    done = subprocess.run(
        [sys.executable, "-m", "ratoon.cli.main", command, str(spec)],
        capture_output=True, text=True, timeout=240, env={**_environment(), **once},
    )  # fmt: skip
    assert done.returncode in (1, 2), done
    assert SECRET not in done.stdout + done.stderr
    assert "127.0.0.1" in done.stdout + done.stderr


def _environment() -> dict[str, str]:
    import os

    return dict(os.environ)
