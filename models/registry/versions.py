"""What a registry is to the rest of Ratoon: versions of one model, and the aliases that point at them."""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from pydantic import Field

from ...spec.values import Strategy, Value
from .aliases import CHAMPION
from .tags import VersionTags

if TYPE_CHECKING:  # they import pandas, which a reader of versions need not
    from ..learning.trained import Trained
    from .evidence import Evidence


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
    def meta(self) -> VersionTags:
        """What its tags say, typed."""
        return VersionTags.read(self.tags)

    @property
    def decision(self) -> str | None:
        """The decision that it was registered for."""
        return self.meta.decision

    @property
    def parent(self) -> str | None:
        """The version that it continues."""
        return self.meta.parent

    @property
    def against(self) -> str | None:
        """The champion that it was judged against: its parent, unless it goes on from an unproven candidate."""
        return self.meta.against or self.meta.parent

    @property
    def unproven(self) -> bool:
        """Whether no gate passed it: it may be gone on from, and may not serve."""
        return self.meta.unproven

    @property
    def strategy(self) -> str | None:
        """The way in which it was trained."""
        return self.meta.strategy


class Claim(Protocol):
    """What a training run asks for before the registry shows what it made; no-one else's run may come between."""

    def check(self) -> None:
        """Raises Refused where another process took its place."""

    def offer(self, decision: str, version: str) -> str:
        """The version that *decision* offers: *version*, or the one that was offered before.

        Raises Refused where another process took its place and has offered none yet.
        """

    def take_back(self, decision: str, version: str) -> bool:
        """Whether *version* is not offered, and from now on never will be."""

    def newest_offered(self) -> str | None:
        """The highest number that any decision of the model's offered."""


class Unclaimed:
    """The claim of what nothing competes with: a backtest's versions, which are in memory."""

    def check(self) -> None:
        """Nothing can have come between."""

    def offer(self, decision: str, version: str) -> str:
        """*version* itself."""
        return version

    def take_back(self, decision: str, version: str) -> bool:
        """It was offered."""
        return False

    def newest_offered(self) -> str | None:
        """Nobody keeps count."""
        return None


UNCLAIMED = Unclaimed()


class Versions(Protocol):
    """The versions of one model: MLflow's registry (`Registry`), or a backtest's own (`InMemoryRegistry`)."""

    @property
    def uri(self) -> str:
        """Where they are kept, for messages."""

    def one_read(self) -> AbstractContextManager[None]:
        """Within the block each thing is read once; a write, or `refresh`, lets it be read again.

        For work that judges one moment, such as a run of the monitor.
        """

    def refresh(self) -> None:
        """Forget what was read: for whoever must know what others did meanwhile, such as under a lock."""

    def versions(self) -> tuple[Version, ...]:
        """All versions, newest first."""

    def champion(self) -> Version | None:
        """The version that serves."""

    def challenger(self) -> Version | None:
        """The version that waits for review."""

    def candidates(self) -> dict[Strategy, Version]:
        """The newest version that each strategy made, whether it was offered or waits in the background."""

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

    def register(self, trained: Trained, evidence: Evidence, *, claim: Claim = UNCLAIMED) -> Version:
        """Register once for `evidence.decision`; offer it for review, unless its gate could not prove it."""

    def offer(self, version: Version, *, claim: Claim = UNCLAIMED) -> Version:
        """Point the alias `candidate` at *version*, and `challenger` too, unless its gate could not prove it.

        The version that its decision offers is returned, which is another one where that was offered before.
        """

    def discard(self, number: str) -> None:
        """Delete a version that was never offered."""

    def let_go(self, strategy: Strategy | None = None) -> None:
        """Take the alias of *strategy* away, else `candidate`: its next update goes on from the champion."""

    def flag(self, number: str | None, text: str) -> None:
        """Show on the version's page, or the model's (None), that the alias was caught there."""

    def promote(self, ref: str | int) -> str | None:
        """Let a version serve; the former champion's number."""


class Witness(Protocol):
    """What the ledger knows of versions. Who may write the registry cannot write it too, or must do so twice."""

    def files(self, number: str) -> str | None:
        """The digest of all files of version *number* when it was registered; None where none was written down."""

    def first(self) -> str | None:
        """The lowest number of which files were written down; None where there is none yet."""

    def watermark(self, number: str) -> datetime | None:
        """The watermark with which the training run ended that registered version *number*; None without one."""

    def intend(self, decision: str, digest: str) -> None:
        """Write down that a version of these files will be made for *decision*."""

    def intended(self, decision: str, digest: str) -> bool:
        """Whether a version of these files was to be made for *decision*."""

    def keep(self, number: str, digest: str, *, at: datetime, decision: str | None) -> None:
        """Write the digest of version *number* down; the first one stays."""
