"""Who was champion when, and who put it there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from .entries import Promotion
from .tables import PromotionRow
from .transactions import Repository, reads, writes

_FIELDS = tuple(Promotion.model_fields)


class Promotions(Repository):
    """Moves of the champion alias, by `ledger.promotions`."""

    @writes
    def record(self, session: Session, promotion: Promotion, *, noticed: bool = False) -> bool:
        """Write *promotion*, and whether it was written; the same one again (a retry) changes nothing.

        *noticed*: somebody else made the move. Then it is written only if the newest known one went to `previous`, so
        that of two who notice it one writes it down, and neither if who made it has done so by now.
        """
        newest = session.scalars(
            select(PromotionRow).where(PromotionRow.model == promotion.model).order_by(PromotionRow.id.desc()).limit(1)
        ).first()
        if newest is not None:
            same = ("version", "kind", "at", "decision")
            if all(getattr(newest, field) == getattr(promotion, field) for field in same):
                return False
        if noticed and (newest.version if newest is not None else None) != promotion.previous:
            return False
        session.add(PromotionRow(**promotion.model_dump()))
        return True

    @reads
    def of(self, session: Session, model: str) -> list[Promotion]:
        """Every move of the champion alias, oldest first."""
        query = select(PromotionRow.id).where(PromotionRow.model == model).order_by(PromotionRow.at, PromotionRow.id)
        return self._remembered.promotions.all(session.scalars(query), lambda ids: _read(session, model, ids))

    @reads
    def champion_at(self, session: Session, model: str, at: datetime) -> str | None:
        """The version that was champion at *at*; None before the first."""
        query = (
            select(PromotionRow.version)
            .where(PromotionRow.model == model, PromotionRow.at <= at)
            .order_by(PromotionRow.at.desc(), PromotionRow.id.desc())
            .limit(1)
        )
        return session.scalars(query).first()


def _read(session: Session, model: str, ids: list[int]) -> Iterator[tuple[int, Promotion]]:
    query = select(PromotionRow).where(PromotionRow.model == model, PromotionRow.id >= min(ids))
    for row in session.scalars(query):
        yield row.id, Promotion.model_validate({field: getattr(row, field) for field in _FIELDS})
