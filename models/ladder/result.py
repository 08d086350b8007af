"""What came of a run: every strategy that was tried, and the candidate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ...spec.values import Strategy
from ..gate import GateResult
from ..learning.trained import Trained
from ..subprocesses.used import Used
from .attempt import Attempt


@dataclass(frozen=True)
class Revised:
    """Labels learned along the lineage that the source gives otherwise now: *changed* of those *looked_at*, a sample of
    *learned* rows."""

    changed: int
    looked_at: int
    learned: int

    @property
    def estimate(self) -> int:
        """About how many of all learned labels have changed."""
        return round(self.learned * self.changed / self.looked_at)


@dataclass(frozen=True)
class LadderResult:
    """What came of a run: every strategy, and the *candidate* that passed or, where none did, may yet prove itself."""

    attempts: tuple[Attempt, ...]
    candidate: Trained | None = None
    used: Used | None = None  # by the whole process, where the run had one of its own
    revised: Revised | None = None  # labels that the champion learned and that are others now
    missed: int = 0  # rows older than the watermark that nobody learned: their labels landed later than they say
    kept_out: int = 0  # labelled rows, newer than the champion's watermark, that are impossible each by itself
    learned: Mapping[Strategy, Trained] = field(default_factory=dict)  # what every strategy made that learned

    @property
    def winner(self) -> Trained | None:
        """The candidate that passed; None where no strategy did."""
        return self.candidate if any(attempt.passed for attempt in self.attempts) else None

    @property
    def unproven(self) -> Trained | None:
        """The candidate that was neither passed nor refuted: the next update can go on from it."""
        return None if self.winner is not None else self.candidate

    @property
    def cpu_seconds(self) -> float:
        """CPU seconds of learning, over all strategies tried."""
        return sum(attempt.cpu_seconds for attempt in self.attempts)

    @property
    def rows(self) -> int:
        """The rows that the candidate learned; without one, those of the last strategy."""
        return (self._kept or self.attempts[-1]).rows

    @property
    def gate(self) -> GateResult | None:
        """The gate's answer to the candidate; where there is none, its last."""
        judged = [attempt.gate for attempt in self.attempts if attempt.gate is not None]
        return self._kept.gate if self._kept else judged[-1] if judged else None

    @property
    def _kept(self) -> Attempt | None:
        """The attempt that the candidate comes from: the first that passed, else the first that may yet be proven."""
        judged = [attempt for attempt in self.attempts if attempt.gate is not None]
        passed = (attempt for attempt in judged if attempt.passed)
        promising = (attempt for attempt in judged if attempt.gate is not None and attempt.gate.promising)
        return next(passed, None) or next(promising, None)
