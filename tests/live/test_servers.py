"""The loop through a Prefect server, an MLflow server and a worker, each a process of its own."""

from __future__ import annotations

import json
import shutil
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from running import Servers, wait_for

from ratoon.cli.commands.init import example_flights

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

CHANGE = timedelta(days=40)  # after the first run of the example stream, the evening turns


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    started = Servers.on_free_ports(tmp_path_factory.mktemp("servers"))
    try:
        started.start()
        started.call("prefect", "work-pool", "create", "ratoon", "--type", "process")
        yield started
    finally:
        started.stop()


def test_prefect_deploy_by_hand_needs_a_spec(servers: Servers) -> None:
    """Each of its runs would fail; `prefect deploy` does instead, and says what to set."""
    folder = servers.folder / "by-hand"
    folder.mkdir()
    shutil.copy(Path(__file__).parents[2] / "prefect.yaml", folder)

    with pytest.raises(AssertionError, match=r"RATOON_SPEC must hold the full path of a spec, found: \"\""):
        servers.call("prefect", "--no-prompt", "deploy", "--all", folder=folder, RATOON_SPEC="", RATOON_MODEL="by-hand")
    assert _post(servers, "deployments/filter", {}) == []

    set_ = {"RATOON_SPEC": str(folder / "spec.yaml"), "RATOON_MODEL": "by-hand"}
    servers.call("prefect", "--no-prompt", "deploy", "--all", folder=folder, **set_)
    found = _post(servers, "deployments/filter", {})
    assert {each["name"] for each in found} == {"by-hand"}
    assert {each["concurrency_options"]["collision_strategy"] for each in found} == {"ENQUEUE"}
    assert {each["parameters"]["spec"] for each in found} == {set_["RATOON_SPEC"]}
    for each in found:  # the next test deploys a model of its own
        _delete(f"{servers.prefect}/deployments/{each['id']}")


def test_a_scheduled_monitor_fires_one_retrain_through_the_servers(servers: Servers) -> None:
    """The server's schedule starts a monitor on the worker; its decision, however often met, starts one retrain."""
    project = _project_that_changed_days_ago(servers)
    spec = project / "spec.yaml"
    before = f"{datetime.now(UTC) - timedelta(days=6):%Y-%m-%dT%H:%M:%S}"
    servers.call("ratoon", "train", str(spec), "--at", before)
    servers.call("ratoon", "deploy", str(project))
    automation = _when_registered_look_again(servers)
    servers.start_worker()

    _wait_for_run(servers, "retrain")
    (decision,) = [each for each in _history(servers, spec) if each["action"] == "warm_start"]
    servers.call("prefect", "deployment", "run", "monitor/flights", "-p", f'at="{decision["at"]}"', "--watch")

    (retrain,) = _runs(servers, "retrain")
    assert retrain["idempotency_key"] == decision["id"]
    assert "auto-scheduled" in min(_runs(servers, "monitor"), key=lambda run: run["start_time"])["tags"]
    assert [each["action"] for each in _history(servers, spec)].count("warm_start") == 1
    first, *others = sorted(_versions(servers), key=lambda version: int(version["version"]))
    (challenger,) = [version for version in others if version["tags"]["ratoon.decision"] == decision["id"]]
    assert {version["tags"]["ratoon.gate"] for version in others if version is not challenger} <= {"background"}
    strategies = {f"candidate-{version['tags']['ratoon.strategy']}": version["version"] for version in others}
    assert _aliases(servers) == {
        "champion": first["version"],
        "challenger": challenger["version"],
        "candidate": challenger["version"],
        **strategies,
    }
    assert retrain["name"].endswith(f"registered v{challenger['version']}")

    def reacted() -> bool:
        runs = _post(servers, "flow_runs/filter", {"flows": {"name": {"any_": ["backtest"]}}})
        return any(automation in str(run["created_by"]) for run in runs)

    wait_for(reacted, seconds=60, what="a backtest by the automation", log=servers.log_of("prefect"))


