"""What a look that fires nothing lets the strategies learn, so that the next look can tell what each is worth."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from datetime import datetime
from time import process_time

from ...models.ladder.race import Race
from ...spec.errors import RatoonError
from ...spec.masked import masked
from ...spec.run_record import RunRecord
from ...spec.unexpected import worded
from ...spec.values import FIRING, Decision
from ..champion import Champion
from ..context import Care
from .claim import Claim, kept_alive
from .learn import kept_behind, ladder, landed
from .tries import history_of, to_try


@dataclass(frozen=True)
class Learned:
    """What the strategies made: the *race* without a judge, and the versions kept, by strategy."""

    race: Race
    behind: dict[str, str]


def learn_behind(
    care: Care,
    champion: Champion,
    decision: Decision,
    *,
    ended_at: datetime,
    run: str | None = None,
    bounded: bool = False,
    holder: str | None = None,
    dead: Collection[str] = (),
    now_wall: datetime | None = None,
) -> Learned | None:
    """Let the strategies that are due learn in the background; None where nothing is to be done.

    That is: the decision starts a run, which learns itself; the data is broken, or there is none; the model is in
    shadow mode; another run is in flight; or no strategy is due. Nothing that goes wrong here stops a look: it is
    written down as a failed run. *bounded* as in `ladder`; *holder*, *dead* and *now_wall* as in `Ledger.take_off`:
    without a holder nothing competes, as in a backtest.
    """
    nothing = decision.action in FIRING or decision.action == "roll_back" or care.spec.mode == "shadow"
    if nothing or decision.triage.verdict == "broken_data" or decision.champion != champion.version:
        return None
    if decision.window is None or care.source.as_of(decision.at).window(decision.window).rows == 0:
        return None  # an empty window is no sign of health
    asked = to_try(care, decision, history_of(care, decision), offer=False)
    if not asked.learn:
        return None
    flight = care.ledger.take_off(
        model=care.spec.model,
        decision=decision.id,
        at=decision.at,
        run=run,
        abandon_after=care.spec.abandon_after,
        holder=holder,
        dead=dead,
        now_wall=now_wall,
    )
    if flight is None or flight.landed is not None:
        return None
    began = process_time()
    try:
        with kept_alive(care.ledger, flight) if holder else nullcontext(Claim(care.ledger, flight)) as claim:
            race = ladder(care, champion, decision, bounded=bounded, offer=False, asked=asked)
            claim.check()
            behind = kept_behind(care, champion, decision, race, claim=claim)
            spent = process_time() - began
            landed(care, flight, race, None, ended_at, offer=False, behind=behind, cpu_seconds=spent)
            return Learned(race, behind)
    except Exception as error:  # a strategy's code, a library, a store: no look fails for what it learns beside
        known = isinstance(error, RatoonError)
        reason = masked(f"{type(error).__name__}: {error}") if known else worded(error)
        with suppress(RatoonError):
            if care.ledger.in_the_air(flight):
                care.ledger.land(
                    flight,
                    outcome="failed",
                    evidence=RunRecord(reason=reason, background=True),
                    cpu_seconds=process_time() - began,
                    ended_at=ended_at,
                )
        return None
