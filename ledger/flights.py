"""Flights: a training run takes off, and lands once. One flight of a model is in the air at a time.

The caller holds the ledger's write lock, so that what is read here cannot change before it is acted on;
the primary key (model, number) would refuse a second claim even without it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Select, and_, select
from sqlalchemy.orm import Session

from ..spec.duration import format_duration
from ..spec.errors import Refused
from ..spec.run_record import RunRecord
from ..spec.values import FIRING, Outcome
from . import claims
from .entries import Flight, UpdateRow
from .remembered import Remembered
from .tables import DecisionRow, FlightRow, LandingRow
from .transactions import Repository, reads, transact, writes

_OF_ONE_FLIGHT = and_(LandingRow.model == FlightRow.model, LandingRow.number == FlightRow.number)


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
    ) -> Flight | None:
        """Claim the model's one training run; None while another process holds it, or another decision's has not ended.

        *at* is decision time; *now_wall* is wall time, by which leases and *abandon_after* are judged: left out, the
        database's, which is one for all machines. *holder* names the caller (left out: a new name) and *dead* the
        holders that it knows to have ended.

        - A decision whose run has not ended goes on with it if its holder's lease has ended or it is one of the *dead*.
        - A decision whose run has ended gets that one back, with `landed` set: there is nothing to do.
        - A run that was claimed *abandon_after* or longer ago is ended as `abandoned` first, also the
          decision's own, which then claims anew under the next number.

        Raises Refused for a decision that is not in the ledger.
        """
        name = holder or claims.new_holder()  # before the transaction: one that is tried again is the same caller's
        return transact(
            self._engine,
            lambda session: _claim(
                session,
                model=model,
                decision=decision,
                at=at,
                run=run,
                abandon_after=abandon_after,
                holder=name,
                dead=dead,
                now_wall=now_wall,
            ),
            writes=True,
        )

    @writes
    def finish(
        self,
        session: Session,
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
        """Write how *flight* ended; *ended_at* is decision time. Again with the same outcome: no change.

        Raises Refused if the run was given up meanwhile, somebody else went on with it, it has ended otherwise, or it
        was never claimed (fencing).
        """
        if session.get(FlightRow, (flight.model, flight.number)) is None:
            raise Refused(f"{flight} never took off in this ledger; nothing was recorded.")
        landed = session.get(LandingRow, (flight.model, flight.number))
        if landed is None:
            if not claims.held_by(session, flight):
                raise Refused(claims.lost(flight))
            session.add(
                LandingRow(
                    model=flight.model,
                    number=flight.number,
                    outcome=outcome,
                    version=version,
                    rows=rows,
                    cpu_seconds=cpu_seconds,
                    watermark=watermark,
                    ended_at=ended_at,
                    evidence=RunRecord.model_validate(evidence or {}).model_dump_json(),
                )
            )
        elif landed.outcome == outcome and claims.was_held_by(session, flight):
            return
        elif landed.outcome == outcome:
            raise Refused(claims.lost(flight))
        elif landed.outcome == "abandoned":
            raise Refused(
                f"{flight} was given up and cannot land as {outcome!r}: another training run may have started since. "
                "The ledger and the champion were not changed; the next monitor decides anew."
            )
        else:
            raise Refused(
                f"{flight} has landed as {landed.outcome!r} and cannot land as {outcome!r} too; nothing was changed."
            )

    @reads
    def is_claimed(self, session: Session, flight: Flight) -> bool:
        """Whether the run still holds its claim: ask before registering what it trained."""
        return claims.held_by(session, flight)

    @writes
    def renew(self, session: Session, flight: Flight) -> bool:
        """Lengthen the lease of the run's claim; False if somebody else went on with it, or it has ended."""
        now = claims.clock(session)
        return claims.held_by(session, flight) and claims.renew(session, flight.model, claims.RUN, flight.holder, now)

    @reads
    def of(self, session: Session, model: str) -> list[UpdateRow]:
        """All training runs of *model*, in the order in which they took off."""
        return [update for update, _ in landed_and_flying(session, model, self._remembered)]


