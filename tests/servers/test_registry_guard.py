"""Two accounts of MLflow itself on a real server: the reviewer moves `champion`, the service account may not."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

sys.path.insert(0, str(Path(__file__).parent))

from accounts import ADMIN, PASSWORD, REVIEWER, SERVICE, Guarded, free_port, start_guarded

from ratoon.cli.commands.init import write_starter
from ratoon.ledger.ledger import Ledger
from ratoon.servers.hooks_app import create_app
from ratoon.servers.hooks_subscribe import subscribe

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    started = start_guarded(tmp_path_factory.mktemp("guarded"))
    try:
        for name in (REVIEWER, SERVICE):
            _call(started, ADMIN, "POST", "users/create", {"username": name, "password": PASSWORD})
        yield started
    finally:
        started.stop()


@pytest.fixture(scope="module")
def model(server: Guarded) -> str:
    """A model of the reviewer's with two versions and a champion, on which the service account has EDIT."""
    _call(server, REVIEWER, "POST", "registered-models/create", {"name": "guarded"})
    _grant(server, "guarded")
    for _ in range(2):
        _call(server, REVIEWER, "POST", "model-versions/create", {"name": "guarded", "source": "s3://nowhere/files"})
    alias = {"name": "guarded", "alias": "champion", "version": "1"}
    _call(server, REVIEWER, "POST", "registered-models/alias", alias)
    return "guarded"


