"""Claims: who works at a model just now, on whichever machine.

A claim is held by its *holder* until its lease ends; the holder renews it while it works. Only the holder, or
whoever finds the lease ended or knows the holder dead, may go on with it. This is the one table that changes in
place: it says what is, and `training_runs` and `training_run_ends` keep what was. Leases are judged by the database's
clock, which is one for all machines (Gray and Cheriton 1989, "Leases").

A lease cannot keep a process that was stopped past it from waking up: what it then does is refused, since every
offer and every end asks for the claim within the ledger's one write lock (a fencing check).
"""

from __future__ import annotations

import os
import platform
import uuid
from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from .entries import Claim, TrainingRun
from .tables import ClaimRow, TrainingRunEndRow
from .transactions import Repository, reads, writes

LEASE = timedelta(seconds=60)
RENEWED_EVERY = LEASE / 4
RUN = "run"  # the model's one training run
FIRST = "first"  # its first version, which no decision stands behind

_CLOCK = {
    "postgresql": "SELECT clock_timestamp() AT TIME ZONE 'UTC'",
    "sqlite": "SELECT strftime('%Y-%m-%d %H:%M:%f', 'now')",
}


class Claims(Repository):
    """Who works at a model, by `ledger.claims`."""

    @reads
    def find(self, session: Session, model: str) -> Claim | None:
        """Who works at the model's training run, held or not; None if nobody ever did."""
        return find(session, model, RUN, clock(session))

    @writes
    def claim_first(self, session: Session, model: str, holder: str, dead: Collection[str] = ()) -> bool:
        """Claim, or claim on, the making of the model's first version; False while another process holds that."""
        now = clock(session)
        if not may_take(find(session, model, FIRST, now), holder, dead):
            return False
        take(session, model, FIRST, number=0, holder=holder, now=now)
        return True

    @writes
    def renew_first(self, session: Session, model: str, holder: str) -> bool:
        """Lengthen the lease of *holder*; False if anybody else has had the claim since, also one that gave it back."""
        return renew(session, model, FIRST, holder, clock(session))

    @writes
    def release_first(self, session: Session, model: str, holder: str) -> None:
        """End the claim of *holder* on the first version."""
        release(session, model, FIRST, holder, clock(session))


def new_holder() -> str:
    """A name that no other holder has, and that tells a person where to look: machine, process and a random part."""
    return f"{platform.node() or 'unknown'}:{os.getpid()}:{uuid.uuid4().hex[:12]}"


def clock(session: Session) -> datetime:
    """The database's wall time, naive UTC; of this very moment, not of the transaction's start."""
    found = session.execute(text(_CLOCK[session.get_bind().dialect.name])).scalar_one()
    return found if isinstance(found, datetime) else datetime.fromisoformat(found)


def find(session: Session, model: str, what: str, now: datetime) -> Claim | None:
    """The claim on *what* of *model*, held or not; None where there never was one."""
    row = session.get(ClaimRow, (model, what))
    if row is None:
        return None
    return Claim(holder=row.holder, number=row.number, until=row.until, held=row.until > now)


def may_take(claim: Claim | None, holder: str, dead: Collection[str]) -> bool:
    """Whether *holder* may have it: it is its own, its lease has ended, or its holder is known *dead*."""
    return claim is None or not claim.held or claim.holder == holder or claim.holder in dead


def take(session: Session, model: str, what: str, *, number: int, holder: str, now: datetime) -> None:
    """Write the claim down for *holder* from *now* on; the caller has asked `may_take`."""
    row = session.get(ClaimRow, (model, what))
    if row is None:
        session.add(ClaimRow(model=model, what=what, number=number, holder=holder, until=now + LEASE))
    else:
        row.number, row.holder, row.until = number, holder, now + LEASE


def renew(session: Session, model: str, what: str, holder: str, now: datetime) -> bool:
    """Lengthen the lease; False where somebody else has the claim by now."""
    row = session.get(ClaimRow, (model, what))
    if row is None or row.holder != holder:
        return False
    row.until = now + LEASE
    return True


def release(session: Session, model: str, what: str, holder: str, now: datetime) -> None:
    """End the lease of *holder*, if it has one."""
    row = session.get(ClaimRow, (model, what))
    if row is not None and row.holder == holder:
        row.until = now


def held_by(session: Session, run: TrainingRun) -> bool:
    """Whether *run* has not ended and nobody else went on with it."""
    ended = session.get(TrainingRunEndRow, (run.model, run.number)) is not None
    return not ended and was_held_by(session, run)


def was_held_by(session: Session, run: TrainingRun) -> bool:
    """Whether nobody has gone on with *run* since it was handed out; it may have ended."""
    row = session.get(ClaimRow, (run.model, RUN))
    return row is not None and (row.number, row.holder) == (run.number, run.holder)


def lost(run: TrainingRun) -> str:
    """What is said where a claim is asked for that somebody else has, or that has ended."""
    return (
        f"{run} was given up: its lease ended while it did not answer, and another process may have gone on with "
        "it. Nothing of this run was offered; the ledger and the champion are as they were."
    )
