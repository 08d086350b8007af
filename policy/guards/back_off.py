"""Back-off: what was refused or rejected is not tried again at once, and each time later.

A candidate that is promising but not proven is no refusal, as it is none for the strategies (models/ladder/skipped.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from ...spec.duration import format_duration
from ...spec.values import History
from ..wording import length
from .case import Case, Veto


@dataclass(frozen=True)
class BackOff:
    """Wait *first* after a refused or rejected challenger, twice as long after the next one, at most *most*."""

    first: timedelta
    most: timedelta
    name: ClassVar[str] = "back_off"

    def wait(self, count: int) -> timedelta:
        """How long to wait after *count* in a row."""
        wait = min(self.first, self.most)
        for _ in range(count - 1):
            if wait >= self.most or not wait:
                break
            wait = min(2 * wait, self.most)
        return wait

    def said(self, case: Case) -> str:
        count, last = refusals(case.history)
        if last is None:
            return "the last challenger was neither refused nor rejected"
        plural = "challengers were" if count > 1 else "challenger was"
        return (
            f"{count} {plural} refused or rejected in a row, the last {length(case.now - last)} ago; "
            f"the back-off is {format_duration(self.wait(count))}"
        )

    def __call__(self, case: Case) -> Veto | None:
        count, last = refusals(case.history)
        return Veto(self.said(case)) if last is not None and case.now - last < self.wait(count) else None


def refusals(history: History) -> tuple[int, datetime | None]:
    """How many challengers in a row were refused by the gate or rejected by a reviewer, and the last time.

    A registered one that nobody rejected ends the row. Runs that brought no challenger do not count, and neither do
    those whose candidate gained, only not provably on so few rows: waiting brings more of them, and to wait ever
    longer would only prolong the harm.
    """
    moments: list[datetime] = []
    for run in sorted(history.updates, key=lambda u: (u.started_at, u.decision), reverse=True):
        if run.rejected_at is not None:
            moments.append(run.rejected_at)
        elif run.outcome == "refused" and not run.promising:
            moments.append(run.ended_at or run.started_at)
        elif run.outcome == "registered":
            break
    return len(moments), max(moments, default=None)
