"""The ledger: the durable record of decisions and what they stood on, of training runs, promotions and reviews.

Every method is one transaction. Writers take turns, so that two processes can share a ledger.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from types import TracebackType
from typing import TypeVar

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from ..spec.rules import Policy
from ..spec.run_record import RunRecord
from ..spec.values import Decision, History, Outcome, Score, Signal
from . import acceptances, catches, claims, decisions, files, flights, policies, promotions, reviews, scores
from .engine import connect
from .entries import (
    Acceptance,
    Catch,
    Claim,
    Done,
    Flight,
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
from .transactions import transact

__all__ = [
    "Catch",
    "Claim",
    "Done",
    "Flight",
    "Ledger",
    "Look",
    "Promotion",
    "PromotionKind",
    "Review",
    "ReviewVerdict",
    "UpdateRow",
]


T = TypeVar("T")


class Ledger:
    """An open ledger. Close it, or use it in a `with`.

    Where its database goes away, each method waits some seconds for it; all raise Unavailable where it stays away or
    cannot be written.
    """

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

    def _read(self, work: Callable[[Session], T]) -> T:
        return transact(self._engine, work, writes=False)

    def _write(self, work: Callable[[Session], T]) -> T:
        return transact(self._engine, work, writes=True)

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
        return self._write(
            lambda session: decisions.record(session, decision, signals, policy=policy, run=run, live=live)
        )

    def find_decision(self, decision_id: str) -> Decision | None:
        """The decision stored under this id; None where there is none."""
        return self._read(lambda session: decisions.find(session, decision_id))

    def decisions(self, model: str, limit: int | None = None) -> list[Decision]:
        """The newest *limit* decisions of *model* (left out: all), newest last."""
        return self._read(lambda session: decisions.decisions(session, model, limit))

    def looks(self, model: str, *, before: datetime) -> list[Look]:
        """Every window of *model* that was looked at before that moment, however long ago; oldest first."""
        return self._read(lambda session: decisions.looks(session, model, before))

    def signals(self, decision_id: str) -> list[Signal]:
        """The signals behind one decision, as recorded."""
        return self._read(lambda session: decisions.signals(session, decision_id))

    def policy(self, version: str) -> Policy | None:
        """The policy of that version; None where there is none. Raises Refused for one it cannot read."""
        return self._read(lambda session: policies.find(session, version))

    def history(
        self, model: str, now: datetime, *, limit: int = LIMIT, live: bool | None = None, shadow: bool = False
    ) -> History:
        """The past that a decision at *now* may see; champion, watermark, new rows are left to the caller.

        *live* keeps only decisions recorded as live, or only the others; left out: both. With *shadow* a
        decision that fired in shadow mode counts as the run that it would have started.
        """
        horizon = Horizon(model, now, limit=limit, live=live, shadow=shadow)
        seen = self._read(lambda session: past(session, horizon, self._remembered))
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
        return self._read(lambda session: as_of(session, decision_id, self._remembered, limit=limit, live=live))

    # What became of them

    def record_score(self, score: Score, model: str) -> bool:
        """Write what became of a decision; False, and nothing is written, where that is known already.

        Raises Refused for a decision that is not in the ledger.
        """
        return self._write(lambda session: scores.record(session, score, model))

    def scores(self, model: str) -> dict[str, Score]:
        """Every score by its decision, in the order in which they were written."""
        return self._read(lambda session: scores.scores(session, model))

    def unscored(self, model: str, *, before: datetime, limit: int) -> list[Decision]:
        """The oldest *limit* decisions over a window, taken before *before*, that have no score; oldest first."""
        return self._read(lambda session: scores.unscored(session, model, before, limit))

    # Training runs

    def take_off(
        self,
        *,
        model: str,
        decision: str,
        at: datetime,
        run: str | None,
        abandon_after: timedelta,
        holder: str | None = None,
        dead: Collection[str] = (),
        now_wall: datetime | None = None,
    ) -> Flight | None:
        """Claim the model's one training run; None while another process holds it, or another decision's is in the air.

        *at* is decision time; *now_wall* is wall time, by which leases and *abandon_after* are judged: left out, the
        database's, which is one for all machines. *holder* names the caller (left out: a new name) and *dead* the
        holders that it knows to have ended. The same decision resumes its own flight, where that one's lease has
        ended or its holder is dead; where it has landed it is returned with `landed` set. Raises Refused for a
        decision that is not in the ledger.
        """
        name = holder or claims.new_holder()  # before: a write that is done again is the same caller's
        return self._write(
            lambda session: flights.take_off(
                session,
                model=model,
                decision=decision,
                at=at,
                run=run,
                now_wall=now_wall,
                abandon_after=abandon_after,
                holder=name,
                dead=dead,
            )
        )

    def land(
        self,
        flight: Flight,
        *,
        outcome: Outcome,
        version: str | None = None,
        evidence: RunRecord | None = None,
        cpu_seconds: float = 0.0,
        rows: int = 0,
        watermark: datetime | None = None,
        ended_at: datetime,
    ) -> None:
        """Write how a flight ended; *ended_at* is decision time. Again with the same outcome: no change.

        Raises Refused where the flight was given up or taken over meanwhile (fencing) or has landed otherwise.
        """
        self._write(
            lambda session: flights.land(
                session,
                flight,
                outcome=outcome,
                version=version,
                evidence=evidence or RunRecord(),
                cpu_seconds=cpu_seconds,
                rows=rows,
                watermark=watermark,
                ended_at=ended_at,
            )
        )

    def in_the_air(self, flight: Flight) -> bool:
        """Whether the flight still holds its claim: ask before registering what it trained."""
        return self._read(lambda session: claims.held_by(session, flight))

    def renew(self, flight: Flight) -> bool:
        """Lengthen the lease of the flight's claim; False where somebody else went on with it, or it has ended."""
        return self._write(
            lambda session: (
                claims.held_by(session, flight)
                and claims.renew(session, flight.model, claims.RUN, flight.holder, claims.clock(session))
            )
        )

    def claim(self, model: str) -> Claim | None:
        """Who works at the model's training run, held or not; None where nobody ever did."""
        return self._read(lambda session: claims.find(session, model, claims.RUN, claims.clock(session)))

    def claim_first(self, model: str, holder: str, dead: Collection[str] = ()) -> bool:
        """Claim, or claim on, the making of the model's first version; False while another process holds that."""

        def work(session: Session) -> bool:
            now = claims.clock(session)
            if not claims.may_take(claims.find(session, model, claims.FIRST, now), holder, dead):
                return False
            claims.take(session, model, claims.FIRST, number=0, holder=holder, now=now)
            return True

        return self._write(work)

    def release_first(self, model: str, holder: str) -> None:
        """End the claim of *holder* on the first version."""
        self._write(lambda session: claims.release(session, model, claims.FIRST, holder, claims.clock(session)))

    def offer(self, flight: Flight, decision: str, version: str) -> str:
        """Write down which version *decision* offers, once; the version that it offers, which may be an earlier one.

        *decision* is the flight's, or a strategy's of it (`id:strategy`). Raises Refused where the flight's claim was
        lost before, or the version was taken back.
        """
        return self._write(lambda session: claims.offer(session, flight, decision, version))

    def take_back(self, model: str, decision: str, version: str, holder: str) -> bool:
        """Write down that a version will never be offered; False where it is offered already."""
        return self._write(lambda session: claims.take_back(session, model, decision, version, holder))

    def offers(self, model: str) -> dict[str, str]:
        """Every version that a decision of *model* offered, by the decision."""
        return self._read(lambda session: claims.offers(session, model))

    def updates(self, model: str) -> list[UpdateRow]:
        """Every training run of *model* in the order of take-off."""
        return self._read(lambda session: flights.updates(session, model, self._remembered))

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
        return self._write(lambda session: promotions.record(session, promotion, noticed=noticed))

    def champion_at(self, model: str, at: datetime) -> str | None:
        """The version that was champion at *at*; None before the first."""
        return self._read(lambda session: promotions.champion_at(session, model, at))

    def champions(self, model: str) -> list[Promotion]:
        """Every move of the champion alias in the order of *at*."""
        return self._read(lambda session: promotions.champions(session, model, self._remembered))

    def record_catch(self, catch: Catch) -> None:
        """Write that the alias was found where no gate let it go, or gone."""
        self._write(lambda session: catches.record(session, catch))

    def catches(self, model: str) -> list[Catch]:
        """Every catch of the model's champion alias, oldest first."""
        return self._read(lambda session: catches.catches(session, model))

    def record_acceptance(self, acceptance: Acceptance) -> None:
        """Write that somebody declared windows of broken data sound."""
        self._write(lambda session: acceptances.record(session, acceptance))

    def acceptances(self, model: str) -> list[Acceptance]:
        """Every acceptance of windows of *model*, oldest first."""
        return self._read(lambda session: acceptances.acceptances(session, model))

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
        return self._write(lambda session: reviews.record(session, review))

    def reviews(self, model: str) -> list[Review]:
        """Every review of the model's versions in the order of *at*."""
        return self._read(lambda session: reviews.reviews(session, model))

    # Files of versions

    def intend_files(self, *, model: str, decision: str, digest: str) -> None:
        """Write that a version whose files have this digest will be made for *decision*: before it is made."""
        self._write(lambda session: files.intend(session, model, decision, digest))

    def intended_files(self, *, model: str, decision: str, digest: str) -> bool:
        """Whether a version whose files have this digest was to be made for *decision*."""
        return self._read(lambda session: files.intended(session, model, decision, digest))

    def keep_files(self, *, model: str, version: str, digest: str, at: datetime, decision: str | None) -> bool:
        """Write the digest of a version's files; False, and nothing is written, where there is one already."""
        return self._write(lambda session: files.keep(session, model, version, digest, at, decision))

    def files(self, model: str, version: str) -> str | None:
        """The digest of a version's files when it was registered; None where none was written."""
        return self._read(lambda session: files.find(session, model, version))

    def with_files(self, model: str) -> list[str]:
        """The versions of *model* of whose files a digest was written."""
        return self._read(lambda session: files.versions(session, model))
