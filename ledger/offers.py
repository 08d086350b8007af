"""Which version a decision offered, each once."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from ..spec.errors import Refused
from .claims import held_by, lost
from .entries import TrainingRun
from .tables import OfferRow
from .transactions import Repository, reads, writes


class Offers(Repository):
    """Versions that decisions offered, by `ledger.offers`."""

    @writes
    def record(self, session: Session, run: TrainingRun, decision: str, version: str) -> str:
        """Write down that *decision* offers *version*, once: the version that it offers, which may be an earlier one.

        *decision* is the run's, or names a strategy of it (`id:strategy`). Raises Refused if the run's claim was lost
        before, or the version was withdrawn.
        """
        known = offered(session, run.model, decision)
        if known is not None:
            return known
        row = session.get(OfferRow, (run.model, decision, version))
        if row is not None:
            raise Refused(f"v{version} of {run.model} was taken back and is not offered for decision {decision}.")
        if not held_by(session, run):
            raise Refused(lost(run))
        session.add(_row(run.model, decision, version, holder=run.holder, taken_back=False))
        return version

    @writes
    def withdraw(self, session: Session, model: str, decision: str, version: str, holder: str) -> bool:
        """Write down that *version* is never to be offered; False where it is offered already."""
        row = session.get(OfferRow, (model, decision, version))
        if row is not None:
            return row.taken_back
        session.add(_row(model, decision, version, holder=holder, taken_back=True))
        return True

    @reads
    def of(self, session: Session, model: str) -> dict[str, str]:
        """Every version that was offered, by its decision."""
        query = select(OfferRow.decision, OfferRow.version).where(
            OfferRow.model == model, OfferRow.taken_back.is_(False)
        )
        return dict(session.execute(query).tuples().all())


def offered(session: Session, model: str, decision: str) -> str | None:
    """The version that *decision* offered, if it did."""
    query = select(OfferRow.version).where(
        OfferRow.model == model, OfferRow.decision == decision, OfferRow.taken_back.is_(False)
    )
    return session.execute(query).scalar()


def _row(model: str, decision: str, version: str, *, holder: str, taken_back: bool) -> OfferRow:
    return OfferRow(model=model, decision=decision, version=version, holder=holder, taken_back=taken_back)
