"""What the ledger knows of versions, for a registry that must not be believed alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ..ledger.ledger import Ledger


@dataclass(frozen=True)
class OnRecord:
    """The ledger as witness (models/registry/versions.py) of the versions of *model*."""

    ledger: Ledger
    model: str

    def files(self, number: str) -> str | None:
        """The digest of all files of version *number* when it was registered; None where none was written down."""
        return self.ledger.files.find(self.model, number)

    def first(self) -> str | None:
        """The lowest number of which files were written down; None where there is none yet."""
        return min(self.ledger.files.versions(self.model), key=int, default=None)

    def watermark(self, number: str) -> datetime | None:
        """The watermark with which the training run ended that registered version *number*; None without one."""
        landed = [each.watermark for each in self.ledger.runs.of(self.model) if each.version == number]
        return landed[-1] if landed else None

    def intend(self, decision: str, digest: str) -> None:
        """Write down that a version of these files will be made for *decision*."""
        self.ledger.files.intend(model=self.model, decision=decision, digest=digest)

    def intended(self, decision: str, digest: str) -> bool:
        """Whether a version of these files was to be made for *decision*."""
        return self.ledger.files.intended(model=self.model, decision=decision, digest=digest)

    def keep(self, number: str, digest: str, *, at: datetime, decision: str | None) -> None:
        """Write the digest of version *number* down; the first one stays."""
        self.ledger.files.keep(model=self.model, version=number, digest=digest, at=at, decision=decision)
