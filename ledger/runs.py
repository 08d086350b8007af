"""Training runs: each is claimed, and ends once. One run of a model is under way at a time.

The caller holds the ledger's write lock, so that what is read here cannot change before it is acted on;
the primary key (model, number) would refuse a second claim even without it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import NotRequired, TypedDict, Unpack

from sqlalchemy import Select, and_, select
from sqlalchemy.orm import Session

from ..spec.duration import format_duration
from ..spec.errors import Refused
from ..spec.run_record import RunRecord
from ..spec.values import FIRING, Outcome
from . import claims
from .entries import TrainingRun, UpdateRow
from .remembered import Remembered
from .tables import DecisionRow, TrainingRunEndRow, TrainingRunRow
from .transactions import Repository, reads, transact, writes

_OF_ONE_RUN = and_(TrainingRunEndRow.model == TrainingRunRow.model, TrainingRunEndRow.number == TrainingRunRow.number)


class End(TypedDict):
    """What is written of a run's end: *evidence* left out is none; *ended_at* is decision time."""

    version: NotRequired[str | None]
    evidence: NotRequired[RunRecord | None]
    cpu_seconds: NotRequired[float]
    rows: NotRequired[int]
    watermark: NotRequired[datetime | None]
    ended_at: datetime


class Runs(Repository):
    """Training runs, by `ledger.runs`."""

    def claim(
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
    ) -> TrainingRun | None:
        """Claim the model's one training run; None while another process holds it, or another decision's has not ended.

        *at* is decision time; *now_wall* is wall time, by which leases and *abandon_after* are judged: left out, the
        database's, which is one for all machines. *holder* names the caller (left out: a new name) and *dead* the
        holders that it knows to have ended.

        - A decision whose run has not ended goes on with it if its holder's lease has ended or it is one of the *dead*.
        - A decision whose run has ended gets that one back, with `outcome` set: there is nothing to do.
        - A run that was claimed *abandon_after* or longer ago is ended as `abandoned` first, also the
          decision's own, which then claims anew under the next number.

        Raises Refused for a decision that is not in the ledger.
        """
        # Before the transaction: one that is tried again is the same caller's
        asked = _Asked(model, decision, at, run, holder or claims.new_holder(), frozenset(dead))
        return transact(
            self._engine,
            lambda session: _claim(session, asked, abandon_after, now_wall),
            writes=True,
        )

    @writes
    def finish(self, session: Session, run: TrainingRun, *, outcome: Outcome, **end: Unpack[End]) -> None:
        """Write how *run* ended; *end* as `End` has it. Again with the same outcome: no change.

        Raises Refused if the run was given up meanwhile, somebody else went on with it, it has ended otherwise, or it
        was never claimed (fencing).
        """
        if session.get(TrainingRunRow, (run.model, run.number)) is None:
            raise Refused(f"{run} was never claimed in this ledger; nothing was recorded.")
        ended = session.get(TrainingRunEndRow, (run.model, run.number))
        if ended is None:
            if not claims.held_by(session, run):
                raise Refused(claims.lost(run))
            session.add(_ended(run, outcome, **end))
        elif ended.outcome == outcome and claims.was_held_by(session, run):
            return
        elif ended.outcome == outcome:
            raise Refused(claims.lost(run))
        elif ended.outcome == "abandoned":
            raise Refused(
                f"{run} was given up and cannot end as {outcome!r}: another training run may have started since. "
                "The ledger and the champion were not changed; the next monitor decides anew."
            )
        else:
            raise Refused(
                f"{run} has ended as {ended.outcome!r} and cannot end as {outcome!r} too; nothing was changed."
            )

    @reads
    def is_claimed(self, session: Session, run: TrainingRun) -> bool:
        """Whether the run still holds its claim: ask before registering what it trained."""
        return claims.held_by(session, run)

    @writes
    def renew(self, session: Session, run: TrainingRun) -> bool:
        """Lengthen the lease of the run's claim; False if somebody else went on with it, or it has ended."""
        now = claims.clock(session)
        return claims.held_by(session, run) and claims.renew(session, run.model, claims.RUN, run.holder, now)

    @reads
    def of(self, session: Session, model: str) -> list[UpdateRow]:
        """All training runs of *model*, in the order in which they were claimed."""
        return [update for update, _ in ended_and_running(session, model, self._remembered)]


@dataclass(frozen=True)
class _Asked:
    """A claim as it is asked for; see `Runs.claim`."""

    model: str
    decision: str
    at: datetime
    run: str | None
    holder: str
    dead: frozenset[str]


def _claim(session: Session, asked: _Asked, abandon_after: timedelta, now_wall: datetime | None) -> TrainingRun | None:
    model, decision, holder = asked.model, asked.decision, asked.holder
    judged = session.get(DecisionRow, decision)
    if judged is None or judged.model != model:
        what = "is not in the ledger" if judged is None else f"is about model {judged.model}"
        raise Refused(
            f"decision {decision} {what}, so that no training run of {model} was started; "
            "record the decision before its action."
        )
    now_wall = now_wall or claims.clock(session)
    last = _newest(session, model)
    before = _newest(session, model, decision)
    if before is not None and before[1] is not None and before[1].outcome != "abandoned":
        return _training_run(*before)
    if last is not None and last[1] is None:
        running = last[0]
        claim = claims.find(session, model, claims.RUN, now_wall)
        free = claims.may_take(claim, holder, asked.dead)
        own = running.decision == decision
        if now_wall - running.claimed_at < abandon_after and not (
            free and not own and _in_background(session, running)
        ):
            if not own or not free:
                return None
            claims.take(session, model, claims.RUN, number=running.number, holder=holder, now=now_wall)
            return _training_run(running, None, holder)
        session.add(_abandoned(running, asked.at, now_wall, abandon_after))
    taken = TrainingRunRow(
        model=model,
        number=1 if last is None else last[0].number + 1,
        decision=decision,
        at=asked.at,
        claimed_at=now_wall,
        run=asked.run,
    )
    session.add(taken)
    claims.take(session, model, claims.RUN, number=taken.number, holder=holder, now=now_wall)
    session.flush()
    return _training_run(taken, None, holder)


