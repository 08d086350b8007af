"""Who hears what a turn of the loop does while it does it: Prefect's logs, events and pages, or nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from .events import Happening

if TYPE_CHECKING:  # it carries a listener itself
    from ..models.ladder.run import LadderResult
    from ..spec.values import Decision
    from .context import Stores


class Listener(Protocol):
    """What is told is for people and dashboards; the truth is the ledger, and no method may raise."""

    def info(self, text: str) -> None:
        """A line of the log."""

    def warning(self, text: str) -> None:
        """A line of the log that somebody should read."""

    def event(self, event: Happening) -> None:
        """Something that a team may hang an automation on."""

    def progress(self, percent: float, doing: str) -> None:
        """How far a training run has come (0 to 100), and what it does now."""

    def trained(self, context: Stores, decision: Decision, result: LadderResult, version: str | None) -> None:
        """What a training run tried, and the version that it registered, if any."""


class Silent:
    """Nobody listens: a backtest, or a test."""

    def info(self, text: str) -> None:
        """Nobody reads it."""

    def warning(self, text: str) -> None:
        """Nobody reads it."""

    def event(self, event: Happening) -> None:
        """Nobody waits for it."""

    def progress(self, percent: float, doing: str) -> None:
        """Nobody watches it."""

    def trained(self, context: Stores, decision: Decision, result: LadderResult, version: str | None) -> None:
        """Nobody looks at it."""


SILENT = Silent()
