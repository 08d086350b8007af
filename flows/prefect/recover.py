"""What a killed worker left behind: runs that Prefect counts as running for ever, and retrains half done.

The operating system knows which runs are alive on this machine: each carries its id in its environment. The
ledger knows which retrains have not ended. A dead run is marked `Crashed` and its work is started again as a run
of its own (an old run that is set back can be overwritten by the worker's late report), with an idempotency key
that is counted, so that however often this looks, one run is started.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolUpdate
from prefect.client.schemas.filters import (
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
    FlowRunFilterEndTime,
    FlowRunFilterIdempotencyKey,
    FlowRunFilterParentFlowRunId,
    FlowRunFilterState,
    FlowRunFilterStateType,
    WorkPoolFilter,
    WorkPoolFilterName,
)
from prefect.client.schemas.objects import FlowRun, State, StateType, WorkerStatus
from prefect.client.schemas.sorting import FlowRunSort
from prefect.states import Cancelled, Crashed

from ...ledger.ledger import Ledger
from ...loop.holding import somebody_trains
from ...spec.errors import RatoonError, SpecError
from ...spec.load import load_spec
from ...spec.stores import stores_of
from ...system.processes import living

TRIES = 3
WORKER = f"ratoon {platform.node()}"  # one worker per machine
_LOOK_BACK = timedelta(days=1)
_TWICE = 6.0  # seconds between two looks at a run without a process: it may be starting, or about to report its end
_STARTING = timedelta(seconds=90)  # a worker that took a run has a process for it by then
_RUN = "PREFECT__FLOW_RUN_ID"
_ALIVE = (StateType.RUNNING, StateType.PENDING, StateType.CANCELLING)
_DIED = (StateType.CRASHED, StateType.FAILED)


def recover(pool: str) -> list[str]:
    """One look from within a run of the worker: for installations without `ratoon up`, such as compose.yaml's.

    Returns a sentence for each thing that was done.
    """
    return Recovery(pool, WORKER, _runs_here).look()


def _runs_here() -> set[str]:
    """Ids of the runs that have a process on this machine, by the environment that Prefect gives each."""
    return {each.environment[_RUN] for each in living() if _RUN in each.environment}


class Recovery:
    """Looks after the runs of one work *pool*; *living* lists the ids of runs that have a process here.

    Only where *worker* is the pool's one worker: what runs on another machine cannot be seen from this one.
    """

    def __init__(self, pool: str, worker: str, living: Callable[[], set[str]]) -> None:
        self.pool = pool
        self.worker = worker
        self.living = living
        self._settled: set[UUID] = set()

    def look(self, *, nobody_works: bool = False) -> list[str]:
        """Mark the dead and start their work again; returns a sentence for each thing that was done.

        *nobody_works* says that no worker takes runs here just now, so that a run without a process has none to come.
        """
        with get_client(sync_client=True) as client:
            if not self._only_worker(client):
                return []
            return [*self._bury(client, nobody_works), *self._take_up(client)]

    def pause(self, paused: bool) -> bool:
        """Let the pool give no runs, or give them again; whether that changed anything."""
        with get_client(sync_client=True) as client:
            if client.read_work_pool(self.pool).is_paused == paused:
                return False
            client.update_work_pool(self.pool, WorkPoolUpdate(is_paused=paused))
            return True

    def mark(self, runs: set[str], message: str) -> None:
        """Mark these runs as crashed: who stopped them knows that they are dead."""
        with get_client(sync_client=True) as client:
            for run in runs:
                client.set_flow_run_state(UUID(run), Crashed(message=message), force=True)

    def _only_worker(self, client: SyncPrefectClient) -> bool:
        found = client._client.post(f"/work_pools/{self.pool}/workers/filter", json={})
        online = [each["name"] for each in found.json() if each["status"] == WorkerStatus.ONLINE.value]
        return set(online) <= {self.worker}

    # Runs without a process

    def _bury(self, client: SyncPrefectClient, nobody_works: bool) -> list[str]:
        dead = self._without_process(client, nobody_works)
        if dead and not nobody_works:
            time.sleep(_TWICE)
            suspects = {run.id for run in dead}
            dead = [run for run in self._without_process(client, nobody_works) if run.id in suspects]
        return [self._crash(client, run) for run in dead]

    def _without_process(self, client: SyncPrefectClient, nobody_works: bool) -> list[FlowRun]:
        runs = self._runs(client, FlowRunFilter(state=_in(_ALIVE)), pool=True)
        living = self.living()  # read after the runs, so that one that started in between is not missed
        return [run for run in runs if str(run.id) not in living and (nobody_works or not _just_taken(run))]

    def _crash(self, client: SyncPrefectClient, run: FlowRun) -> str:
        if run.state_type is StateType.CANCELLING:
            client.set_flow_run_state(run.id, Cancelled(message="Its process had ended."), force=True)
            return f"{run.name}: its process had ended; it counts as cancelled."
        state: State[object] = Crashed(message="Its process had ended without a word; Ratoon found that and marked it.")
        client.set_flow_run_state(run.id, state, force=True)
        below = FlowRunFilter(
            parent_flow_run_id=FlowRunFilterParentFlowRunId(any_=[run.id]), state=_in((StateType.RUNNING,))
        )
        for part in self._runs(client, below):
            client.set_flow_run_state(part.id, state, force=True)
        again = self._monitor_again(client, run)
        return f"{run.name}: its process had ended; it counts as crashed{again}."

    def _monitor_again(self, client: SyncPrefectClient, run: FlowRun) -> str:
        """A look is repeated for the moment that it was about: then it makes the same decision, and starts it."""
        if run.deployment_id is None or client.read_flow(run.flow_id).name != "monitor":
            return ""
        at = run.parameters.get("at")
        if at is None and "auto-scheduled" in run.tags and run.expected_start_time is not None:
            at = run.expected_start_time.astimezone(UTC).replace(tzinfo=None).isoformat()
        if at is None:
            return ""
        client.create_flow_run_from_deployment(
            run.deployment_id, parameters=run.parameters | {"at": at}, idempotency_key=f"{run.id}:retry1"
        )
        return f", and looks again at {at}"

    # Retrains that have not ended

    def _take_up(self, client: SyncPrefectClient) -> list[str]:
        since = FlowRunFilterEndTime(after_=datetime.now(UTC) - _LOOK_BACK)
        runs = self._runs(client, FlowRunFilter(state=_in(_DIED), end_time=since), flow="retrain", pool=True)
        return [said for run in runs if run.id not in self._settled if (said := self._again(client, run)) is not None]

    def _again(self, client: SyncPrefectClient, run: FlowRun) -> str | None:
        decision, settled = self._unfinished(run)
        if settled:
            self._settled.add(run.id)
        if decision is None or run.deployment_id is None:
            return None
        keys = [decision, *(f"{decision}:retry{number}" for number in range(1, TRIES + 1))]
        tried = self._runs(
            client, FlowRunFilter(idempotency_key=FlowRunFilterIdempotencyKey(any_=keys)), flow="retrain"
        )
        if any(each.state is None or not each.state.is_final() for each in tried):
            return None
        retries = sum(":retry" in (each.idempotency_key or "") for each in tried)
        self._settled.add(run.id)  # what follows is the next run's matter
        if retries >= TRIES:
            return f"decision {decision} was tried {TRIES} times again and did not end; `abandon_after` gives it up."
        client.create_flow_run_from_deployment(
            run.deployment_id,
            parameters=run.parameters | {"decision": decision},
            idempotency_key=keys[retries + 1],
            name=f"retrain for decision {decision}, try {retries + 2}",
            tags=run.tags,
        )
        return f"decision {decision} had not ended; its retrain starts again (try {retries + 2})."

    def _unfinished(self, run: FlowRun) -> tuple[str | None, bool]:
        """The decision of this dead run that has not ended, if any, and whether that will not change any more."""
        try:
            spec = load_spec(str(run.parameters.get("spec", "")))
            stores = stores_of(spec)
            with Ledger.open(stores.ledger) as ledger:
                trainings = ledger.runs.of(spec.model)
                decision: str | None = run.parameters.get("decision")
                if decision is None:  # a start by hand: its run names the decision
                    decision = next((each.decision for each in trainings if each.run == str(run.id)), None)
                stored = ledger.decisions.find(decision) if decision is not None else None
                trains = somebody_trains(stores.home, ledger, spec.model)
        except SpecError:
            return None, True
        except RatoonError:  # the ledger is away just now
            return None, False
        # One that a person made up, or that trains nothing, is refused however often it is tried.
        fires = stored is not None and stored.model == spec.model and stored.fires and spec.mode == "live"
        if decision is None or not fires:
            return None, True
        own = [each for each in trainings if each.decision == decision]
        if own and own[-1].outcome != "running":
            return None, True
        if any(each.outcome == "running" for each in trainings if each.decision != decision):
            return None, False
        return (None, False) if trains else (decision, False)

    def _runs(
        self, client: SyncPrefectClient, which: FlowRunFilter, *, flow: str | None = None, pool: bool = False
    ) -> list[FlowRun]:
        found = client.read_flow_runs(
            flow_run_filter=which,
            flow_filter=None if flow is None else FlowFilter(name=FlowFilterName(any_=[flow])),
            work_pool_filter=WorkPoolFilter(name=WorkPoolFilterName(any_=[self.pool])) if pool else None,
            sort=FlowRunSort.EXPECTED_START_TIME_DESC,
        )
        return list(found)


def _in(types: tuple[StateType, ...]) -> FlowRunFilterState:
    return FlowRunFilterState(type=FlowRunFilterStateType(any_=list(types)))


def _just_taken(run: FlowRun) -> bool:
    since = run.state.timestamp if run.state is not None else None
    return run.state_type is StateType.PENDING and since is not None and datetime.now(UTC) - since < _STARTING
