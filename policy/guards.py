"""Guards: what may hold a fired rule back. Each is a frozen value that answers or passes.

All times are the decision's own time, so that live and replay agree. A firing decision whose training
run is not in the history yet counts as a run about to start, until *abandon_after*: otherwise two windows
in quick succession could both start one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Protocol

from ..spec.duration import format_duration
from ..spec.model import Rule
from ..spec.values import FIRING, History, Verdict


@dataclass(frozen=True)
class Case:
    """One rule whose condition holds now, and all that a guard may look at."""

    rule: Rule
    verdict: Verdict
    history: History
    now: datetime
    abandon_after: timedelta

    def starts(self) -> list[datetime]:
        """When training runs were started, those about to start included; oldest first."""
        return sorted([u.started_at for u in self.history.updates] + [at for _, at in self._about_to_start()])

    def in_the_air(self) -> list[tuple[str, datetime]]:
        """Decision and start of every run without an end that is not yet given up."""
        running = [(u.decision, u.started_at) for u in self.history.updates if u.outcome == "running"]
        fresh = [(decision, at) for decision, at in running if self.now - at < self.abandon_after]
        return sorted(fresh + self._about_to_start(), key=lambda run: (run[1], run[0]))

    def _about_to_start(self) -> list[tuple[str, datetime]]:
        started = {u.decision for u in self.history.updates}
        return [
            (d.id, d.at)
            for d in self.history.decisions
            if d.action in FIRING and d.id not in started and timedelta(0) < self.now - d.at < self.abandon_after
        ]


@dataclass(frozen=True)
class Veto:
    """A guard holds the rule back; *text* says why, with values."""

    text: str


class Guard(Protocol):
    """*name* is the spec's word for it; `said` measures in a sentence, whether it vetoes or passes."""

    name: ClassVar[str]

    def said(self, case: Case) -> str: ...

    def __call__(self, case: Case) -> Veto | None: ...


@dataclass(frozen=True)
class WholeData:
    """Broken data never trains a model, whatever the rules say."""

    name: ClassVar[str] = "broken_data"

    def said(self, case: Case) -> str:
        if case.verdict == "broken_data":
            return "the window's data is broken, and broken data never trains a model"
        return f"the window's data is not known to be broken (triage is {case.verdict})"

    def __call__(self, case: Case) -> Veto | None:
        return Veto(self.said(case)) if case.verdict == "broken_data" else None


@dataclass(frozen=True)
class OneInFlight:
    """At most one training run at a time; one older than *abandon_after* is given up and does not count."""

    name: ClassVar[str] = "in_flight"

    def said(self, case: Case) -> str:
        flying = case.in_the_air()
        if not flying:
            return "no training run is in flight"
        decision, at = flying[-1]
        return (
            f"the training run of decision {decision}, started {_moment(at)}, is still in flight; "
            f"it is given up {format_duration(case.abandon_after)} after its start"
        )

    def __call__(self, case: Case) -> Veto | None:
        return Veto(self.said(case)) if case.in_the_air() else None


@dataclass(frozen=True)
class MinRows:
    """At least *rows* labelled rows that the champion has not learned."""

    rows: int
    name: ClassVar[str] = "min_rows"

    def said(self, case: Case) -> str:
        return f"new labelled rows: {case.history.new_rows}, needed: {self.rows} (min_rows)"

    def __call__(self, case: Case) -> Veto | None:
        return Veto(self.said(case)) if case.history.new_rows < self.rows else None


@dataclass(frozen=True)
class Persistence:
    """The condition held in at least *k* of the last *n* windows, the present one included."""

    k: int
    n: int
    name: ClassVar[str] = "persistence"

    def held_in(self, case: Case) -> int:
        """Windows among the last *n* in which the condition held; it holds in the present one."""
        past = {d.at: d for d in sorted(case.history.decisions, key=lambda d: (d.at, d.id)) if d.at < case.now}
        last = sorted(past)[-(self.n - 1) :] if self.n > 1 else []
        return 1 + sum(case.rule.when in past[at].matched for at in last)

    def said(self, case: Case) -> str:
        return (
            f"the condition held in {self.held_in(case)} of the last {self.n} windows, "
            f"this one included; {self.k} needed (persistence)"
        )

    def __call__(self, case: Case) -> Veto | None:
        return Veto(self.said(case)) if self.held_in(case) < self.k else None


@dataclass(frozen=True)
class Cooldown:
    """Leave a champion alone that was trained, or for which a run was started, less than *window* ago."""

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
        starts = case.starts()
        trained = case.history.champion_trained_at
        if starts and (trained is None or starts[-1] > trained):
            return starts[-1], "a training run was started"
        version = f" v{case.history.champion}" if case.history.champion else ""
        return trained, f"champion{version} was trained"


@dataclass(frozen=True)
class RunBudget:
    """At most *runs* training runs started in the last *per*."""

    runs: int
    per: timedelta
    name: ClassVar[str] = "budget"

    def spent(self, case: Case) -> int:
        return sum(case.now - at < self.per for at in case.starts())

    def said(self, case: Case) -> str:
        return f"training runs started in the last {format_duration(self.per)}: {self.spent(case)}, budget: {self.runs}"

    def __call__(self, case: Case) -> Veto | None:
        return Veto(self.said(case)) if self.spent(case) >= self.runs else None


def guards_of(rule: Rule) -> tuple[Guard, ...]:
    """The guards that a rule declares and, where it fires, those that every firing rule has."""
    fires = rule.do in FIRING
    guards: list[Guard] = [WholeData(), OneInFlight()] if fires else []
    if fires or rule.min_rows is not None:
        guards.append(MinRows(rule.min_rows or 1))  # with nothing to learn there is nothing to fire
    if rule.persist is not None:
        guards.append(Persistence(rule.persist.k, rule.persist.n))
    if rule.cooldown is not None:
        guards.append(Cooldown(rule.cooldown))
    if rule.budget is not None:
        guards.append(RunBudget(rule.budget.runs, rule.budget.per))
    return tuple(guards)


def length(value: timedelta) -> str:
    """A measured length as people say it: `2d 3h`, `5h 20m`, `40s`."""
    if value < timedelta(0):
        return f"-{length(-value)}"
    seconds = int(value.total_seconds())
    parts = []
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        amount, seconds = divmod(seconds, size)
        parts.append((amount, unit))
    first = next((i for i, (amount, _) in enumerate(parts) if amount), len(parts) - 1)
    return " ".join(f"{amount}{unit}" for amount, unit in parts[first : first + 2] if amount) or "0s"


_moment: Callable[[datetime], str] = "{:%Y-%m-%d %H:%M}".format
