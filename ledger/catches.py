"""Champion aliases that were found where no gate let them go, or gone."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from .entries import Catch
from .tables import CatchRow
from .transactions import Repository, reads, writes

_FIELDS = tuple(Catch.model_fields)


class UnapprovedPromotions(Repository):
    """Champion aliases that no gate let go, by `ledger.unapproved`."""

    @writes
    def record(self, session: Session, catch: Catch) -> None:
        """Write *catch*; the newest one again (a retry) changes nothing."""
        if catches(session, catch.model)[-1:] == [catch]:
            return
        session.add(CatchRow(**catch.model_dump()))

    @reads
    def of(self, session: Session, model: str) -> list[Catch]:
        """Every catch of the model's champion alias, oldest first."""
        return catches(session, model)


def catches(session: Session, model: str) -> list[Catch]:
    """Every catch of the model's alias, oldest first."""
    query = select(*(getattr(CatchRow, field) for field in _FIELDS)).where(CatchRow.model == model)
    return [Catch.model_validate(dict(row._mapping)) for row in session.execute(query.order_by(CatchRow.id))]
