"""Windows that were called broken and that a person declared sound."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from .entries import Acceptance
from .tables import AcceptanceRow
from .transactions import Repository, reads, writes

_FIELDS = tuple(Acceptance.model_fields)


class Acceptances(Repository):
    """Windows that a person declared sound, by `ledger.acceptances`."""

    @writes
    def record(self, session: Session, acceptance: Acceptance) -> None:
        """Write *acceptance*; the newest one again (a retry) changes nothing."""
        if acceptances(session, acceptance.model)[-1:] == [acceptance]:
            return
        session.add(AcceptanceRow(**acceptance.model_dump()))

    @reads
    def of(self, session: Session, model: str) -> list[Acceptance]:
        """Every acceptance of windows of *model*, oldest first."""
        return acceptances(session, model)


def acceptances(session: Session, model: str, before: datetime | None = None) -> list[Acceptance]:
    """Every acceptance of the model's windows made before *before* (left out: ever), oldest first."""
    query = select(*(getattr(AcceptanceRow, field) for field in _FIELDS)).where(AcceptanceRow.model == model)
    if before is not None:
        query = query.where(AcceptanceRow.at < before)
    return [Acceptance.model_validate(dict(row._mapping)) for row in session.execute(query.order_by(AcceptanceRow.id))]
