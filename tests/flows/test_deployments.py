"""What `ratoon deploy` writes to a real Prefect server, what its forms refuse, and what it leaves to operators."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import DeploymentScheduleCreate
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterId
from prefect.client.schemas.schedules import CronSchedule
from prefect.exceptions import PrefectHTTPStatusError
from prefect.states import Failed, Pending, Running
from processes import Processes
from project import LATE, Project

from ratoon.flows.prefect.deploy import DEPLOYED, build, deploy_all, left_over
from ratoon.flows.prefect.recover import WORKER, Recovery
from ratoon.flows.prefect.specs import find_specs
from ratoon.flows.review import start_review
from ratoon.spec.errors import BadInput, Refused

FLOWS = [each.flow for each in DEPLOYED if find_spec(f"ratoon.flows.{each.module}")]
ROOT = Path(__file__).parents[2]


@pytest.fixture
def client() -> Iterator[SyncPrefectClient]:
    with get_client(sync_client=True) as opened:
        yield opened


def deploy(project: Project) -> list[str]:
    return deploy_all([Path(project.path)], pool="ratoon-test", environment={"OMP_NUM_THREADS": "1"})


def test_each_flow_of_each_model_has_a_deployment(client: SyncPrefectClient, trained: Project, tmp_path: Path) -> None:
    other = Project(tmp_path / "other")
    shutil.copytree(trained.folder, other.folder)
    other.write(r"^model: flights", "model: trains")

    names = deploy_all(find_specs(tmp_path), pool="ratoon-test", environment={"A": "1"})

    assert sorted(names) == sorted(f"{flow}/{model}" for flow in FLOWS for model in ("flights", "trains"))
    retrain = client.read_deployment_by_name("retrain/trains")
    assert retrain.parameters == {"spec": other.path}
    assert retrain.entrypoint == "ratoon.flows.retrain.retrain"
    assert retrain.job_variables == {"env": {"A": "1"}}
    assert client.read_work_pool("ratoon-test").type == "process"


def test_the_monitor_runs_as_often_as_the_spec_says(client: SyncPrefectClient, trained: Project) -> None:
    trained.write(r"every: 1d", "every: 6h")
    deploy(trained)
    (schedule,) = client.read_deployment_by_name("monitor/flights").schedules
    assert schedule.schedule.interval == timedelta(hours=6)
    trained.write(r"every: 6h", "every: 1h")
    deploy(trained)
    (schedule,) = client.read_deployment_by_name("monitor/flights").schedules
    assert schedule.schedule.interval == timedelta(hours=1)


def test_deploying_again_keeps_what_an_operator_set(client: SyncPrefectClient, trained: Project) -> None:
    """A paused schedule, a schedule of their own, a paused deployment, a tag."""
    deploy(trained)
    before = client.read_deployment_by_name("monitor/flights")
    client.update_deployment_schedule(before.id, before.schedules[0].id, active=False)
    nightly = DeploymentScheduleCreate(schedule=CronSchedule(cron="0 3 * * *"), active=True, slug="nightly")
    client.create_deployment_schedules(before.id, [nightly])
    retrain = client.read_deployment_by_name("retrain/flights")
    client.pause_deployment(retrain.id)

    deploy(trained)

    after = client.read_deployment_by_name("monitor/flights")
    assert after.id == before.id
    assert {each.slug: each.active for each in after.schedules} == {"spec": False, "nightly": True}
    assert client.read_deployment_by_name("retrain/flights").paused
    client.resume_deployment(retrain.id)


def test_a_deployment_whose_spec_is_gone_is_reported_not_deleted(client: SyncPrefectClient, trained: Project) -> None:
    trained.write(r"^model: flights", "model: ferries")
    deploy(trained)
    assert not [name for name in left_over() if name.endswith("/ferries")]
    Path(trained.path).unlink()
    assert [name for name in left_over() if name.endswith("/ferries")] == sorted(f"{flow}/ferries" for flow in FLOWS)
    assert client.read_deployment_by_name("monitor/ferries")


def test_two_specs_of_one_model_are_refused(trained: Project) -> None:
    shutil.copy(trained.path, trained.folder / "again.yaml")
    with pytest.raises(BadInput, match=r"both describe the model 'flights'.*Nothing was deployed"):
        deploy_all(find_specs(trained.folder), pool="ratoon-test", environment={})


@pytest.mark.parametrize(
    ("flow", "given", "field"),
    [
        ("retrain", {"reason": "new tariff", "strategy": "hot"}, "strategy"),
        ("retrain", {}, "reason"),
        ("retrain", {"reason": ""}, "reason"),
        ("retrain", {"reason": "x", "decision": "drop table"}, "decision"),
        ("retrain", {"reason": "x", "spec": "/etc/passwd"}, "spec"),
        ("monitor", {"at": 7}, "at"),
        ("promote", {"reason": "x", "actor": "Kim", "version": "latest"}, "version"),
        ("promote", {"reason": "gate looks right"}, "actor"),
        ("roll-back", {"actor": "Kim"}, "reason"),
        ("backtest", {"every": "often"}, "every"),
        ("backtest", {"workers": 0}, "workers"),
    ],
)
def test_a_form_refuses_nonsense_and_starts_no_run(
    client: SyncPrefectClient, trained: Project, flow: str, given: dict[str, Any], field: str
) -> None:
    deploy(trained)
    deployment = client.read_deployment_by_name(f"{flow}/flights")
    with pytest.raises(PrefectHTTPStatusError) as refused:
        client.create_flow_run_from_deployment(deployment.id, parameters={"spec": trained.path, **given})
    assert refused.value.response.status_code == 409
    assert field in refused.value.response.text or str(given.get(field)) in refused.value.response.text


def test_every_field_of_every_form_is_titled_and_described(trained: Project) -> None:
    """In the order in which people fill it in; who does it is never prefilled."""
    for each in DEPLOYED:
        if each.flow not in FLOWS:
            continue
        schema = build(each, trained.spec, "pool", {})._parameter_openapi_schema
        for name, field in schema.properties.items():
            assert field.get("description"), (each.flow, name)
            assert field["title"] != name or name == "start", (each.flow, name)
        places = {name: field["position"] for name, field in schema.properties.items()}
        assert max(places, key=lambda name: places[name]) == "spec", each.flow
        assert not (schema.properties.get("actor") or {}).get("default")


def test_of_two_starts_by_hand_one_waits_its_turn(client: SyncPrefectClient, trained: Project) -> None:
    """The server lets one retrain of a model run; the other waits, and is not lost."""
    deploy(trained)
    deployment = client.read_deployment_by_name("retrain/flights")
    first, second = (
        client.create_flow_run_from_deployment(deployment.id, parameters={"spec": trained.path, "reason": why})
        for why in ("new tariff", "new tariff, too")
    )
    client.set_flow_run_state(first.id, Pending())
    client.set_flow_run_state(first.id, Running())
    client.set_flow_run_state(second.id, Pending())

    assert client.read_flow_run(first.id).state.name == "Running"
    waiting = client.read_flow_run(second.id).state
    assert (waiting.type.value, waiting.name) == ("SCHEDULED", "AwaitingConcurrencySlot")


def test_prefect_yaml_says_what_ratoon_deploy_writes(trained: Project) -> None:
    """But for what only a spec can say: its schedule, and its path."""
    text = (ROOT / "prefect.yaml").read_text()
    for name, value in {"RATOON_MODEL": "flights", "RATOON_SPEC": trained.path}.items():
        text = text.replace("{{ $" + name + " }}", value)
    written = {each["entrypoint"]: each for each in yaml.safe_load(text)["deployments"]}
    ours = {each.entrypoint: each for each in DEPLOYED if each.flow != "review"}
    assert set(written) == set(ours)
    for entrypoint, each in ours.items():
        made, there = build(each, trained.spec, "ratoon", {}), written[entrypoint]
        assert there["name"] == made.name and there["tags"] == made.tags
        assert there["parameters"] == made.parameters
        assert there["description"] == each.description
        assert there["concurrency_limit"] == {"limit": made.concurrency_limit, "collision_strategy": each.collision}
        assert there["enforce_parameter_schema"] is made.enforce_parameter_schema
        assert there["work_pool"]["name"] == made.work_pool_name
        assert [s["slug"] for s in there.get("schedules", [])] == [s.slug for s in made.schedules or []]


def test_a_fired_run_goes_on_where_the_deployment_is_of_another_spec(
    processes: Processes, trained: Project, tmp_path: Path
) -> None:
    """Two projects with a model of one name on one server: the form refuses the other's spec, the retrain runs."""
    other = Project(tmp_path / "other")
    shutil.copytree(trained.folder, other.folder)
    deploy(other)
    ended = processes.run("monitor", spec=trained.path, at=LATE)
    assert ended.error is None, ended.trace
    with trained.context() as context:
        assert [update.outcome for update in context.ledger.runs.of("flights")] == ["registered"]


