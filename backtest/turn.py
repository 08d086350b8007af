"""One look of a backtest, and the strategies that may decide at it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Protocol

from ..data.view import View
from ..loop.champion import Champion
from ..loop.context import Care
from ..loop.decide import decided
from ..loop.observe.fleet import Fleet
from ..loop.observe.watch import watch
from ..loop.observe.windows import Look, look
from ..policy.decide import decision_id
from ..spec.values import FIRING, Action, Decision, Signal


@dataclass
class Turn:
    """What a strategy may see at *now*: everything as of that moment, and nothing else."""

    care: Care
    champion: Champion
    now: datetime

    @cached_property
    def view(self) -> View:
        """The data as of now."""
        return self.care.source.as_of(self.now)

    @cached_property
    def windows(self) -> Look:
        """What the monitors look at."""
        return look(self.view, self.care.spec, self.champion)

    @cached_property
    def signals(self) -> tuple[Signal, ...]:
        """What the monitors say, without pages for people; of the fleet's alarm, as of a model by itself."""
        seen = watch(self.care, self.champion, self.windows, pages=False).signals
        return (*seen, Fleet().asks(self.care.spec.model, self.windows.current.span))

    @cached_property
    def asked(self) -> Decision:
        """What the spec's own policy would decide now."""
        return decided(self.care, self.champion, self.signals, self.windows.current.span, self.now)

    def forced(self, action: Action, reason: str, by: str) -> Decision:
        """A decision that no policy took: a schedule's, or a detector's.

        It carries verdict, facts and matches of the policy's, though not its action: ladder and gate ask what they
        would have asked of the policy at this moment, so that arms which fire at the same moments learn, judge and
        serve the same versions, and what is left between them is when they fire. A policy that fires by itself now
        lends its rule too, for its rungs and budget; where nothing is forced and the policy rolls back, so does this.
        """
        same = self.asked.fires if action in FIRING else self.asked.action == "roll_back"
        return self.asked.model_copy(
            update={
                "id": decision_id(self.care.spec.model, self.now, by),
                "action": self.asked.action if same else action,
                "rule": self.asked.rule if same else None,
                "rule_id": self.asked.rule_id if same else None,
                "reasons": (reason,),
                "policy": by,
            }
        )


class Strategy(Protocol):
    """Decides at each look of an arm; it may remember what it saw."""

    def __call__(self, turn: Turn) -> tuple[Decision, Sequence[Signal]]: ...


@dataclass
class ByPolicy:
    """The spec's own policy, through the monitors and the policy engine of the live flows."""

    def __call__(self, turn: Turn) -> tuple[Decision, Sequence[Signal]]:
        return turn.asked, turn.signals


@dataclass
class At:
    """Fire at these moments, whatever the monitors would say; the ladder and the gate are as for a policy."""

    moments: tuple[datetime, ...] = ()
    name: str = "schedule"

    def __call__(self, turn: Turn) -> tuple[Decision, Sequence[Signal]]:
        if turn.now in self.moments:
            return turn.forced("warm_start", f"{self.name}: it is time.", self.name), turn.signals
        return turn.forced("hold", f"{self.name}: it is not time.", self.name), turn.signals
