"""A reviewer who approves everything that is offered, after a while: simulated."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ..loop.champion_lock import UNCONTESTED
from ..loop.context import ModelContext
from ..loop.review.promote import Move, move_champion
from ..spec.model import Spec


def review_delay(spec: Spec) -> timedelta:
    """From a challenger to its promotion."""
    if spec.backtest.review_delay is not None:
        return spec.backtest.review_delay
    return timedelta(days=1) if spec.review == "required" else timedelta(0)


@dataclass(frozen=True)
class _Offered:
    """A challenger that was offered at *since*, and whose review ends at *at*."""

    since: datetime
    at: datetime
    version: str
    decision: str


@dataclass
class Reviewer:
    """Promotes what was offered in *care* when its review ends, unless it was held against a version that is gone."""

    context: ModelContext
    waiting: list[_Offered] = field(default_factory=list)

    def offer(self, version: str, decision: str, since: datetime) -> None:
        """Let the review of *version* begin."""
        self.waiting.append(_Offered(since, since + review_delay(self.context.spec), version, decision))

    def review(self, now: datetime) -> None:
        """Promote what would have been promoted by *now*."""
        for due in [each.at for each in self.waiting if each.at <= now]:
            offered_by_then = [each for each in self.waiting if each.since <= due]
            if not offered_by_then:
                continue
            newest = offered_by_then[-1]  # the alias `challenger` is at the newest when the reviewer looks
            self.waiting = [each for each in self.waiting if each.since > due]
            serving, version = self.context.registry.champion(), self.context.registry.version(newest.version)
            if serving is not None and version.against == serving.number:
                reason = "a reviewer who approves, simulated"
                approved = Move("promotion", reason, "backtest", due, newest.decision)
                move_champion(self.context, newest.version, approved, UNCONTESTED)
