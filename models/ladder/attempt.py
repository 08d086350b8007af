"""One strategy of a run, as it is recorded."""

from __future__ import annotations

from typing import ClassVar

from ...spec.former_keys import accepts_former, former_attribute
from ...spec.run_record import AttemptRecord
from ...spec.values import Strategy, TrainedBy, Value
from ..gate import GateResult

SCRATCH: frozenset[Strategy] = frozenset({"scratch_recent", "scratch"})


class Attempt(Value):
    """One strategy: what it cost, what the gate said of it, or why it could not be tried."""

    _former = accepts_former(rung="strategy")
    rung: ClassVar[property] = former_attribute("rung", "strategy")
    strategy: TrainedBy
    rows: int = 0
    cpu_seconds: float = 0.0  # of learning alone
    judging_cpu_seconds: float = 0.0
    peak_memory_bytes: int | None = None  # the process's, from its start to this strategy's end; None: not measured
    gate: GateResult | None = None
    error: str | None = None
    skipped: bool = False  # not tried at all; *error* says why
    unable: bool = False  # the strategy cannot continue this version, whatever the rows; *error* says why

    @property
    def record(self) -> AttemptRecord:
        """As the ledger keeps it."""
        return AttemptRecord.model_validate(self.model_dump(mode="json"))

    @property
    def passed(self) -> bool:
        return self.gate is not None and self.gate.passed
