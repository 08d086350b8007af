"""What a registry is to the rest of Ratoon: versions of one model, and the aliases that point at them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Protocol

from pydantic import Field

from ..spec.values import Value
from .evidence import Evidence
from .trained import Trained

DECISION = "ratoon.decision"
CAUGHT = "ratoon.caught"
CHAMPION, CHALLENGER = "champion", "challenger"


class Version(Value):
    """One version as the registry knows it."""

    model: str
    number: str
    aliases: tuple[str, ...] = ()
    tags: dict[str, str] = Field(default_factory=dict)
    description: str = ""
    created: datetime
    run_id: str | None = None

    @property
    def decision(self) -> str | None:
        """The decision that it was registered for."""
        return self.tags.get(DECISION)


class Versions(Protocol):
    """The versions of one model: MLflow's registry (`Registry`), or a backtest's own (`Shelf`)."""

    @property
    def uri(self) -> str:
        """Where they are kept, for messages."""

    def champion(self) -> Version | None:
        """The version that serves."""

    def challenger(self) -> Version | None:
        """The version that waits for review."""

    def version(self, ref: str | int) -> Version:
        """The version of a number or an alias; RegistryError where there is none."""

    def rejected(self) -> tuple[Version, ...]:
        """The versions that a reviewer rejected, by the tag `review`."""

    def of_decision(self, decision: str) -> Version | None:
        """The version registered for *decision*, if there is one."""

    def load(self, ref: str | int = CHAMPION) -> Trained:
        """The version with its training state."""

    def page(self, number: str) -> str | None:
        """The address of a version's page, where there is one."""

    def register(self, trained: Trained, evidence: Evidence, *, fence: Callable[[], None] = lambda: None) -> Version:
        """Register once for `evidence.decision`, and offer it for review."""

    def offer(self, version: Version) -> Version:
        """Point the alias `challenger` at *version*."""

    def flag(self, number: str | None, text: str) -> None:
        """Show on the version's page, or the model's (None), that the alias was caught there."""

    def promote(self, ref: str | int) -> str | None:
        """Let a version serve; the former champion's number."""


def may_be_offered(number: str, aliases: Mapping[str, str]) -> bool:
    """Whether `challenger` may point at version *number*: neither it nor a newer one serves or was offered."""
    newest = max((int(aliases[alias]) for alias in (CHAMPION, CHALLENGER) if alias in aliases), default=0)
    return int(number) > newest
