"""The deployments of a project: one for each flow and model, named by the model, through Prefect's own API.

Deploying again changes what the spec or Ratoon says, and keeps what an operator set in Prefect's UI: a paused
deployment, a paused schedule, schedules of their own, tags, other job variables, another work queue.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import DeploymentScheduleCreate, WorkPoolCreate
from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
from prefect.client.schemas.responses import DeploymentResponse
from prefect.client.schemas.schedules import IntervalSchedule
from prefect.deployments.runner import RunnerDeployment
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound
from prefect.types.entrypoint import EntrypointType

from ...spec.errors import BadInput
from ...spec.load import load_spec
from ...spec.model import Spec
from .specs import find_specs, one_per_model

__all__ = ["DEPLOYED", "Deployed", "deploy_all", "find_specs", "left_over"]

TAG = "ratoon"
# A Monday, midnight: a monitor of every 1d looks at midnight UTC, one of every 7d on Mondays, however often deployed.
ANCHOR = datetime(2024, 1, 1, tzinfo=UTC)
REVIEW_EVERY = timedelta(minutes=5)


@dataclass(frozen=True)
class Deployed:
    """A flow that people and schedules start: `ratoon.flows.<module>.<function>`, at most one run at a time.

    *collision*: what becomes of a second run meanwhile. ENQUEUE: it waits its turn, so that no look is lost and
    what a person asked for is done. CANCEL_NEW: it goes, where one run is as good as another.
    *asks* are the fields that a form must not leave out.
    """

    flow: str
    module: str
    function: str
    description: str
    collision: Literal["ENQUEUE", "CANCEL_NEW"] = "ENQUEUE"
    asks: tuple[str, ...] = ()
    warm: bool = False  # short and often: a fork of the warm parent, where there is one

    @property
    def entrypoint(self) -> str:
        """The module entrypoint: file entrypoints cannot load relative imports."""
        return f"ratoon.flows.{self.module}.{self.function}"


DEPLOYED = (
    Deployed(
        "monitor",
        "monitor",
        "monitor",
        "Look at the model's last window and decide what to do about it.",
        warm=True,
    ),
    Deployed(
        "retrain",
        "retrain",
        "retrain",
        "Continue the champion on the rows it has not learned, and offer the result for review.",
        asks=("reason",),
    ),
    Deployed(
        "promote",
        "promote",
        "promote",
        "Make a version the champion. Rollback is the same pointer move, back.",
        asks=("reason", "actor"),
    ),
    Deployed("roll-back", "promote", "roll_back", "Put an earlier champion back.", asks=("reason", "actor")),
    Deployed(
        "review",
        "review",
        "review",
        "Write down what reviewers did in MLflow, and catch a champion that no gate passed.",
        collision="CANCEL_NEW",
        warm=True,
    ),
    Deployed(
        "backtest",
        "backtest",
        "backtest",
        "Hold the policy against never, schedules, a uniform schedule and an oracle, on history.",
    ),
    Deployed("replay", "replay", "replay", "Drive the live flows over history at simulated times."),
)


def deploy_all(
    specs: Sequence[Path], *, pool: str, environment: Mapping[str, str], warm: str | None = None
) -> list[str]:
    """Deploy every flow of every spec to the process work pool *pool*, made if missing; their names, `flow/model`.

    *environment* goes to the runs. *warm*: the command by which looks start, where the worker runs on this machine.
    Raises SpecError and BadInput before anything is changed: for a bad spec, for two of one model, for none at all,
    for a pool of another type than `process`.
    """
    if not specs:
        raise BadInput("There is no spec to deploy; nothing was changed. `ratoon init DIR` writes one.")
    read = one_per_model(specs)
    with get_client(sync_client=True) as client:
        _process_pool(client, pool)
        return [
            _deploy(client, each, spec, pool, environment, warm)
            for spec in read
            for each in DEPLOYED
            if find_spec(f"ratoon.flows.{each.module}")
        ]


def left_over() -> list[str]:
    """Deployments of Ratoon whose spec is gone or describes another model by now: reported, never deleted."""
    with get_client(sync_client=True) as client:
        ours = [each for each in _pages(client) if TAG in each.tags and "spec" in each.parameters]
        flows = {each.flow_id: client.read_flow(each.flow_id).name for each in ours}
    return sorted(f"{flows[each.flow_id]}/{each.name}" for each in ours if _is_gone(each))


def _pages(client: SyncPrefectClient) -> Iterator[DeploymentResponse]:
    offset = 0
    while found := client.read_deployments(limit=200, offset=offset):
        yield from found
        offset += len(found)


def _is_gone(deployment: DeploymentResponse) -> bool:
    try:
        return load_spec(str(deployment.parameters["spec"])).model != deployment.name
    except BadInput:
        return not Path(str(deployment.parameters["spec"])).is_file()


def _process_pool(client: SyncPrefectClient, pool: str) -> None:
    try:
        known = client.read_work_pool(pool)
    except ObjectNotFound:
        try:
            known = client.create_work_pool(WorkPoolCreate(name=pool, type="process"))
        except ObjectAlreadyExists:  # another `ratoon deploy` was faster
            known = client.read_work_pool(pool)
    if known.type != "process":
        raise BadInput(
            f"The work pool {pool!r} is of type {known.type!r}; nothing was deployed. `ratoon deploy` writes for "
            "`process` pools: name another with $RATOON_POOL, or copy prefect.yaml for your own kind of pool."
        )


def _deploy(
    client: SyncPrefectClient,
    each: Deployed,
    spec: Spec,
    pool: str,
    environment: Mapping[str, str],
    warm: str | None,
) -> str:
    made = build(each, spec, pool, environment)
    if warm and each.warm:
        made.job_variables = made.job_variables | {"command": warm}
    try:
        present = client.read_deployment_by_name(made.full_name)
    except ObjectNotFound:
        present = None
    if present is not None:
        _keep_what_was_set(made, present, pool)
    made.apply()
    return made.full_name


def build(each: Deployed, spec: Spec, pool: str, environment: Mapping[str, str]) -> RunnerDeployment:
    """The deployment of one flow for one spec, as it is written where nobody has changed anything."""
    flow = getattr(import_module(f"ratoon.flows.{each.module}"), each.function)
    path = str(spec.path)
    made: RunnerDeployment = RunnerDeployment.from_flow(
        flow,
        name=spec.model,
        description=f"{spec.model}: {each.description}",
        tags=[TAG, spec.model],
        parameters={"spec": path},
        schedules=[],
        concurrency_limit=ConcurrencyLimitConfig(
            limit=1, collision_strategy=ConcurrencyLimitStrategy[each.collision], grace_period_seconds=None
        ),
        enforce_parameter_schema=True,
        work_pool_name=pool,
        job_variables={"env": dict(environment)},
        entrypoint_type=EntrypointType.MODULE_PATH,
    )
    made.schedules = list(_schedules(each, spec))
    schema = made._parameter_openapi_schema
    schema.properties["spec"] |= {"enum": [path], "default": path, "readOnly": True}
    for field in each.asks:
        schema.properties[field] = {k: v for k, v in schema.properties[field].items() if k != "default"}
        schema.properties[field] |= {"minLength": 1}
    schema.required = [*(name for name in schema.required if name not in each.asks), *each.asks]
    return made


def _schedules(each: Deployed, spec: Spec) -> Iterator[DeploymentScheduleCreate]:
    every = {"monitor": spec.monitors.every, "review": REVIEW_EVERY}.get(each.flow)
    if every is not None:
        schedule = IntervalSchedule(interval=every, anchor_date=ANCHOR, timezone="UTC")
        yield DeploymentScheduleCreate(
            schedule=schedule, active=True, slug="spec" if each.flow == "monitor" else "sweep"
        )


def _keep_what_was_set(made: RunnerDeployment, present: DeploymentResponse, pool: str) -> None:
    """Take over from the deployment that is there what an operator may have set in the UI."""
    made.paused = present.paused
    made.tags = list(dict.fromkeys([*made.tags, *present.tags]))
    kept: dict[str, Any] = dict(present.job_variables or {})
    made.job_variables = made.job_variables | kept | {"env": dict(kept.get("env") or {}) | made.job_variables["env"]}
    if present.work_pool_name == pool and present.work_queue_name:
        made.work_queue_name = present.work_queue_name
    active = {each.slug: each.active for each in present.schedules}
    own = [
        DeploymentScheduleCreate(schedule=each.schedule, active=active.get(each.slug, True), slug=each.slug)
        for each in made.schedules or ()
        if each.schedule is not None
    ]
    slugs = {each.slug for each in own}
    theirs = [
        DeploymentScheduleCreate(
            schedule=each.schedule, active=each.active, slug=each.slug, parameters=each.parameters or {}
        )
        for each in present.schedules
        if each.slug not in slugs
    ]
    made.schedules = [*own, *theirs]
