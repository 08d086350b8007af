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
        (f"postgresql://eva:it's{SECRET}@db/x", "postgresql://eva:***@db/x"),
        (f'postgresql://eva:"{SECRET}"@db/x', "postgresql://eva:***@db/x"),
        (f"postgresql://eva:12345/6{SECRET}@db/x", "postgresql://eva:***@db/x"),
        (f"postgresql://eva:5432/{SECRET}@db:5432/x?a=b", "postgresql://eva:***@db:5432/x?a=b"),
        (f"postgresql://eva:{SECRET}@/x?host=/var/run/postgresql", "postgresql://eva:***@/x?host=/var/run/postgresql"),
        (f"postgresql://eva:{SECRET}@%2Fvar%2Frun/x", "postgresql://eva:***@%2Fvar%2Frun/x"),
        (f"redis://:{SECRET}@cache:6379/0", "redis://:***@cache:6379/0"),
        (f"https://{SECRET}@github.com/a/b", "https://***@github.com/a/b"),
        (f"https://h/hook?token={SECRET}&x=1", "https://h/hook?token=***&x=1"),
        (f"https://h/hook?access_token={SECRET}#f", "https://h/hook?access_token=***"),
        (f"host=h user=u password={SECRET} dbname=d", "host=h user=u password=*** dbname=d"),
        (f"host=h password = 'it\\'s {SECRET}' dbname=d", "host=h password = *** dbname=d"),
        (f"PGPASSWORD={SECRET} psql", "PGPASSWORD=*** psql"),
        (f"AWS_SECRET_ACCESS_KEY={SECRET}", "AWS_SECRET_ACCESS_KEY=***"),
        (f"Server=h;User Id=u;Pwd={SECRET};Database=d", "Server=h;User Id=u;Pwd=***;Database=d"),
        (f'{{"user": "u", "password": "{SECRET}"}}', '{"user": "u", "password": "***"}'),
        (f"{{'api_key': '{SECRET}', 'x': 1}}", "{'api_key': '***', 'x': 1}"),
        (f"[('password', '{SECRET}')]", "[('password', '***')]"),
        (f"Authorization: Bearer {SECRET}.{SECRET}", "Authorization: Bearer ***"),
        ("Authorization: Basic " + "ZXZhOnMzY3IzdA==", "Authorization: Basic ***"),
        ("sqlite:////srv/ratoon/ledger.db", "sqlite:////srv/ratoon/ledger.db"),
        ("author=eva design=plain", "author=eva design=plain"),
        ("postgresql://eva@db/x", "postgresql://eva@db/x"),
        ("postgresql+psycopg2://db:5432/x", "postgresql+psycopg2://db:5432/x"),
        ("http://127.0.0.1:4200/runs/run/1?tab=a@b", "http://127.0.0.1:4200/runs/run/1?tab=a@b"),
        ("data.id: column 'id' of 'a@b' holds 3; expected token: a word", "data.id: column 'id' of 'a@b' holds 3; "
         "expected token: a word"),
        ("see http://mlflow:5000/#/models/a@champion", "see http://mlflow:5000/#/models/a@champion"),
    ],
)  # fmt: skip
def test_an_address_is_shown_without_its_password(address: str, shown: str) -> None:
    assert masked(f"cannot be reached: {address} now") == f"cannot be reached: {shown} now"


def test_a_line_of_yaml_is_shown_without_its_secret() -> None:
    assert SECRET not in masked(f"smtp:\n  user: eva\n  password: {SECRET}\n  port: 25\n")
    assert "port: 25" in masked(f"smtp:\n  user: eva\n  password: {SECRET}\n  port: 25\n")


def test_two_addresses_in_quotes_stay_two() -> None:
    assert masked(f"from 'postgresql://a:{SECRET}@x/y' to 'postgresql://b:{SECRET}@x/z'") == (
        "from 'postgresql://a:***@x/y' to 'postgresql://b:***@x/z'"
    )


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
