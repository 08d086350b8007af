"""A password in RATOON_DATABASE_URL: every server works with it, and it stands in no record, log, tag or command."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from email.message import Message
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy import create_engine, inspect, make_url, text

sys.path.insert(0, str(Path(__file__).parent))

from running import wait_for
from upped import Upped

from ratoon.servers.processes import marked

pytestmark = [pytest.mark.slow, pytest.mark.timeout(2400)]

DATABASES = ("safe_prefect", "safe_mlflow", "safe_ledger")


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory, guarded_postgres_url: str) -> Iterator[Upped]:
    """A project on a PostgreSQL that asks for a password, after a monitored retrain and a review."""
    url = make_url(guarded_postgres_url).set(database="safe").render_as_string(hide_password=False)
    started = Upped.on_free_ports(tmp_path_factory.mktemp("project"), RATOON_DATABASE_URL=url)
    try:
        started.ratoon("init", "flights")
        started.start()
        yield started
        assert started.stop() == 0, started.log
    finally:
        started.clean_up()


def test_the_whole_loop_runs_and_repeats_the_password_nowhere(up: Upped, guarded_postgres_url: str) -> None:
    spec = str(up.folder / "flights" / "spec.yaml")
    shown = [up.ratoon("train", spec, "--at", "2026-01-31")]
    _run(up, "monitor", at="2026-02-13T00:00:00")
    _run(up, "monitor", at="2026-02-19T00:00:00")
    wait_for(lambda: "challenger" in _aliases(up, spec), seconds=240, what="a challenger", log=lambda: up.log)
    challenger = _aliases(up, spec)["challenger"]  # its number hangs on how many strategies learned before
    _run(up, "promote", version=challenger, reason="the gate looks right", actor="eva")
    for command in ("status", "history"):
        shown += [up.ratoon(command, spec), up.ratoon(command, spec, "--json")]
    shown += [up.ratoon("report", spec), *_commands(up), *_files(up), *_rows(guarded_postgres_url)]

    assert _aliases(up, spec)["champion"] == challenger != "1"
    told = [
        line for line in (up.home / "logs" / "hooks.log").read_text().splitlines() if "could not be started" in line
    ]
    # On a busy machine one review may still run when the next is asked for, which is then tried again.
    assert [line for line in told if "another review was running" not in line] == [], "it asks whom is there"
    password = make_url(guarded_postgres_url).password
    assert password is not None
    written = {str(password), guarded_postgres_url.split(":", 2)[2].split("@")[0]}
    written |= {up.password, b64encode(up.password.encode()).decode()}
    telling = [each[:2000] for each in shown if any(one in each for one in written)]
    assert telling == []


def test_no_page_of_the_web_and_no_stranger_is_answered(up: Upped) -> None:
    """Not by another origin, not by a name that was made to point here, and not without Prefect's password."""
    where, port = up.where, urlsplit(up.where.prefect).port
    asked = {
        f"{where.prefect}/api/deployments/filter": "POST",
        f"{where.mlflow}/api/2.0/mlflow/registered-models/create": "POST",
        f"{where.evidently}/api/projects": "POST",
    }
    for address, method in asked.items():
        for headers in ({"Origin": "http://evil.example"}, {"Origin": "null"}, {"Host": "evil.example"}):
            assert _status(address, method, headers) == 403, (address, headers)
        allowed = {"Origin": "http://evil.example", "Access-Control-Request-Method": method}
        assert "evil.example" not in _allowed_to(address, allowed)
    assert _status(f"{where.prefect}/api/deployments/filter", "POST", {}) == 401
    assert _status(f"{where.evidently}/api/projects", "POST", {}) == 403
    own = {"Origin": f"http://localhost:{port}", "Access-Control-Request-Method": "POST"}
    assert _allowed_to(f"{where.prefect}/api/deployments/filter", own) == own["Origin"]
    assert open_to_others(up.home) == []


def _status(address: str, method: str, headers: dict[str, str]) -> int:
    return _answer(address, method, headers)[0]


def _allowed_to(address: str, headers: dict[str, str]) -> str:
    """Which origin the server tells a browser that it may let read the answer."""
    return _answer(address, "OPTIONS", headers)[1].get("Access-Control-Allow-Origin") or ""


def _answer(address: str, method: str, headers: dict[str, str]) -> tuple[int, Message]:
    body = b'{"name": "x"}' if method == "POST" else None
    request = urllib.request.Request(address, body, {"Content-Type": "application/json", **headers}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.headers
    except urllib.error.HTTPError as refused:
        return refused.code, refused.headers


def open_to_others(folder: Path) -> list[str]:
    return sorted(str(each) for each in (folder, *folder.rglob("*")) if each.lstat().st_mode & 0o077)


def test_a_wrong_password_is_refused_before_anything_starts(tmp_path: Path, guarded_postgres_url: str) -> None:
    url = make_url(guarded_postgres_url).set(password="gue55ed").render_as_string(hide_password=False)
    wrong = Upped.on_free_ports(tmp_path, RATOON_DATABASE_URL=url).environment
    done = subprocess.run(
        [sys.executable, "-m", "ratoon.cli.main", "up"],
        cwd=tmp_path, env=wrong, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=240,
    )  # fmt: skip

    said = done.stdout + done.stderr
    assert done.returncode == 2, said
    assert "RATOON_DATABASE_URL" in said and "password authentication failed" in said.replace("\n", " ")
    assert "gue55ed" not in said and "Traceback" not in said
    assert "Nothing was started" in said.replace("\n", " ")


def _run(up: Upped, flow: str, **parameters: str) -> None:
    """Start the deployment and wait until its run has ended well."""
    found = up.prefect("deployments/filter", {"flows": {"name": {"any_": [flow]}}})
    (deployment,) = [each for each in found if each["name"] == "flights"]
    run = up.prefect(f"deployments/{deployment['id']}/create_flow_run", {"parameters": parameters})

    def ended() -> bool:
        state = up.prefect(f"flow_runs/{run['id']}")["state"]
        assert state["type"] not in ("FAILED", "CRASHED", "CANCELLED"), state["message"]
        return bool(state["type"] == "COMPLETED")

    log = up.home / "logs" / "worker.log"
    wait_for(ended, seconds=240, what=f"the end of {flow}", log=lambda: log.read_text(errors="replace")[-4000:])


def _aliases(up: Upped, spec: str) -> dict[str, str]:
    versions: list[dict[str, Any]] = json.loads(up.ratoon("status", spec, "--json"))["versions"]
    return {alias: str(each["version"]) for each in versions for alias in each["alias"].split(", ")}


def _commands(up: Upped) -> list[str]:
    return [Path(f"/proc/{each.pid}/cmdline").read_text().replace("\0", " ") for each in marked(up.home)]


def _files(up: Upped) -> list[str]:
    """All that lies in the project: logs, artifacts, Prefect's storage, the report; only `secrets/` may know it."""
    files = [each for each in up.folder.rglob("*") if each.is_file() and each.parent != up.home / "secrets"]
    assert any(each.name == "worker.log" for each in files)
    return [f"{each}: {each.read_bytes().decode('latin-1')}" for each in files]


def _rows(url: str) -> list[str]:
    rows = []
    for database in DATABASES:
        engine = create_engine(make_url(url).set(drivername="postgresql+psycopg2", database=database))
        with engine.connect() as connection:
            for table in inspect(engine).get_table_names():
                rows += [f"{table}: {row[0]}" for row in connection.execute(text(f'SELECT t::text FROM "{table}" t'))]
        engine.dispose()
    assert len(rows) > 500
    return rows