def _project_that_changed_days_ago(servers: Servers) -> Path:
    """The starter project with more flights, whose change lies five days back, looked at each minute."""
    servers.call("ratoon", "init", "flights")
    project = servers.folder / "flights"
    flights = example_flights(rows=12_000)
    # By the minute, not by the day: what the gate sees must not hang on the hour at which the test runs.
    now = pd.Timestamp(datetime.now(UTC).replace(tzinfo=None)).floor("min")
    moved = now - timedelta(days=5) - (pd.Timestamp("2026-01-01") + CHANGE)
    for column in ("event_time", "label_time"):
        flights[column] += moved
    flights.to_parquet(project / "data" / "flights.parquet", index=False)
    _replace(project / "spec.yaml", "mode: live", "triage: {persist: 1 of 1}\nmode: live")
    _replace(project / "spec.yaml", "every: 1d", "every: 2m")
    # The first look shall fire: a gain is proven by versions that learned at looks before, days apart.
    _replace(project / "spec.yaml", "when: gain.pays", 'when: triage == "harm"')
    return project


def _when_registered_look_again(servers: Servers) -> str:
    """An automation as a team makes it: each registered version starts a backtest; its id."""
    made = servers.call(sys.executable, "-c", AUTOMATION)
    return made.strip().splitlines()[-1]


AUTOMATION = """
from datetime import timedelta

from prefect.automations import Automation
from prefect.client.orchestration import get_client
from prefect.events.actions import RunDeployment
from prefect.events.schemas.automations import EventTrigger, Posture

with get_client(sync_client=True) as client:
    backtest = client.read_deployment_by_name("backtest/flights").id
print(Automation(
    name="backtest what was registered",
    trigger=EventTrigger(
        expect={"ratoon.registered"}, match={"prefect.resource.id": "ratoon.model.flights"},
        posture=Posture.Reactive, threshold=1, within=timedelta(0),
    ),
    actions=[RunDeployment(source="selected", deployment_id=backtest)],
).create().id)
"""


def _replace(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert text.count(old) == 1, f"{old!r} is not once in {file.name}"
    file.write_text(text.replace(old, new))


def _wait_for_run(servers: Servers, flow: str) -> None:
    def ended() -> bool:
        broken = [run for name in ("monitor", flow) for run in _runs(servers, name) if run["state_type"] in BROKEN]
        assert not broken, f"{broken[0]['name']}: {broken[0]['state']['message']}\n{servers.log_of('worker')()}"
        return any(run["state_type"] == "COMPLETED" for run in _runs(servers, flow))

    wait_for(ended, seconds=240, what=f"a completed run of {flow}", log=servers.log_of("worker"))


BROKEN = {"FAILED", "CRASHED", "CANCELLED"}


def _runs(servers: Servers, flow: str) -> list[Any]:
    """The flow's runs that were started."""
    runs = _post(servers, "flow_runs/filter", {"flows": {"name": {"any_": [flow]}}})
    return [run for run in runs if run["start_time"]]


def _history(servers: Servers, spec: Path) -> list[Any]:
    return list(json.loads(servers.call("ratoon", "history", str(spec), "--json")))


def _versions(servers: Servers) -> list[dict[str, Any]]:
    found = _get(f"{servers.mlflow}/api/2.0/mlflow/model-versions/search?filter=name%3D%27flights%27")
    return [
        each | {"tags": {tag["key"]: tag["value"] for tag in each.get("tags", [])}} for each in found["model_versions"]
    ]


def _aliases(servers: Servers) -> dict[str, str]:
    found = _get(f"{servers.mlflow}/api/2.0/mlflow/registered-models/get?name=flights")
    return {each["alias"]: each["version"] for each in found["registered_model"]["aliases"]}


def _post(servers: Servers, path: str, body: dict[str, Any]) -> list[Any]:
    request = urllib.request.Request(
        f"{servers.prefect}/{path}", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return list(json.load(answer))


def _delete(address: str) -> None:
    """Prefect's server on SQLite answers 503 while its own services write: asked again, as its client does."""

    def gone() -> bool:
        try:
            with urllib.request.urlopen(urllib.request.Request(address, method="DELETE"), timeout=60):
                return True
        except urllib.error.HTTPError as error:
            if error.code != 503:
                raise
            return False

    wait_for(gone, seconds=60, what=f"{address} deleted", log=lambda: "")


def _get(address: str) -> Any:
    with urllib.request.urlopen(address, timeout=60) as answer:
        return json.load(answer)