def test_a_review_that_another_one_crowded_out_is_no_review(client: SyncPrefectClient, trained: Project) -> None:
    """Who asked for it is told, and asks again: the other may have looked a moment too early."""
    deploy(trained)
    deployment = client.read_deployment_by_name("review/flights")
    going = client.create_flow_run_from_deployment(deployment.id, parameters={"spec": trained.path})
    client.set_flow_run_state(going.id, Pending())
    client.set_flow_run_state(going.id, Running())
    told: list[Exception] = []

    def ask() -> None:
        try:
            start_review(Path(trained.path))
        except Refused as error:
            told.append(error)

    asking = threading.Thread(target=ask)
    asking.start()
    until = time.monotonic() + 15
    while not (asked := [r for r in _runs(client, deployment.id) if r.id != going.id and r.state.name == "Scheduled"]):
        assert time.monotonic() < until
        time.sleep(0.2)
    client.set_flow_run_state(asked[0].id, Pending())  # as a worker does
    asking.join(60)

    assert client.read_flow_run(asked[0].id).state.is_cancelled()
    assert len(told) == 1


def test_a_retrain_for_a_decision_that_nobody_made_is_not_tried_again(
    client: SyncPrefectClient, trained: Project
) -> None:
    """It is refused each time: the recovery leaves it as it is."""
    deploy(trained)
    deployment = client.read_deployment_by_name("retrain/flights")
    run = client.create_flow_run_from_deployment(
        deployment.id, parameters={"spec": trained.path, "reason": "x", "decision": "0123456789abcdef"}
    )
    for state in (Pending(), Running(), Failed(message="Refused: the ledger holds no such decision")):
        client.set_flow_run_state(run.id, state)

    said = Recovery("ratoon-test", WORKER, set).look()

    assert not any("0123456789abcdef" in each for each in said)
    again = [r for r in _runs(client, deployment.id) if r.id != run.id]
    assert [r for r in again if r.parameters.get("decision") == "0123456789abcdef"] == []


def _runs(client: SyncPrefectClient, deployment: Any) -> list[Any]:
    which = DeploymentFilter(id=DeploymentFilterId(any_=[deployment]))
    return list(client.read_flow_runs(deployment_filter=which))
