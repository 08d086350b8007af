"""Which version each replica of `ratoon serve` served, and since when."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from .entries import Swap
from .tables import SwapRow
from .transactions import Repository, reads, writes

_FIELDS = tuple(Swap.model_fields)


class Swaps(Repository):
    """What replicas served and refused, by `ledger.swaps`."""

    @writes
    def record(self, session: Session, swap: Swap) -> None:
        """Write *swap*; the same one again (a retry) changes nothing."""
        query = select(SwapRow.id).where(
            SwapRow.model == swap.model, SwapRow.replica == swap.replica, SwapRow.at == swap.at
        )
        if session.scalars(query).first() is None:
            session.add(SwapRow(**swap.model_dump()))

    @reads
    def of(self, session: Session, model: str) -> list[Swap]:
        """Every swap of the model's replicas, oldest first."""
        query = select(*(getattr(SwapRow, field) for field in _FIELDS)).where(SwapRow.model == model)
        rows = session.execute(query.order_by(SwapRow.at, SwapRow.id))
        return [Swap.model_validate(dict(row._mapping)) for row in rows]
