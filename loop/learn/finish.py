"""How a training run ended, as the ledger keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from ...ledger.ledger import TrainingRun
from ...models.ladder.run import LadderResult
from ...spec.errors import TrainingDied
from ...spec.masked import masked
from ...spec.run_record import ProcessUse, RunRecord
from ...spec.values import Outcome
from ..context import Stores
from .record import record_of


def finish_run(
    context: Stores,
    run: TrainingRun,
    result: LadderResult,
    version: str | None,
    ended_at: datetime,
    *,
    offer: bool = True,
    behind: Mapping[str, str] | None = None,
    cpu_seconds: float | None = None,
) -> Outcome:
    """Write down how the training ended, with every strategy that was tried; *version* is the one that was registered.

    *behind*: the versions kept in the background, by strategy. *cpu_seconds*: all that the run took, reading and
    judging included; left out: learning and judging.
    """
    outcome: Outcome = "registered" if result.winner else "refused"
    if result.candidate is None and all(attempt.rows == 0 for attempt in result.attempts if not attempt.skipped):
        outcome = "nothing_new"
    if not offer:
        outcome = "background"
    record = record_of(result, version, behind or {}, cpu_seconds or 0.0)
    context.ledger.runs.finish(
        run,
        outcome=outcome,
        version=version if result.winner else None,
        evidence=record,
        cpu_seconds=(record.cpu_seconds.total if record.cpu_seconds is not None else None) or 0.0,
        rows=sum(attempt.rows for attempt in result.attempts),
        watermark=result.winner.state.watermark if result.winner else None,
        ended_at=ended_at,
    )
    return outcome


def finish_failed_run(context: Stores, run: TrainingRun, error: Exception, ended_at: datetime) -> None:
    """Write down why a training run failed, and what it took: all that it leaves."""
    record = RunRecord(reason=masked(f"{type(error).__name__}: {error}"))
    seconds = 0.0
    if isinstance(error, TrainingDied):
        seconds = error.cpu_seconds
        used = ProcessUse(cpu_seconds=seconds, peak_memory_bytes=error.peak_memory_bytes)
        record = record.model_copy(update={"process": used})
    context.ledger.runs.finish(run, outcome="failed", evidence=record, cpu_seconds=seconds, ended_at=ended_at)
