"""What was said of versions, each verdict once: by reviewers, and by Ratoon, of the files that it registered."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from .entries import Review
from .tables import ReviewRow

REGISTERED = "registered"  # a row with this verdict holds in `reason` the digest of the version's files
_FIELDS = tuple(Review.model_fields)


def record(session: Session, review: Review) -> bool:
    """Write *review*, unless that verdict on that version is there; whether it was written."""
    same = (ReviewRow.model == review.model, ReviewRow.version == review.version, ReviewRow.verdict == review.verdict)
    if session.scalar(select(ReviewRow.id).where(*same)) is not None:
        return False
    session.add(ReviewRow(**review.model_dump()))
    return True


def reviews(session: Session, model: str) -> list[Review]:
    """Every review of the model's versions, oldest first."""
    query = select(*(getattr(ReviewRow, field) for field in _FIELDS))
    query = query.where(ReviewRow.model == model, ReviewRow.verdict != REGISTERED)
    found = session.execute(query.order_by(ReviewRow.at, ReviewRow.id))
    return [Review.model_validate(dict(row._mapping)) for row in found]


def keep_files(session: Session, model: str, version: str, digest: str, at: datetime, decision: str | None) -> bool:
    """Write the digest of a version's files, unless there is one; whether it was written."""
    if files(session, model, version) is not None:
        return False
    row = ReviewRow(model=model, version=version, verdict=REGISTERED, at=at, actor="ratoon", reason=digest)
    row.decision = decision
    session.add(row)
    return True


def files(session: Session, model: str, version: str) -> str | None:
    """The digest of a version's files when it was registered; None where none was written."""
    query = select(ReviewRow.reason).where(ReviewRow.model == model, ReviewRow.version == version)
    return session.scalar(query.where(ReviewRow.verdict == REGISTERED))


def with_files(session: Session, model: str) -> list[str]:
    """The versions of *model* of whose files a digest was written."""
    query = select(ReviewRow.version).where(ReviewRow.model == model, ReviewRow.verdict == REGISTERED)
    return list(session.scalars(query))
