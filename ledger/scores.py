"""What became of decisions: each is scored once, and nothing is scored that the ledger does not hold."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from ..spec.errors import Refused
from ..spec.values import Decision, Score
from .tables import DecisionRow, ScoreRow
from .transactions import Repository, reads, writes


class Scores(Repository):
    """What became of decisions, by `ledger.scores`."""

    @writes
    def record(self, session: Session, score: Score, model: str) -> bool:
        """Write *score*, unless its decision has one; whether it was written. Refused for no decision of *model*."""
        judged = session.get(DecisionRow, score.decision)
        if judged is None or judged.model != model:
            what = "is not in the ledger" if judged is None else f"is about model {judged.model}"
            raise Refused(f"decision {score.decision} {what}, so that no score of {model} was recorded for it.")
        if session.scalar(select(ScoreRow.id).where(ScoreRow.decision == score.decision)) is not None:
            return False
        columns = score.model_dump(include={"decision", "at", "verdict", "gain", "low", "high", "rows"})
        session.add(ScoreRow(**columns, model=model, document=score.model_dump_json()))
        return True

    @reads
    def of(self, session: Session, model: str) -> dict[str, Score]:
        """Every score of *model* by decision, in the order in which they were written."""
        query = select(ScoreRow.decision, ScoreRow.document).where(ScoreRow.model == model).order_by(ScoreRow.id)
        return {decision: Score.model_validate_json(document) for decision, document in session.execute(query)}

    @reads
    def unscored(self, session: Session, model: str, before: datetime, limit: int) -> list[Decision]:
        """The oldest *limit* decisions over a window, taken before *before*, that have no score; oldest first."""
        query = (
            select(DecisionRow.document)
            .outerjoin(ScoreRow, ScoreRow.decision == DecisionRow.id)
            .where(DecisionRow.model == model, DecisionRow.at <= before, DecisionRow.window_id.is_not(None))
            .where(ScoreRow.id.is_(None))
            .order_by(DecisionRow.at, DecisionRow.id)
            .limit(limit)
        )
        return [Decision.model_validate_json(document) for document in session.scalars(query)]
