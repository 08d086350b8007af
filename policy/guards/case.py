"""What a guard looks at, and what it answers.

All times are the decision's own time, so that live and replay agree. A firing decision whose training
run is not in the history yet counts as a run about to start, until the policy's *abandon_after*: otherwise
two windows in quick succession could both start one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Protocol

from ...spec.keys.rules import Policy, Rule
from ...spec.values import FIRING, History, PastUpdate, Verdict


@dataclass(frozen=True)
class Case:
    """One rule whose condition holds now; *history* holds nothing later than *now* (`past.until`)."""

    rule: Rule
    verdict: Verdict
    history: History
    now: datetime
    policy: Policy

    def runs(self) -> list[PastUpdate]:
        """Training runs that were started, those about to start included as running; oldest first."""
        started = {u.decision for u in self.history.updates}
        about_to_start = [
            PastUpdate(decision=d.id, started_at=d.at, outcome="running")
            for d in self.history.decisions
            if d.action in FIRING and d.id not in started and self.now - d.at < self.policy.abandon_after
        ]
        return sorted([*self.history.updates, *about_to_start], key=lambda u: (u.started_at, u.decision))

    def running(self) -> list[PastUpdate]:
        """Every run without an end that is not yet given up; oldest first."""
        running = [u for u in self.runs() if u.outcome == "running"]
        return [u for u in running if self.now - u.started_at < self.policy.abandon_after]


@dataclass(frozen=True)
class Veto:
    """A guard holds the rule back; *text* says why, with values."""

    text: str


class Guard(Protocol):
    """*name* is the spec's word for it; `said` measures in a sentence, whether it vetoes or passes."""

    name: ClassVar[str]

    def said(self, case: Case) -> str: ...

    def __call__(self, case: Case) -> Veto | None: ...
