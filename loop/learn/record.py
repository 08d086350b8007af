"""What a run of the strategies leaves in the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

from ...models.ladder.race import Race
from ...spec.run_record import CpuSeconds, ProcessUse, RevisedLabels, RunRecord


def record_of(race: Race, version: str | None, behind: Mapping[str, str], cpu_seconds: float) -> RunRecord:
    """The record of *race*; *version* is the one that was registered, *behind* as in `landed`.

    *cpu_seconds*: all that the run took in this process; if it is less than learning and judging, these are counted.
    """
    found: dict[str, object] = {"attempts": tuple(attempt.record for attempt in race.attempts)}
    if race.unproven is not None:
        found["promising"] = True
        if version is not None:
            found["candidate"] = version
    if behind:
        found["behind"] = dict(behind)
    learning, judging = race.cpu_seconds, sum(attempt.judging_cpu_seconds for attempt in race.attempts)
    total = max(cpu_seconds, learning + judging)
    if race.used is not None:
        total += max(race.used.cpu_seconds - learning - judging, 0.0)
        found["process"] = ProcessUse.model_validate(race.used.model_dump())
    found["cpu_seconds"] = CpuSeconds(learning=learning, judging=judging, total=total)
    if race.missed:
        found["missed_rows"] = race.missed
    if race.kept_out:
        found["kept_out_rows"] = race.kept_out
    if race.revised:
        found["revised_labels"] = RevisedLabels(**asdict(race.revised), estimate=race.revised.estimate)
    return RunRecord.model_validate(found)