def _claim(
    session: Session,
    *,
    model: str,
    decision: str,
    at: datetime,
    run: str | None,
    abandon_after: timedelta,
    holder: str,
    dead: Collection[str],
    now_wall: datetime | None,
) -> Flight | None:
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
        return _flight(*before)
    if last is not None and last[1] is None:
        flying = last[0]
        claim = claims.find(session, model, claims.RUN, now_wall)
        free = claims.may_take(claim, holder, dead)
        own = flying.decision == decision
        if now_wall - flying.taken_off < abandon_after and not (free and not own and _in_background(session, flying)):
            if not own or not free:
                return None
            claims.take(session, model, claims.RUN, number=flying.number, holder=holder, now=now_wall)
            return _flight(flying, None, holder)
        session.add(_abandoned(flying, at, now_wall, abandon_after))
    taken = FlightRow(
        model=model,
        number=1 if last is None else last[0].number + 1,
        decision=decision,
        at=at,
        taken_off=now_wall,
        run=run,
    )
    session.add(taken)
    claims.take(session, model, claims.RUN, number=taken.number, holder=holder, now=now_wall)
    session.flush()
    return _flight(taken, None, holder)


def _in_background(session: Session, flying: FlightRow) -> bool:
    """Whether nobody will take it up when its process has died: its decision started no run of its own."""
    judged = session.get(DecisionRow, flying.decision)
    return judged is not None and judged.action not in FIRING


def landed_and_flying(session: Session, model: str, remembered: Remembered) -> list[tuple[UpdateRow, float | None]]:
    """All training runs in order, each with what it gained; those that have landed are parsed once."""
    ends = select(FlightRow.number, LandingRow.number.is_not(None)).outerjoin(LandingRow, _OF_ONE_FLIGHT)
    ended = {row[0]: row[1] for row in session.execute(ends.where(FlightRow.model == model))}
    landed = [(model, number) for number, has_landed in ended.items() if has_landed]
    known = {
        update.number: (update, gained) for update, gained in remembered.landed.all(landed, partial(_read, session))
    }
    flying = [(model, number) for number, has_landed in ended.items() if not has_landed]
    known |= {number: found for (_, number), found in _read(session, flying)}
    return [known[number] for number in sorted(known)]


def _read(
    session: Session, keys: list[tuple[str, int]]
) -> Iterator[tuple[tuple[str, int], tuple[UpdateRow, float | None]]]:
    if not keys:
        return
    model, least, wanted = keys[0][0], min(number for _, number in keys), set(keys)
    for row, landing in session.execute(_flights(model).where(FlightRow.number >= least)):
        if (key := (row.model, row.number)) in wanted:
            update = _update(row, landing)
            yield key, (update, update.evidence.gain)


def _flights(model: str) -> Select[tuple[FlightRow, LandingRow]]:
    """Flights beside their landings; the landing is None for one in the air."""
    return select(FlightRow, LandingRow).outerjoin(LandingRow, _OF_ONE_FLIGHT).where(FlightRow.model == model)


def _newest(session: Session, model: str, decision: str | None = None) -> tuple[FlightRow, LandingRow | None] | None:
    """The flight that took off last, of all or of one decision."""
    query = _flights(model).order_by(FlightRow.number.desc()).limit(1)
    found = session.execute(query if decision is None else query.where(FlightRow.decision == decision)).first()
    return None if found is None else (found[0], found[1])


def _abandoned(flying: FlightRow, at: datetime, now_wall: datetime, abandon_after: timedelta) -> LandingRow:
    reason = (
        f"took off {flying.taken_off:%Y-%m-%d %H:%M:%S} and had not landed by {now_wall:%Y-%m-%d %H:%M:%S}; "
        f"a flight is given up after {format_duration(abandon_after)}"
    )
    return LandingRow(
        model=flying.model,
        number=flying.number,
        outcome="abandoned",
        version=None,
        rows=0,
        cpu_seconds=0.0,
        watermark=None,
        ended_at=max(at, flying.at),
        evidence=RunRecord(reason=reason).model_dump_json(),
    )


def _flight(row: FlightRow, landing: LandingRow | None, holder: str = "") -> Flight:
    return Flight.model_validate(
        {
            "model": row.model,
            "number": row.number,
            "decision": row.decision,
            "at": row.at,
            "taken_off": row.taken_off,
            "run": row.run,
            "landed": landing.outcome if landing is not None else None,
            "version": landing.version if landing is not None else None,
            "holder": holder,
        }
    )


def _update(row: FlightRow, landing: LandingRow | None) -> UpdateRow:
    known = _flight(row, None).model_dump(exclude={"landed", "version", "holder"})
    if landing is not None:
        known |= {
            "outcome": landing.outcome,
            "version": landing.version,
            "rows": landing.rows,
            "cpu_seconds": landing.cpu_seconds,
            "watermark": landing.watermark,
            "ended_at": landing.ended_at,
            "evidence": RunRecord.model_validate_json(landing.evidence),
        }
    return UpdateRow.model_validate(known)
