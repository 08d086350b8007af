"""Look at one model's last window and decide what to do about it."""

from __future__ import annotations

from datetime import datetime

from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.runtime import flow_run

from ..monitors.observe import Observation, observe
from ..monitors.workspace import keep
from ..policy.decide import decide
from ..spec.values import Decision, History
from .artifacts import publish_decision
from .care import Care, take_care
from .champion import Champion, champion_as_of
from .declared import declared_spec
from .look import Look, look
from .moment import moment_of
from .names import end_name, model_name, moment_name
from .start import StartBy, start_roll_back, start_training
from .sweep import sweep


def _run_name() -> str:
    return f"monitor {model_name(flow_run.parameters)}{moment_name(flow_run.parameters)}"


@flow(name="monitor", flow_run_name=_run_name)
def monitor(spec: str, at: datetime | None = None, start: StartBy = "auto") -> Decision:
    """Look at one model's last window and decide what to do about it.

    Args:
        spec: Path of the model's spec, on the machine where the flow runs.
        at: The moment to judge, as UTC; left out: the scheduled time, or now for a run by hand.
        start: Where a fired training runs: `auto` is on the server where it has the deployment, else in this run.
    """
    declared = declared_spec(spec)
    now = moment_of(at)
    with take_care(declared) as care:
        sweep(care, now)
        champion = champion_as_of(care, now)
        windows = read_windows(care, champion, now)
        observation = observe_windows(care, champion, windows)
        decision, is_new = settle(care, champion, windows, observation, now)
        publish_decision(care, decision, observation.signals if is_new else care.ledger.signals(decision.id))
        end_name(f"{decision.action} ({decision.triage.verdict})")
    if decision.fires:
        start_training(declared, decision, start)
    elif decision.action == "roll_back" and is_new:
        start_roll_back(declared, decision)
    return decision


@task(retries=2, retry_delay_seconds=5, cache_policy=NO_CACHE)
def read_windows(care: Care, champion: Champion, now: datetime) -> Look:
    """Read the windows as of *now*; a retry reads the same rows."""
    return look(care.source.as_of(now), care.spec, champion)


@task(cache_policy=NO_CACHE)
def observe_windows(care: Care, champion: Champion, windows: Look) -> Observation:
    """Let every monitor speak; no window, however broken, stops the others."""
    return observe(
        care.spec,
        reference=windows.reference,
        current=windows.current,
        outcomes=windows.outcomes,
        accepted=champion.accepted,
        performance_span=windows.performance,
        coverage=windows.coverage,
        known=champion.known,
    )


@task(retries=2, retry_delay_seconds=5, cache_policy=NO_CACHE)
def settle(
    care: Care, champion: Champion, windows: Look, observation: Observation, now: datetime
) -> tuple[Decision, bool]:
    """Decide, keep the snapshots, and write the decision down before anything acts on it.

    Safe to retry: the decision's id follows from model, moment and policy, and the ledger keeps one.
    Returns the decision that the ledger holds, and whether it was written now.
    """
    spec = care.spec
    decision = decide(
        observation.signals,
        past(care, champion, now),
        spec.policy,
        now,
        model=spec.model,
        window=windows.current.span,
        policy_version=spec.policy_version,
        abandon_after=spec.abandon_after,
    )
    stored = care.ledger.find_decision(decision.id)
    if stored is not None:
        return stored, False
    keep(
        care.stores.workspace,
        spec.model,
        observation.runs,
        window=windows.current.span,
        decision=decision.id,
        action=decision.action,
        triage=decision.triage.verdict,
    )
    return care.ledger.record_decision(decision, observation.signals, run=str(flow_run.id or ""), live=True)


def past(care: Care, champion: Champion, now: datetime) -> History:
    """The ledger's history as of *now*, with what registry and data know of the champion."""
    watermark = champion.trained.state.watermark
    return care.ledger.history(care.spec.model, now).model_copy(
        update={
            "champion": champion.version,
            "champion_since": champion.since,
            "champion_trained_at": champion.trained_at,
            "watermark": watermark,
            "new_rows": care.source.as_of(now).unlearned_count(watermark),
        }
    )