def _ended(run: TrainingRun, outcome: Outcome, **end: Unpack[End]) -> TrainingRunEndRow:
    return TrainingRunEndRow(
        model=run.model,
        number=run.number,
        outcome=outcome,
        version=end.get("version"),
        rows=end.get("rows", 0),
        cpu_seconds=end.get("cpu_seconds", 0.0),
        watermark=end.get("watermark"),
        ended_at=end["ended_at"],
        evidence=RunRecord.model_validate(end.get("evidence") or {}).model_dump_json(),
    )


def _in_background(session: Session, running: TrainingRunRow) -> bool:
    """Whether nobody will take it up when its process has died: its decision started no run of its own."""
    judged = session.get(DecisionRow, running.decision)
    return judged is not None and judged.action not in FIRING


def ended_and_running(session: Session, model: str, remembered: Remembered) -> list[tuple[UpdateRow, float | None]]:
    """All training runs in order, each with what it gained; those that have ended are parsed once."""
    ends = select(TrainingRunRow.number, TrainingRunEndRow.number.is_not(None)).outerjoin(
        TrainingRunEndRow, _OF_ONE_RUN
    )
    ended = {row[0]: row[1] for row in session.execute(ends.where(TrainingRunRow.model == model))}
    ended_keys = [(model, number) for number, has_ended in ended.items() if has_ended]
    known = {
        update.number: (update, gained) for update, gained in remembered.ended.all(ended_keys, partial(_read, session))
    }
    running = [(model, number) for number, has_ended in ended.items() if not has_ended]
    known |= {number: found for (_, number), found in _read(session, running)}
    return [known[number] for number in sorted(known)]


def _read(
    session: Session, keys: list[tuple[str, int]]
) -> Iterator[tuple[tuple[str, int], tuple[UpdateRow, float | None]]]:
    if not keys:
        return
    model, least, wanted = keys[0][0], min(number for _, number in keys), set(keys)
    for row, end in session.execute(_runs(model).where(TrainingRunRow.number >= least)):
        if (key := (row.model, row.number)) in wanted:
            update = _update(row, end)
            yield key, (update, update.evidence.gain)


def _runs(model: str) -> Select[tuple[TrainingRunRow, TrainingRunEndRow]]:
    """Training runs beside their ends; the end is None for one under way."""
    return (
        select(TrainingRunRow, TrainingRunEndRow)
        .outerjoin(TrainingRunEndRow, _OF_ONE_RUN)
        .where(TrainingRunRow.model == model)
    )


def _newest(
    session: Session, model: str, decision: str | None = None
) -> tuple[TrainingRunRow, TrainingRunEndRow | None] | None:
    """The run that was claimed last, of all or of one decision."""
    query = _runs(model).order_by(TrainingRunRow.number.desc()).limit(1)
    found = session.execute(query if decision is None else query.where(TrainingRunRow.decision == decision)).first()
    return None if found is None else (found[0], found[1])


def _abandoned(
    running: TrainingRunRow, at: datetime, now_wall: datetime, abandon_after: timedelta
) -> TrainingRunEndRow:
    reason = (
        f"was claimed {running.claimed_at:%Y-%m-%d %H:%M:%S} and had not ended by {now_wall:%Y-%m-%d %H:%M:%S}; "
        f"a run is given up after {format_duration(abandon_after)}"
    )
    return TrainingRunEndRow(
        model=running.model,
        number=running.number,
        outcome="abandoned",
        version=None,
        rows=0,
        cpu_seconds=0.0,
        watermark=None,
        ended_at=max(at, running.at),
        evidence=RunRecord(reason=reason).model_dump_json(),
    )


def _training_run(row: TrainingRunRow, end: TrainingRunEndRow | None, holder: str = "") -> TrainingRun:
    return TrainingRun.model_validate(
        {
            "model": row.model,
            "number": row.number,
            "decision": row.decision,
            "at": row.at,
            "claimed_at": row.claimed_at,
            "run": row.run,
            "outcome": end.outcome if end is not None else None,
            "version": end.version if end is not None else None,
            "holder": holder,
        }
    )


def _update(row: TrainingRunRow, end: TrainingRunEndRow | None) -> UpdateRow:
    known = _training_run(row, None).model_dump(exclude={"outcome", "version", "holder"})
    if end is not None:
        known |= {
            "outcome": end.outcome,
            "version": end.version,
            "rows": end.rows,
            "cpu_seconds": end.cpu_seconds,
            "watermark": end.watermark,
            "ended_at": end.ended_at,
            "evidence": RunRecord.model_validate_json(end.evidence),
        }
    return UpdateRow.model_validate(known)
