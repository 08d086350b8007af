"""What no training run may start without: whole data, and no other run in flight."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ...spec.duration import format_duration
from ..wording import moment
from .case import Case, Veto


@dataclass(frozen=True)
class ValidData:
    """Broken data never trains a model, whatever the rules say."""

    name: ClassVar[str] = "broken_data"

    def said(self, case: Case) -> str:
        if case.verdict == "broken_data":
            return "the window's data is broken, and broken data never trains a model"
        return f"the window's data is not known to be broken (triage is {case.verdict})"

    def __call__(self, case: Case) -> Veto | None:
        return Veto(self.said(case)) if case.verdict == "broken_data" else None


@dataclass(frozen=True)
class OneRunAtATime:
    """At most one training run at a time; one older than *abandon_after* is given up and does not count."""

    name: ClassVar[str] = "in_flight"

    def said(self, case: Case) -> str:
        running = case.running()
        if not running:
            return "no training run is in flight"
        last = running[-1]
        return (
            f"the training run of decision {last.decision}, started {moment(last.started_at)}, is still in flight; "
            f"it is given up {format_duration(case.policy.abandon_after)} after its start"
        )

    def __call__(self, case: Case) -> Veto | None:
        return Veto(self.said(case)) if case.running() else None
