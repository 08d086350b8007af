"""The ledger: the durable record of decisions and what they stood on, of training runs, promotions and reviews.

One small repository for each kind of entry: `ledger.decisions.record(…)`, `ledger.runs.claim(…)`. Each of their
methods is one transaction. Writers take turns, so that two processes can share a ledger.
"""

from __future__ import annotations

from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING

from sqlalchemy import Engine

from ..former import moved
from ..spec.keys.rules import Policy
from ..spec.values import History, Signal
from .acceptances import Acceptances
from .catches import UnapprovedPromotions
from .claims import Claims
from .decisions import Decisions
from .engine import connect
from .entries import (
    Catch,
    Claim,
    Done,
    Evaluation,
    Promotion,
    PromotionKind,
    Review,
    ReviewVerdict,
    Swap,
    TrainingRun,
    UpdateRow,
)
from .files import Files
from .former import former_method
from .history import LIMIT, Horizon, past
from .migrate import migrate
from .offers import Offers
from .policies import Policies
from .promotions import Promotions
from .recompute import as_of
from .remembered import Remembered
from .reviews import Reviews
from .runs import Runs
from .scores import Scores
from .swaps import Swaps
from .transactions import transact

__all__ = [
    "Catch",
    "Claim",
    "Done",
    "Evaluation",
    "Ledger",
    "Promotion",
    "PromotionKind",
    "Review",
    "ReviewVerdict",
    "Swap",
    "TrainingRun",
    "UpdateRow",
]


class Ledger:
    """An open ledger, by kind of entry. Close it, or use it in a `with`.

    Where its database goes away, each method waits some seconds for it; all raise Unavailable where it stays away or
    cannot be written.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._remembered = remembered = Remembered()
        self.decisions = Decisions(engine, remembered)
        self.policies = Policies(engine, remembered)
        self.scores = Scores(engine, remembered)
        self.runs = Runs(engine, remembered)
        self.claims = Claims(engine, remembered)
        self.offers = Offers(engine, remembered)
        self.promotions = Promotions(engine, remembered)
        self.unapproved = UnapprovedPromotions(engine, remembered)
        self.reviews = Reviews(engine, remembered)
        self.acceptances = Acceptances(engine, remembered)
        self.files = Files(engine, remembered)
        self.swaps = Swaps(engine, remembered)

    if not TYPE_CHECKING:  # else every attribute would seem to be there

        def __getattr__(self, name: str) -> object:
            return former_method(self, name)

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

    def history(
        self, model: str, now: datetime, *, limit: int = LIMIT, live: bool | None = None, shadow: bool = False
    ) -> History:
        """The past that a decision at *now* may see; champion, watermark, new rows are left to the caller.

        *live* keeps only decisions recorded as live, or only the others; left out: both. With *shadow* a
        decision that fired in shadow mode counts as the run that it would have started.
        """
        horizon = Horizon(model, now, limit=limit, live=live, shadow=shadow)
        seen = transact(self._engine, lambda session: past(session, horizon, self._remembered), writes=False)
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
        return transact(
            self._engine,
            lambda session: as_of(session, decision_id, self._remembered, limit=limit, live=live),
            writes=False,
        )


if not TYPE_CHECKING:  # mypy knows no former names, and so every misspelt one
    __getattr__ = moved(__name__)
