"""Digests of versions' files: what a training run is about to register, and what was registered."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from .tables import FilesRow, IntendedFilesRow
from .transactions import Repository, reads, writes


class Files(Repository):
    """Digests of versions' files, by `ledger.files`."""

    @writes
    def intend(self, session: Session, model: str, decision: str, digest: str) -> None:
        """Write that a version of these files will be made for *decision*; again changes nothing."""
        if session.get(IntendedFilesRow, (model, decision, digest)) is None:
            session.add(IntendedFilesRow(model=model, decision=decision, digest=digest))

    @reads
    def intended(self, session: Session, model: str, decision: str, digest: str) -> bool:
        """Whether a version of these files was to be made for *decision*."""
        return session.get(IntendedFilesRow, (model, decision, digest)) is not None

    @writes
    def keep(self, session: Session, model: str, version: str, digest: str, at: datetime, decision: str | None) -> bool:
        """Write the digest of a version's files, unless there is one; whether it was written."""
        if find(session, model, version) is not None:
            return False
        session.add(FilesRow(model=model, version=version, digest=digest, at=at, decision=decision))
        return True

    @reads
    def find(self, session: Session, model: str, version: str) -> str | None:
        """The digest of a version's files when it was registered; None if none was written."""
        return find(session, model, version)

    @reads
    def versions(self, session: Session, model: str) -> list[str]:
        """The versions of *model* of whose files a digest was written."""
        return list(session.scalars(select(FilesRow.version).where(FilesRow.model == model)))


def find(session: Session, model: str, version: str) -> str | None:
    """The digest of a version's files when it was registered; None where none was written."""
    query = select(FilesRow.digest).where(FilesRow.model == model, FilesRow.version == version)
    return session.scalar(query)
