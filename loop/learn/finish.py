"""How a training run ended, as the ledger keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from ...ledger.ledger import Flight, Landed
from ...models.ladder.race import Race
from ...spec.errors import TrainingDied
from ...spec.masked import masked
from ..context import Kept


def landed(
    care: Kept,
    flight: Flight,
    race: Race,
    version: str | None,
    ended_at: datetime,
    *,
    offer: bool = True,
    behind: Mapping[str, str] | None = None,
    cpu_seconds: float | None = None,
) -> Landed:
    """Write down how the training ended, with every strategy that was tried; *version* is the one that was registered.

    *behind*: the versions kept in the background, by strategy. *cpu_seconds*: all that the run took, reading and
    judging included; left out: learning and judging.
    """
    outcome: Landed = "registered" if race.winner else "refused"
    if race.candidate is None and all(attempt.rows == 0 for attempt in race.attempts if not attempt.skipped):
        outcome = "nothing_new"
    evidence: dict[str, Any] = {"attempts": [attempt.model_dump(mode="json") for attempt in race.attempts]}
    if race.unproven is not None:
        evidence["promising"] = True
        if version is not None:
            evidence["candidate"] = version
    if behind:
        evidence["behind"] = dict(behind)
    if not offer:
        outcome = "background"
    learning, judging = race.cpu_seconds, sum(attempt.judging_cpu_seconds for attempt in race.attempts)
    total = max(cpu_seconds or 0.0, learning + judging)
    if race.used is not None:
        total = max(total, learning + judging) + max(race.used.cpu_seconds - learning - judging, 0.0)
    evidence["cpu_seconds"] = {"learning": learning, "judging": judging, "total": total}
    if race.missed:
        evidence["missed_rows"] = race.missed
    if race.kept_out:
        evidence["kept_out_rows"] = race.kept_out
    if race.revised:
        evidence["revised_labels"] = {**asdict(race.revised), "estimate": race.revised.estimate}
    if race.used is not None:
        evidence["process"] = race.used.model_dump(mode="json")
    care.ledger.land(
        flight,
        outcome=outcome,
        version=version if race.winner else None,
        evidence=evidence,
        cpu_seconds=total,
        rows=sum(attempt.rows for attempt in race.attempts),
        watermark=race.winner.state.watermark if race.winner else None,
        ended_at=ended_at,
    )
    return outcome


def landed_failed(care: Kept, flight: Flight, error: Exception, ended_at: datetime) -> None:
    """Write down why a training run failed, and what it took: all that it leaves."""
    evidence: dict[str, object] = {"reason": masked(f"{type(error).__name__}: {error}")}
    seconds = 0.0
    if isinstance(error, TrainingDied):
        seconds = error.cpu_seconds
        evidence["process"] = {"cpu_seconds": seconds, "peak_memory_bytes": error.peak_memory_bytes}
    care.ledger.land(flight, outcome="failed", evidence=evidence, cpu_seconds=seconds, ended_at=ended_at)
