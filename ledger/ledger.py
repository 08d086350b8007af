"""The ledger: the durable record of decisions and what they stood on, of training runs, promotions and reviews.

Every method is one transaction. Writers take turns, so that two processes can share a ledger.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from ..spec.rules import Policy
from ..spec.values import Decision, History, Score, Signal
from . import acceptances, catches, decisions, flights, policies, promotions, reviews, scores
from .engine import connect, writing
from .entries import (
    Acceptance,
    Catch,
    Done,
    Flight,
    Landed,
    Look,
    Promotion,
    PromotionKind,
    Review,
    ReviewVerdict,
    UpdateRow,
)
from .history import LIMIT, Horizon, past
from .migrate import migrate
from .recompute import as_of
from .remembered import Remembered

__all__ = [
    "Catch",
    "Done",
    "Flight",
    "Landed",
    "Ledger",
    "Look",
    "Promotion",
    "PromotionKind",
    "Review",
    "ReviewVerdict",
    "UpdateRow",
]


class Ledger:
    """An open ledger. Close it, or use it in a `with`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._remembered = Remembered()

    @classmethod
    def open(cls, url: str, *, durable: bool = True) -> Ledger:
        """Open the ledger at *url*, creating or upgrading it; safe for several processes at once.

        `sqlite://` is a ledger in memory, which ends when it is closed: for a rehearsal. So is *durable* False,
        for a file that does not wait for the disk and that a power cut may break.

        Raises BadInput for a URL that is no ledger, a database that cannot be reached, is newer than this
        code, or holds tables of somebody else.
        """
        engine = connect(url, durable=durable)
        try:
            migrate(engine)
        except BaseException:
            engine.dispose()
            raise
        return cls(engine)

    def close(self) -> None:
        self._engine.dispose()

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    # Decisions

    def record_decision(
        self,
        decision: Decision,
        signals: Sequence[Signal],
        *,
        policy: Policy | None = None,
        run: str | None = None,
        live: bool,
    ) -> tuple[Decision, bool]:
        """Write window, signals, decision and what decided in one transaction; *run* is the Prefect flow run.

        A policy is written once per version; it must be the one that the decision names (else ValueError).
        Where a decision with this id is stored already, that one is returned with False, and nothing is
        written: act on what is returned.
        """
        with writing(self._engine) as connection, Session(connection) as session:
            recorded = decisions.record(session, decision, signals, policy=policy, run=run, live=live)
            session.flush()
            return recorded

    def find_decision(self, decision_id: str) -> Decision | None:
        """The decision stored under this id; None where there is none."""
        with Session(self._engine) as session:
            return decisions.find(session, decision_id)

    def decisions(self, model: str, limit: int | None = None) -> list[Decision]:
        """The newest *limit* decisions of *model* (left out: all), newest last."""
        with Session(self._engine) as session:
            return decisions.decisions(session, model, limit)

    def looks(self, model: str, *, before: datetime) -> list[Look]:
        """Every window of *model* that was looked at before that moment, however long ago; oldest first."""
        with Session(self._engine) as session:
            return decisions.looks(session, model, before)

    def signals(self, decision_id: str) -> list[Signal]:
        """The signals behind one decision, as recorded."""
        with Session(self._engine) as session:
            return decisions.signals(session, decision_id)

    def policy(self, version: str) -> Policy | None:
        """The policy of that version; None where there is none. Raises Refused for one it cannot read."""
        with Session(self._engine) as session:
            return policies.find(session, version)

    def history(
        self, model: str, now: datetime, *, limit: int = LIMIT, live: bool | None = None, shadow: bool = False
    ) -> History:
        """The past that a decision at *now* may see; champion, watermark, new rows are left to the caller.

        *live* keeps only decisions recorded as live, or only the others; left out: both. With *shadow* a
        decision that fired in shadow mode counts as the run that it would have started.
        """
        with Session(self._engine) as session:
            seen = past(session, Horizon(model, now, limit=limit, live=live, shadow=shadow), self._remembered)
        return History(
            model=model, decisions=seen.decisions, updates=seen.updates, background=seen.background, marks=seen.marks
        )

    def as_of(
        self, decision_id: str, *, limit: int = LIMIT, live: bool | None = None
    ) -> tuple[History, tuple[Signal, ...], Policy]:
        """What a decision was taken from, rebuilt from the ledger alone: the history it saw, signals, policy.

        *limit* and *live* as `history` was asked then; shadow is known from the decision. Raises Refused where
        the ledger does not hold enough: no such decision, one started by hand, or one of an older Ratoon.
        """
        with Session(self._engine) as session:
            return as_of(session, decision_id, self._remembered, limit=limit, live=live)

    # What became of them

    def record_score(self, score: Score, model: str) -> bool:
        """Write what became of a decision; False, and nothing is written, where that is known already.

        Raises Refused for a decision that is not in the ledger.
        """
        with writing(self._engine) as connection, Session(connection) as session:
            written = scores.record(session, score, model)
            session.flush()
            return written

    def scores(self, model: str) -> dict[str, Score]:
        """Every score by its decision, in the order in which they were written."""
        with Session(self._engine) as session:
            return scores.scores(session, model)

    def unscored(self, model: str, *, before: datetime, limit: int) -> list[Decision]:
        """The oldest *limit* decisions over a window, taken before *before*, that have no score; oldest first."""
        with Session(self._engine) as session:
            return scores.unscored(session, model, before, limit)

    # Training runs

    def take_off(
        self,
        *,
        model: str,
        decision: str,
        at: datetime,
        run: str | None,
        now_wall: datetime,
        abandon_after: timedelta,
    ) -> Flight | None:
        """Claim the model's one training run; None while another decision's run is in the air.

        *at* is decision time, *now_wall* wall time, by which *abandon_after* is judged. The same decision
        resumes its own flight; where that has landed it is returned with `landed` set. Raises Refused for
        a decision that is not in the ledger.
        """
        with writing(self._engine) as connection, Session(connection) as session:
            flight = flights.take_off(
                session,
                model=model,
                decision=decision,
                at=at,
                run=run,
                now_wall=now_wall,
                abandon_after=abandon_after,
            )
            session.flush()
            return flight

    def land(
        self,
        flight: Flight,
        *,
        outcome: Landed,
        version: str | None = None,
        evidence: dict[str, Any] | None = None,
        cpu_seconds: float = 0.0,
        rows: int = 0,
        watermark: datetime | None = None,
        ended_at: datetime,
    ) -> None:
        """Write how a flight ended; *ended_at* is decision time. Again with the same outcome: no change.

        Raises Refused where the flight was given up meanwhile (fencing) or has landed otherwise.
        """
        with writing(self._engine) as connection, Session(connection) as session:
            flights.land(
                session,
                flight,
                outcome=outcome,
                version=version,
                evidence=evidence or {},
                cpu_seconds=cpu_seconds,
                rows=rows,
                watermark=watermark,
                ended_at=ended_at,
            )
            session.flush()

    def in_the_air(self, flight: Flight) -> bool:
        """Whether the flight still holds its claim: ask before registering what it trained."""
        with Session(self._engine) as session:
            return flights.in_the_air(session, flight)

    def updates(self, model: str) -> list[UpdateRow]:
        """Every training run of *model* in the order of take-off."""
        with Session(self._engine) as session:
            return flights.updates(session, model, self._remembered)

    # The champion alias

    def record_promotion(
        self,
        *,
        model: str,
        version: str,
        previous: str | None,
        at: datetime,
        kind: PromotionKind,
        actor: str,
        reason: str,
        decision: str | None,
        noticed: bool = False,
    ) -> bool:
        """Write that the champion alias moved; the same move recorded again changes nothing (False).

        *noticed*: somebody else moved it; then nothing is written where that is known by now.
        """
        promotion = Promotion(
            model=model,
            version=version,
            previous=previous,
            at=at,
            kind=kind,
            actor=actor,
            reason=reason,
            decision=decision,
        )
        with writing(self._engine) as connection, Session(connection) as session:
            written = promotions.record(session, promotion, noticed=noticed)
            session.flush()
            return written

    def champion_at(self, model: str, at: datetime) -> str | None:
        """The version that was champion at *at*; None before the first."""
        with Session(self._engine) as session:
            return promotions.champion_at(session, model, at)

    def champions(self, model: str) -> list[Promotion]:
        """Every move of the champion alias in the order of *at*."""
        with Session(self._engine) as session:
            return promotions.champions(session, model, self._remembered)

    def record_catch(self, catch: Catch) -> None:
        """Write that the alias was found where no gate let it go, or gone."""
        with writing(self._engine) as connection, Session(connection) as session:
            catches.record(session, catch)
            session.flush()

    def catches(self, model: str) -> list[Catch]:
        """Every catch of the model's champion alias, oldest first."""
        with Session(self._engine) as session:
            return catches.catches(session, model)

    def record_acceptance(self, acceptance: Acceptance) -> None:
        """Write that somebody declared windows of broken data sound."""
        with writing(self._engine) as connection, Session(connection) as session:
            acceptances.record(session, acceptance)
            session.flush()

    def acceptances(self, model: str) -> list[Acceptance]:
        """Every acceptance of windows of *model*, oldest first."""
        with Session(self._engine) as session:
            return acceptances.acceptances(session, model)

    # Reviews

    def record_review(
        self,
        *,
        model: str,
        version: str,
        verdict: ReviewVerdict,
        at: datetime,
        actor: str,
        reason: str,
        decision: str | None,
    ) -> bool:
        """Write what a reviewer said of a version; False where that verdict on it is written already."""
        review = Review(
            model=model, version=version, verdict=verdict, at=at, actor=actor, reason=reason, decision=decision
        )
        with writing(self._engine) as connection, Session(connection) as session:
            written = reviews.record(session, review)
            session.flush()
            return written

    def reviews(self, model: str) -> list[Review]:
        """Every review of the model's versions in the order of *at*."""
        with Session(self._engine) as session:
            return reviews.reviews(session, model)

    # Files of versions

    def keep_files(self, *, model: str, version: str, digest: str, at: datetime, decision: str | None) -> bool:
        """Write the digest of a version's files; False, and nothing is written, where there is one already."""
        with writing(self._engine) as connection, Session(connection) as session:
            written = reviews.keep_files(session, model, version, digest, at, decision)
            session.flush()
            return written

    def files(self, model: str, version: str) -> str | None:
        """The digest of a version's files when it was registered; None where none was written."""
        with Session(self._engine) as session:
            return reviews.files(session, model, version)
