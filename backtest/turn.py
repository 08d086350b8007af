"""One look of a backtest, and the strategies that may decide at it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Protocol

from ..data.view import View
from ..loop.care import Care
from ..loop.champion import Champion
from ..loop.decided import decided, past
from ..loop.fleet import Fleet
from ..loop.look import Look, look
from ..loop.watch import watch
from ..policy.decide import decision_id
from ..spec.values import Action, Decision, Signal, Triage


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
        """What the monitors say, without pages for people."""
        return watch(self.care, self.champion, self.windows, pages=False).signals

    def forced(self, action: Action, reason: str, by: str) -> Decision:
        """A decision that no policy took: a schedule's, or a detector's."""
        window = self.view.span_of(self.care.spec.monitors.window, self.now)
        return Decision(
            id=decision_id(self.care.spec.model, self.now, by),
            model=self.care.spec.model,
            at=self.now,
            action=action,
            triage=Triage(verdict="unsure", evidence=("The monitors were not asked.",)),
            reasons=(reason,),
            policy=by,
            window=window,
            champion=self.champion.version,
            basis=past(self.care, self.champion, self.now).basis,
        )


class Strategy(Protocol):
    """Decides at each look of an arm; it may remember what it saw."""

    def __call__(self, turn: Turn) -> tuple[Decision, Sequence[Signal]]: ...


@dataclass
class ByPolicy:
    """The spec's own policy, through the monitors and the policy engine of the live flows."""

    def __call__(self, turn: Turn) -> tuple[Decision, Sequence[Signal]]:
        window = turn.windows.current.span
        signals = (*turn.signals, Fleet().asks(turn.care.spec.model, window))  # as live: a model by itself
        return decided(turn.care, turn.champion, signals, window, turn.now), signals


@dataclass
class At:
    """Fire at these moments, whatever the monitors would say; the ladder and the gate are as for a policy."""

    moments: tuple[datetime, ...] = ()
    name: str = "schedule"

    def __call__(self, turn: Turn) -> tuple[Decision, Sequence[Signal]]:
        if turn.now in self.moments:
            return turn.forced("warm_start", f"{self.name}: it is time.", self.name), ()
        return turn.forced("hold", f"{self.name}: it is not time.", self.name), ()
