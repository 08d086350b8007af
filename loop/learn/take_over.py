"""A run whose process died is taken over by the next one of its decision: when, and how it is ended."""

from __future__ import annotations

from datetime import datetime

from ...ledger import claims
from ...ledger.ledger import TrainingRun
from ...models.registry.versions import Version
from ...spec.run_record import RunRecord
from ...spec.values import Decision, Outcome
from ...spec.waiting import until
from ..context import ModelContext
from .claim import Claim
from .runner import Runner

_ASKED = 20  # times in a lease


def claimed(context: ModelContext, fired: Decision, runner: Runner) -> TrainingRun | None:
    """The training run of *fired*; None while somebody else trains.

    If the decision's own run is claimed by a process that does not answer, that may have died on another machine: it is
    waited for until its holder shows that it lives, or its lease has ended.
    """
    seen: tuple[str, datetime] | None = None
    run: TrainingRun | None = None

    def settled() -> bool:
        nonlocal seen, run
        run = runner.claim(context, fired)
        claim = context.ledger.claims.find(context.spec.model) if run is None else None
        if claim is None or not _own_runs(context, fired):
            return True
        lives = seen is not None and seen != (claim.holder, claim.until)
        seen = (claim.holder, claim.until)
        return lives

    lease = claims.LEASE.total_seconds()
    until(settled, seconds=2 * lease, every=lease / _ASKED)
    return run


def in_flight(context: ModelContext) -> str:
    """Who trains, and when a process that does not answer any more loses its claim."""
    claim = context.ledger.claims.find(context.spec.model)
    if claim is None or not claim.held:
        return f"Another retrain of {context.spec.model} is in flight"
    machine, process, _ = claim.holder.rsplit(":", 2)
    return (
        f"Another retrain of {context.spec.model} is in flight, in process {process} on {machine}; its claim lasts "
        f"until {claim.until:%H:%M:%S} UTC unless it is renewed"
    )


def finish_taken_over(context: ModelContext, fired: Decision, run: TrainingRun, done: Version, claim: Claim) -> Outcome:
    """End the run of a process that died between the registry and the ledger: *done* is what it had registered."""
    done = context.registry.offer(done, claim=claim)  # it may have died before it set the aliases
    record = RunRecord(resumed="the version was registered before the process died")
    if done.unproven:
        record = record.model_copy(update={"promising": True, "candidate": done.number})
    outcome: Outcome = "refused" if done.unproven else "registered"
    context.ledger.runs.finish(
        run,
        outcome=outcome,
        version=None if done.unproven else done.number,
        evidence=record,
        cpu_seconds=done.meta.cpu_seconds,
        rows=done.meta.rows,
        watermark=done.meta.watermark,
        ended_at=fired.at,
    )
    return outcome


def _own_runs(context: ModelContext, fired: Decision) -> bool:
    running = [each for each in context.ledger.runs.of(context.spec.model) if each.outcome == "running"]
    return bool(running) and running[-1].decision == fired.id
