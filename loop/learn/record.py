"""What a run of the strategies leaves in the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

from ...models.ladder.run import LadderResult
from ...spec.run_record import CpuSeconds, ProcessUse, RevisedLabels, RunRecord


def record_of(result: LadderResult, version: str | None, behind: Mapping[str, str], cpu_seconds: float) -> RunRecord:
    """The record of *result*; *version* is the one that was registered, *behind* as in `finish_run`.

    *cpu_seconds*: all that the run took in this process; if it is less than learning and judging, these are counted.
    """
    found: dict[str, object] = {"attempts": tuple(attempt.record for attempt in result.attempts)}
    if result.unproven is not None:
        found["promising"] = True
        if version is not None:
            found["candidate"] = version
    if behind:
        found["behind"] = dict(behind)
    learning, judging = result.cpu_seconds, sum(attempt.judging_cpu_seconds for attempt in result.attempts)
    total = max(cpu_seconds, learning + judging)
    if result.used is not None:
        total += max(result.used.cpu_seconds - learning - judging, 0.0)
        found["process"] = ProcessUse.model_validate(result.used.model_dump())
    found["cpu_seconds"] = CpuSeconds(learning=learning, judging=judging, total=total)
    if result.missed:
        found["missed_rows"] = result.missed
    if result.kept_out:
        found["kept_out_rows"] = result.kept_out
    if result.revised:
        found["revised_labels"] = RevisedLabels(**asdict(result.revised), estimate=result.revised.estimate)
    return RunRecord.model_validate(found)
