"""What reviewers said of versions, each verdict once."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from .entries import Review
from .tables import ReviewRow
from .transactions import Repository, reads, writes

_FIELDS = tuple(Review.model_fields)


class Reviews(Repository):
    """What reviewers said, by `ledger.reviews`."""

    @writes
    def record(self, session: Session, review: Review) -> bool:
        """Write *review*, unless that verdict on that version is there; whether it was written."""
        same = (
            ReviewRow.model == review.model,
            ReviewRow.version == review.version,
            ReviewRow.verdict == review.verdict,
        )
        if session.scalar(select(ReviewRow.id).where(*same)) is not None:
            return False
        session.add(ReviewRow(**review.model_dump()))
        return True

    @reads
    def of(self, session: Session, model: str) -> list[Review]:
        """Every review of the model's versions, oldest first."""
        query = select(*(getattr(ReviewRow, field) for field in _FIELDS))
        query = query.where(ReviewRow.model == model)
        found = session.execute(query.order_by(ReviewRow.at, ReviewRow.id))
        return [Review.model_validate(dict(row._mapping)) for row in found]
