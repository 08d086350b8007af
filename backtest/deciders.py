"""Who may decide at each look of a backtest's arm: the spec's own policy, a schedule, or code of a benchmark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from ..loop.turn import Turn
from ..spec.values import Decision, Signal


class Decider(Protocol):
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