ALIAS = {"name": "guarded", "alias": "champion", "version": "2"}
TAG = {"name": "guarded", "version": "2", "value": "x"}
WAYS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "the REST interface": ("POST", "api/2.0/mlflow/registered-models/alias", ALIAS),
    "the page's own interface": ("POST", "ajax-api/2.0/mlflow/registered-models/alias", ALIAS),
    "deleting the alias": ("DELETE", "api/2.0/mlflow/registered-models/alias", ALIAS),
    "deleting the version": ("DELETE", "api/2.0/mlflow/model-versions/delete", {"name": "guarded", "version": "1"}),
    "renaming the model": ("POST", "api/2.0/mlflow/registered-models/rename", {"name": "guarded", "new_name": "x"}),
    "deleting the model": ("DELETE", "api/2.0/mlflow/registered-models/delete", {"name": "guarded"}),
    "rejecting": ("POST", "api/2.0/mlflow/model-versions/set-tag", TAG | {"key": "review"}),
    "another's name": ("POST", "api/2.0/mlflow/model-versions/set-tag", TAG | {"key": "reviewed_by"}),
    "a name from the start": (
        "POST",
        "api/2.0/mlflow/model-versions/create",
        {"name": "guarded", "source": "s3://nowhere/files", "tags": [{"key": "reviewed_by", "value": "rita"}]},
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_the_service_account_moves_no_champion(server: Guarded, model: str, way: str) -> None:
    method, path, body = WAYS[way]
    answer = httpx.request(method, f"{server.url}/{path}", json=body, auth=(SERVICE, PASSWORD), timeout=60)

    assert answer.status_code == 403, answer.text
    assert _aliases(server, model)["champion"] == "1"


def test_without_an_account_nothing_moves(server: Guarded, model: str) -> None:
    path = f"{server.url}/api/2.0/mlflow/registered-models/alias"
    assert httpx.post(path, json=ALIAS, timeout=60).status_code == 401
    assert httpx.post(path, json=ALIAS, auth=(REVIEWER, "wrong"), timeout=60).status_code == 401


def test_no_graphql_mutation_moves_an_alias(server: Guarded, model: str) -> None:
    query = "{ __schema { mutationType { fields { name } } } }"
    answer = httpx.post(f"{server.url}/graphql", json={"query": query}, auth=(SERVICE, PASSWORD), timeout=60)
    assert "alias" not in answer.text.lower()


def test_the_service_account_registers_and_offers(server: Guarded, model: str) -> None:
    """All that Ratoon itself needs: versions, the alias `challenger`, tags, descriptions."""
    made = _call(server, SERVICE, "POST", "model-versions/create", {"name": model, "source": "s3://nowhere/files"})
    number = made["model_version"]["version"]
    _call(server, SERVICE, "POST", "registered-models/alias", ALIAS | {"alias": "challenger", "version": number})
    _call(server, SERVICE, "POST", "model-versions/set-tag", TAG | {"key": "ratoon.caught"})
    _call(server, SERVICE, "PATCH", "model-versions/update", {"name": model, "version": number, "description": "x"})


def test_the_mover_s_name_is_kept(server: Guarded, model: str) -> None:
    """Also of a rejection, and not to be changed by anybody."""
    _call(server, REVIEWER, "POST", "registered-models/alias", ALIAS)
    assert _tags(server, model, "2")["reviewed_by"] == REVIEWER
    _call(server, ADMIN, "POST", "registered-models/alias", ALIAS | {"version": "1"})
    assert _tags(server, model, "1")["reviewed_by"] == ADMIN
    _call(server, ADMIN, "POST", "model-versions/set-tag", TAG | {"key": "review", "value": "rejected"})
    assert _tags(server, model, "2")["reviewed_by"] == ADMIN
    forged = TAG | {"key": "reviewed_by", "value": "somebody"}
    answer = httpx.post(
        f"{server.url}/api/2.0/mlflow/model-versions/set-tag", json=forged, auth=(REVIEWER, PASSWORD), timeout=60
    )
    assert answer.status_code == 403
    _call(server, REVIEWER, "DELETE", "registered-models/alias", {"name": model, "alias": "champion"})
    assert _tags(server, model, "1")["champion_removed_by"] == REVIEWER
    _call(server, REVIEWER, "POST", "registered-models/alias", ALIAS | {"version": "1"})


def test_a_real_delivery_is_believed_and_starts_a_review(
    server: Guarded, model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Subscribed twice it is one webhook; its secret is in no answer and in no log of the server."""
    for name, value in server.as_user(ADMIN).items():
        monkeypatch.setenv(name, value)
    reviews: list[Path] = []
    spec, secret = tmp_path / "spec.yaml", "the webhook's secret"
    app = create_app(secret, lambda: {model: spec}, reviews.append, seen=tmp_path / "hooks.db", settle=0.05)
    ear = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", ws="none"))
    thread = threading.Thread(target=ear.run)
    thread.start()
    try:
        _soon(lambda: ear.started and reviews == [spec])
        url = f"http://127.0.0.1:{ear.servers[0].sockets[0].getsockname()[1]}/mlflow"
        first = subscribe(server.url, "http://127.0.0.1:9/mlflow", "another secret")
        assert subscribe(server.url, url, secret) == first
        time.sleep(1.5)  # the server keeps its list of webhooks for a second

        _call(server, REVIEWER, "POST", "registered-models/alias", ALIAS | {"version": "1"})
        _soon(lambda: len(reviews) == 2)
        listed = httpx.get(f"{server.url}/api/2.0/mlflow/webhooks", auth=(ADMIN, PASSWORD), timeout=60).text
        assert listed.count("webhook_id") == 1
        assert secret not in listed + server.log
    finally:
        ear.should_exit = True
        thread.join(60)


def test_ratoon_under_the_service_account_offers_and_the_reviewer_approves(server: Guarded, tmp_path: Path) -> None:
    """With `review: automatic` too: the 403 becomes a sentence, the version waits, and who approved is known."""
    project = tmp_path / "late"
    _ratoon(server, REVIEWER, "init", str(project))
    spec = project / "spec.yaml"
    text = spec.read_text().replace("review: required", "review: automatic")
    spec.write_text(text.replace("recent: better", "recent: not_worse"))
    _ratoon(server, REVIEWER, "train", str(spec), "--at", "2026-02-03")
    _grant(server, "late")

    said = json.loads(_ratoon(server, SERVICE, "retrain", str(spec), "--at", "2026-02-20", "--reason", "x", "--json"))
    assert (said["outcome"], said["version"], said["promoted"]) == ("registered", "2", False)
    aliases = _aliases(server, "late")
    behind = {alias: number for alias, number in aliases.items() if alias.startswith("candidate-")}
    assert aliases == {"champion": "1", "challenger": "2", "candidate": "2"} | behind
    assert list(behind.values()).count("2") == 1, "the challenger is the newest version of one strategy"
    refused = _ratoon(server, SERVICE, "promote", str(spec), fails=1)
    assert f"the account {SERVICE} may not let v2 serve" in refused
    assert "Traceback" not in refused

    _call(server, REVIEWER, "POST", "registered-models/alias", {"name": "late", "alias": "champion", "version": "2"})
    code = f"from ratoon.flows.review import review; print(review(spec={str(spec)!r}))"
    assert "promotion v2" in _run(server, SERVICE, sys.executable, "-W", "ignore", "-c", code)
    with Ledger.open(f"sqlite:///{project / '.ratoon' / 'ledger.db'}") as ledger:
        move = ledger.promotions.of("late")[-1]
    assert (move.version, move.actor, move.kind) == ("2", REVIEWER, "promotion")
    assert PASSWORD not in refused


def _ratoon(server: Guarded, user: str, *arguments: str, fails: int = 0) -> str:
    return _run(server, user, sys.executable, "-W", "ignore", "-m", "ratoon.cli.main", *arguments, fails=fails)


def _run(server: Guarded, user: str, *command: str, fails: int = 0) -> str:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MLFLOW_", "PREFECT_"))}
    own = {"PREFECT_HOME": str(server.folder / "prefect"), "PREFECT_LOGGING_LEVEL": "WARNING", "COLUMNS": "500"}
    done = subprocess.run(
        command,
        env=kept | server.as_user(user) | own,
        cwd=server.folder,
        capture_output=True,
        text=True,
        timeout=400,
    )
    assert done.returncode == fails, f"{command}\n{done.stdout}\n{done.stderr[-6000:]}\n{server.log[-3000:]}"
    return done.stdout + (done.stderr if fails else "")


def _grant(server: Guarded, model: str) -> None:
    about = {"username": SERVICE, "resource_type": "registered_model", "resource_id": model, "permission": "EDIT"}
    _call(server, ADMIN, "POST", "users/permissions/grant", about)
    found = _call(server, ADMIN, "GET", f"experiments/get-by-name?experiment_name={model}", {}, missing=True)
    if "experiment" in found:
        where = {"resource_type": "experiment", "resource_id": found["experiment"]["experiment_id"]}
        _call(server, ADMIN, "POST", "users/permissions/grant", about | where)


def test_ratoon_listen_subscribes_itself_and_reviews(server: Guarded, model: str, tmp_path: Path) -> None:
    """The command as `compose.yaml` starts it: an alias moved by a person becomes a review of that spec."""
    write_starter(tmp_path / "project", "flights")
    spec = tmp_path / "project" / "spec.yaml"
    spec.write_text(spec.read_text().replace("model: flights", f"model: {model}"))
    port, log = str(free_port()), tmp_path / "listen.log"
    told = {
        "RATOON_WEBHOOK_SECRET": "a shared secret",
        "RATOON_HOOKS_PORT": port,
        "RATOON_HOME": str(tmp_path / "home"),
    }
    command = [sys.executable, "-m", "ratoon.cli.main", "listen", str(tmp_path / "project")]
    with log.open("wb") as out:
        listening = subprocess.Popen(
            [*command, "--subscribe", f"http://127.0.0.1:{port}/mlflow"],
            cwd=tmp_path, env=os.environ | server.as_user(ADMIN) | told, stdout=out, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        _soon(lambda: "MLflow sends its events to" in log.read_text() and len(_moves(spec)) == 1, seconds=270)
        _call(server, REVIEWER, "POST", "registered-models/alias", ALIAS | {"version": "2"})
        _soon(lambda: _moves(spec)[-1:] == [(model, "2", REVIEWER)], seconds=360)
    finally:
        listening.terminate()
        listening.wait(60)
    _soon(lambda: not _of(tmp_path), seconds=180)  # Prefect's temporary server too


def _of(folder: Path) -> list[str]:
    """The processes that carry *folder* in their environment."""
    found = []
    for each in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if f"PREFECT_HOME={folder}" in each.read_bytes().decode("latin-1"):
                found.append(each.parent.name)
    return found


def _moves(spec: Path) -> list[tuple[str, str, str]]:
    with Ledger.open(f"sqlite:///{spec.parent / '.ratoon' / 'ledger.db'}") as ledger:
        return [(each.model, each.version, each.actor) for each in ledger.promotions.of("guarded")]


def _call(
    server: Guarded, user: str, method: str, path: str, body: dict[str, Any], *, missing: bool = False
) -> dict[str, Any]:
    url = f"{server.url}/api/2.0/mlflow/{path}"
    answer = httpx.request(method, url, json=body or None, auth=(user, PASSWORD), timeout=60)
    if answer.status_code == 404 and path.startswith("users/permissions"):
        answer = httpx.request(method, url.replace("2.0", "3.0"), json=body, auth=(user, PASSWORD), timeout=60)
    if missing and answer.status_code == 404:
        return {}
    assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text}"
    return dict(answer.json() or {})


def _aliases(server: Guarded, model: str) -> dict[str, str]:
    found = _call(server, ADMIN, "GET", f"registered-models/get?name={model}", {})["registered_model"]
    return {each["alias"]: each["version"] for each in found.get("aliases", ())}


def _tags(server: Guarded, model: str, version: str) -> dict[str, str]:
    found = _call(server, ADMIN, "GET", f"model-versions/get?name={model}&version={version}", {})["model_version"]
    return {each["key"]: each["value"] for each in found.get("tags", ())}


def _soon(true: Any, seconds: float = 120) -> None:
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until
        time.sleep(0.05)


def test_a_reviewed_version_can_be_copied_without_its_reviewer_s_name(server: Guarded, model: str) -> None:
    """As `MlflowClient.copy_model_version` does: all tags go along, but not who spoke."""
    _call(server, REVIEWER, "POST", "registered-models/create", {"name": "elsewhere"})
    tags = [{"key": "reviewed_by", "value": REVIEWER}, {"key": "review", "value": "rejected"}]
    tags.append({"key": "ratoon.strategy", "value": "warm"})
    made = _call(
        server,
        REVIEWER,
        "POST",
        "model-versions/create",
        {"name": "elsewhere", "source": f"models:/{model}/1", "tags": tags},
    )
    assert _tags(server, "elsewhere", made["model_version"]["version"]) == {"ratoon.strategy": "warm"}
