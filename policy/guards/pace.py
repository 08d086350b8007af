"""How fast one thing may follow another: cooldown and persistence."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from ...spec.duration import format_duration
from ..past import looks
from ..wording import length
from .case import Case, Veto


@dataclass(frozen=True)
class Persistence:
    """The condition held in at least *k* of the last *n* windows, the present one included."""

    k: int
    n: int
    name: ClassVar[str] = "persistence"

    def held_in(self, case: Case) -> int:
        """Windows among the last *n* in which the condition held; it holds in the present one."""
        last = looks(case.history)[-(self.n - 1) :] if self.n > 1 else []
        return 1 + sum(case.rule.when in look.matched for look in last)

    def said(self, case: Case) -> str:
        return (
            f"the condition held in {self.held_in(case)} of the last {self.n} windows, "
            f"this one included; {self.k} needed (persistence)"
        )

    def __call__(self, case: Case) -> Veto | None:
        return Veto(self.said(case)) if self.held_in(case) < self.k else None


@dataclass(frozen=True)
class Cooldown:
    """Leave a champion alone that was trained, for which a run was started, or that was rolled back to, lately.

    Lately is less than *window* ago.
    """

    window: timedelta
    name: ClassVar[str] = "cooldown"

    def said(self, case: Case) -> str:
        last, what = self._last(case)
        if last is None:
            return f"no training is known; the cooldown is {format_duration(self.window)}"
        return f"{what} {length(case.now - last)} ago; the cooldown is {format_duration(self.window)}"

    def __call__(self, case: Case) -> Veto | None:
        last, _ = self._last(case)
        return Veto(self.said(case)) if last is not None and case.now - last < self.window else None

    def _last(self, case: Case) -> tuple[datetime | None, str]:
        runs = case.runs()
        trained = case.history.champion_trained_at
        back = case.history.rolled_back_at
        version = f" v{case.history.champion}" if case.history.champion else ""
        known = [(trained, f"champion{version} was trained")]
        known += [(runs[-1].started_at, "a training run was started")] if runs else []
        known += [(back, "a champion was rolled back")] if back is not None and back <= case.now else []
        found: tuple[datetime | None, str] = known[0]
        for moment, what in known[1:]:
            if moment is not None and (found[0] is None or moment > found[0]):
                found = moment, what
        return found
