"""Runs of Prefect's that are too old, removed with all else of a model that is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ...loop.context import Stores
from ...loop.moment import wall_clock
from ...loop.retention import Removed, prune, still_needed
from ...spec.keys.retention import RetentionSpec
from .engine import PREFECT

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.client.schemas import FlowRun

_AT_ONCE = 200  # runs of one page
_MOST = 2_000  # runs of one pass: the next one goes on


def prune_all(context: Stores, *, dry: bool = False) -> list[Removed]:
    """Remove what is older than the spec's ages, Prefect's runs included; *dry*: only count it."""
    now = wall_clock()
    ages = context.spec.retention or RetentionSpec()
    found = prune(context, now, dry=dry)
    if ages.runs is not None and _has_server():
        found.append(_runs(context, now - ages.runs, ages.champions, dry))
    return found


def _has_server() -> bool:
    if not PREFECT:
        return False
    from prefect.settings import get_current_settings

    return get_current_settings().api.url is not None


def _runs(context: Stores, before: datetime, champions: int, dry: bool) -> Removed:
    """Delete the ended runs of the model's own deployments, but for those that a version still needed came from."""
    from .engine import get_client

    needed = {each.meta.flow_run for each in still_needed(context, champions).values()}
    count, kept, failed = 0, 0, []
    with get_client(sync_client=True) as client:
        for run in list(_old_runs(client, context, before)):
            if str(run.id) in needed:
                kept += 1
                continue
            try:
                if not dry:
                    client.delete_flow_run(run.id)
            except Exception as error:  # gone already, or an account that may not
                failed.append(f"run {run.name}: {error}")
                continue
            count += 1
    return Removed(kind="runs", count=count, kept=kept, failed=tuple(failed[:20]))


def _old_runs(client: SyncPrefectClient, context: Stores, before: datetime) -> Iterator[FlowRun]:
    from prefect.client.schemas.filters import (
        DeploymentFilter,
        DeploymentFilterName,
        DeploymentFilterTags,
        FlowRunFilter,
        FlowRunFilterEndTime,
        FlowRunFilterState,
        FlowRunFilterStateType,
    )
    from prefect.client.schemas.objects import TERMINAL_STATES
    from prefect.client.schemas.sorting import FlowRunSort

    from .deploy import TAG

    ended = FlowRunFilter(
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=list(TERMINAL_STATES))),
        end_time=FlowRunFilterEndTime(before_=before.replace(tzinfo=UTC)),
    )
    ours = DeploymentFilter(name=DeploymentFilterName(any_=[context.spec.model]), tags=DeploymentFilterTags(all_=[TAG]))
    for offset in range(0, _MOST, _AT_ONCE):
        page = client.read_flow_runs(
            flow_run_filter=ended,
            deployment_filter=ours,
            sort=FlowRunSort.END_TIME_DESC,
            limit=_AT_ONCE,
            offset=offset,
        )
        yield from page
        if len(page) < _AT_ONCE:
            return
