"""What may be spent, and what must be there: runs, CPU time or money, and rows to learn."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from ...spec.duration import format_duration
from ...spec.keys.rules import Policy, Rule
from ...spec.values import History, PastUpdate
from ..wording import number
from .case import Case, Veto
from .price import cpu_seconds_of, expected_cpu_seconds, price


@dataclass(frozen=True)
class MinRows:
    """At least *rows* labelled rows that the run would be the first to learn.

    Those behind the candidate that an update goes on from, where there is one; else, and for a full retrain, which
    goes on from nothing, those behind the champion.
    """

    rows: int
    name: ClassVar[str] = "min_rows"

    def said(self, case: Case) -> str:
        found, behind = self._found(case)
        return f"new labelled rows{behind}: {found:,}, needed: {self.rows:,} (min_rows)"

    def __call__(self, case: Case) -> Veto | None:
        return Veto(self.said(case)) if self._found(case)[0] < self.rows else None

    @staticmethod
    def _found(case: Case) -> tuple[int, str]:
        past = case.history
        if past.rows_to_learn is None or case.rule.do == "full_retrain":
            return past.new_rows, ""
        return past.rows_to_learn, " behind the candidate to go on from"


@dataclass(frozen=True)
class RunBudget:
    """At most *runs* training runs started in the last *per*."""

    runs: int
    per: timedelta
    name: ClassVar[str] = "budget"

    def said(self, case: Case) -> str:
        spent = len(_within(case, self.per))
        return f"training runs started in the last {format_duration(self.per)}: {spent}, budget: {self.runs}"

    def __call__(self, case: Case) -> Veto | None:
        return Veto(self.said(case)) if len(_within(case, self.per)) >= self.runs else None


@dataclass(frozen=True)
class CostBudget:
    """At most so much CPU time, or money, for the runs started in the last *per* and the one to be started.

    A run without an end counts as what a run is expected to take. What earlier runs took is counted as it was
    measured, so that a budget that is nearly spent may end a window earlier on a slower machine.
    """

    per: timedelta
    cpu: timedelta | None = None
    money: float | None = None
    name: ClassVar[str] = "cost"

    @property
    def most(self) -> float:
        """The budget in CPU seconds, or in money."""
        return self.money if self.money is not None else self.cpu.total_seconds() if self.cpu is not None else math.inf

    def spent(self, case: Case) -> float:
        """What runs and background learning of the last *per* took; those of shadow mode cost nothing."""
        expected = expected_cpu_seconds(case.history, case.policy) or 0.0
        behind = [run for run in case.history.background if case.now - run.started_at < self.per]
        runs = [u for u in (*_within(case, self.per), *behind) if u.outcome != "shadow"]
        return math.fsum(self._amount(case, cpu_seconds_of(run, expected)) for run in runs)

    def next(self, case: Case) -> float:
        """What the run to be started is expected to take; nothing where nothing is known of it."""
        return self._amount(case, expected_cpu_seconds(case.history, case.policy) or 0.0)

    def said(self, case: Case) -> str:
        costs = case.policy.costs
        unit = "CPU seconds" if self.money is None else costs.currency if costs is not None else "without prices"
        return (
            f"training in the last {format_duration(self.per)} took {number(self.spent(case))} {unit}, and a run now "
            f"is expected to take {number(self.next(case))}; the budget is {number(self.most)} (cost)"
        )

    def __call__(self, case: Case) -> Veto | None:
        over = self.spent(case) + self.next(case) > self.most
        return Veto(self.said(case)) if over else None

    def _amount(self, case: Case, cpu_seconds: float) -> float:
        if self.money is None:
            return cpu_seconds
        return price(case.policy.costs, cpu_seconds) if case.policy.costs is not None else math.inf


def cpu_seconds_left(rule: Rule, history: History, policy: Policy, now: datetime) -> float | None:
    """CPU seconds that the rule's cost budget leaves for a run at *now*; None where it has none."""
    if rule.cost is None:
        return None
    guard = CostBudget(rule.cost.per, cpu=rule.cost.cpu, money=rule.cost.money)
    left = guard.most - guard.spent(Case(rule, "unsure", history, now, policy))
    if rule.cost.money is None:
        return max(left, 0.0)
    if policy.costs is None:
        return 0.0
    per_second = policy.costs.cpu_hour / 3600
    left -= policy.costs.run
    return max(left / per_second, 0.0) if per_second else math.inf if left >= 0 else 0.0


def _within(case: Case, per: timedelta) -> list[PastUpdate]:
    return [run for run in case.runs() if case.now - run.started_at < per]
