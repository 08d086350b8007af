"""A password in an address stays where the user wrote it: no message, page, tag or record repeats it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ratoon.cli.commands.init import write_starter
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


FORMS = {
    "libpq, a password of two words": f"host=db user=u password='a {SECRET}' dbname=x",
    "libpq on an address with a blank": f'invalid dsn: missing "=" after "postgresql://u:a {SECRET}@h/db"',
    "libpq on an address cut at its @": f'could not translate host name "{SECRET}@db" to address',
    "libpq on an address cut at its colon": f'invalid integer value "{SECRET}@db:5432" for connection option "port"',
    "a password with a blank, no quotes": f"could not connect to postgresql://u:a {SECRET}@h/db",
    "an address that was cut off": f"postgresql://u:{SECRET}",
    "an address whose slashes are escaped": f"postgresql:\\/\\/u:{SECRET}@h\\/db",
    "an address within an address": f"url=postgresql%3A%2F%2Fu%3A{SECRET}%40h%2Fdb",
    "an address without a scheme": f"//u:{SECRET}@h/db",
    "a login without an address": f"Could not parse 'postgresql//u:{SECRET}@h:5432'",
    "JSON within JSON": f'{{"body": "{{\\"password\\": \\"{SECRET}\\"}}"}}',
    "a sentence": f"wrong password: {SECRET}, try another",
    "a sentence with quotes": f'the password "{SECRET}" is wrong',
    "SQL": f"ALTER ROLE u WITH ENCRYPTED PASSWORD '{SECRET}'",
    "SQL of another kind": f"CREATE USER u IDENTIFIED BY '{SECRET}'",
    "DuckDB": f"CREATE SECRET s (TYPE S3, SECRET '{SECRET}')",
    "ODBC in braces": f"Server=h;Pwd={{a;{SECRET}}};Database=d",
    "an option": f"psql --password {SECRET} -h db",
    "a pair": f"requests.get(url, auth=('u', '{SECRET}'))",
    "an object": f"Client(auth=BasicAuth('u', '{SECRET}'))",
    "pydantic": f"SecretStr('{SECRET}')",
    "Prefect": f"PREFECT_SERVER_API_AUTH_STRING=ratoon:{SECRET}",
    "a cookie": f"Set-Cookie: session={SECRET}; Path=/",
    "S3": f"s3://key:{SECRET}@bucket/x",
    "Azure": f"https://a.blob.core.windows.net/c?sv=1&sig={SECRET}%3D",
    "a signed address": f"https://b.s3.amazonaws.com/k?X-Amz-Signature={SECRET}&x=1",
    "MotherDuck": f"md:db?motherduck_token={SECRET}",
    "a key of a service": "used ghp_abcdefghijs3cr3t-p4ssABCDEFGHIJ0123456789".replace("-", ""),
    "a token of three parts": "eyJhbGciOiJIUzI1NiJ9.eyJzczNjcjN0LXA0c3MifQ.c2lnbmF0dXJl",
    "Slack": f"POST https://hooks.slack.com/services/T0000/B0000/{SECRET} failed",
    "Slack's workflows": f"'https://hooks.slack.com/workflows/T0/A0/1/{SECRET}'",
    "Discord": f"https://discord.com/api/v10/webhooks/123456/{SECRET}?wait=true",
    "Teams": f"https://x.webhook.office.com/webhookb2/{SECRET}@tenant/IncomingWebhook/{SECRET}/abc",
    "Telegram": f"https://api.telegram.org/bot123456:{SECRET}/sendMessage",
    "a hook whose slashes are escaped": f'{{"url": "https:\\/\\/hooks.slack.com\\/services\\/T0\\/B0\\/{SECRET}"}}',
    "a key in a query": f"https://chat.example.com/v1/spaces/x/messages?threadKey=a&key={SECRET}",
    "Sentry's key": f"https://h/1?sentry_key={SECRET}",
    "a header of another scheme": f"Authorization: Negotiate {SECRET}",
    "a header with a short token": "authorization: Bearer s3cr3t",
    "a header without a scheme": f"Proxy-Authorization: {SECRET}",
    "headers as a mapping": f"{{'Authorization': 'Token {SECRET}', 'Accept': '*/*'}}",
    "headers as pairs": f"[('authorization', 'AWS4-HMAC-SHA256 {SECRET}')]",
    "an abbreviation": f"pw={SECRET}",
    "a private key": f"-----BEGIN RSA PRIVATE KEY-----\n{SECRET}\n-----END RSA PRIVATE KEY-----",
    "a private key that was cut off": f"-----BEGIN PRIVATE KEY-----\n{SECRET}",
}


@pytest.mark.parametrize("text", FORMS.values(), ids=FORMS)
def test_no_form_shows_a_secret(text: str) -> None:
    said = masked(text)
    assert "s3cr3t" not in said and "eyJz" not in said, said
    assert "***" in said


@pytest.mark.parametrize(
    "text",
    [
        "the password is wrong", "token 5 of 7", "PWD is /srv/x", "see http://[::1]:4200/api now", "http://h:5000, or",
        "models:/flights@champion", "by eva@example.com at 10:20", "spec.yaml:12: data.id", "tcp://db:5432 is down",
        "postgresql://db:5432 is down, ask eva@example.com", "a port: 5432", "expected one of 'a', 'b'", "auth is off",
        "sqlite:////srv/x.db", "rule 2: `drift.share > 0.3`", "path /srv/a:b/c@d",
    ],
)  # fmt: skip
def test_texts_without_a_secret_stay(text: str) -> None:
    assert masked(text) == text


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("PGPASSWORD", "tr0ub4dor&3", "FATAL: could not use tr0ub4dor&3 as it is"),
        ("MY_API_TOKEN", "abc/def+ghi==", "GET /x?q=abc%2Fdef%2Bghi%3D%3D failed"),
        ("RATOON_DATABASE_URL", "postgresql://u:p%40ss%2Fword@h/db", 'role "p@ss/word" does not exist'),
    ],
)
def test_what_the_environment_holds_is_masked_wherever_it_stands(
    name: str, value: str, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A library repeats it without any word by which it could be told."""
    monkeypatch.setenv(name, value)
    said = masked(text)
    assert "***" in said and not any(part in said for part in ("tr0ub", "def", "word"))


def test_masking_takes_no_time_on_absurd_texts() -> None:
    """No expression walks a long text again and again."""
    for text in ("a:" * 50_000, "//" * 50_000, "password " * 10_000, "'" * 50_000, "x://u:" * 10_000, "-" * 50_000):
        masked(text)


@pytest.mark.parametrize("part", ["a", "://", "x://u:", "'", "token ", '"password": "', "a.b-c_", "%2F%2F"])
def test_a_message_of_megabytes_is_cut_before_it_is_looked_through(part: str) -> None:
    """A library's error may quote all that it was given; secrets in what is left are masked all the same."""
    said = masked(f"postgresql://u:{SECRET}@h/db " + part * 1_000_000)
    assert SECRET not in said and len(said) < 100_000


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
