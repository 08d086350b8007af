"""Continue the champion on the rows it has not learned, and offer the result for review."""

from __future__ import annotations

from datetime import datetime
from time import process_time, sleep
from typing import Literal

from pydantic import BaseModel

from ..ledger import claims
from ..ledger.entries import ended, told
from ..ledger.ledger import Flight
from ..loop.champion import Champion, find_champion
from ..loop.context import Care, take_care
from ..loop.learn.claim import Claim, kept_alive
from ..loop.learn.learn import kept_behind, ladder, landed, offered, to_keep, told_of_missed
from ..models.ladder.race import Race
from ..models.learning.trained import Trained
from ..models.registry.versions import Version
from ..monitors.evidently.pages import reports_of
from ..spec.errors import AliasMoved, NotAllowed, Refused, TrainingDied
from ..spec.masked import masked
from ..spec.run_record import ProcessUse, RunRecord
from ..spec.values import Decision, Outcome
from .holding import Holder, holding
from .prefect.artifacts_version import publish_race
from .prefect.by_hand import decide_by_hand
from .prefect.declared import declared_spec
from .prefect.engine import NO_CACHE, State, flow, flow_run, get_run_logger, task
from .prefect.events import Decided, Registered, announce
from .prefect.form import At, DecisionId, Reason, Rung, SpecPath, explained, past
from .prefect.long_work import LongWork
from .prefect.moment import moment_of
from .prefect.names import end_name, model_name, moment_name
from .prefect.readable import name_the_end
from .promote import move


class Retrained(BaseModel):
    """What became of a retrain: *outcome* as in the ledger, *version* where one is offered for review.

    *candidate*: the version that was kept to go on from, where the gate could neither pass nor refute it.
    """

    decision: str
    outcome: Outcome | Literal["in_flight"]
    version: str | None = None
    candidate: str | None = None
    promoted: bool = False

    @property
    def became(self) -> str:
        """As the ledger's listings say it: `registered v3`, `refused`, or `unproven v4`."""
        return told(*ended(self.outcome, self.version, self.candidate))


def _run_name() -> str:
    parameters = flow_run.parameters
    fired = f" for decision {parameters['decision']}" if parameters.get("decision") else " by hand"
    return f"retrain {model_name(parameters)}{fired}{moment_name(parameters)}"


@flow(name="retrain", flow_run_name=_run_name, on_failure=[name_the_end], on_crashed=[name_the_end])
def retrain(
    *,
    rung: Rung = "warm",
    reason: Reason = "",
    at: At = None,
    decision: DecisionId = None,
    spec: SpecPath,
) -> Retrained:
    """Continue the champion on the rows it has not learned, check it, and offer it for review.

    Args:
        rung: warm continues the champion and is cheap; scratch begins anew, on recent rows first, then on all.
        reason: Why you start it, in a sentence. It is kept in the ledger and shown to the reviewer.
        at: Learn what was known at this moment. Leave None for now.
        decision: Set by the monitor when a decision of its own starts the run. Leave None for a start by hand.
        spec: File that describes the model, on the machine where the flow runs. Leave it as it is.
    """
    if decision is None:
        explained(reason, "a retrain by hand")
    past(at)
    declared = declared_spec(spec)
    if declared.mode == "shadow":
        raise Refused(
            f"{declared.path.name}: the mode is `shadow`, in which nothing trains; nothing was changed. "
            "Set `mode: live` when the decisions have earned it."
        )
    with take_care(declared) as care, holding(care) as holder:
        fired = _fired(care, decision) if decision else _by_hand(care, rung, reason, moment_of(at))
        flight = _take_off(care, fired, holder)
        if flight is None:
            get_run_logger().warning("%s; this one does not start.", _in_flight(care))
            end_name("another is in flight")
            return Retrained(decision=fired.id, outcome="in_flight")
        if flight.landed is None:
            retrained = _fly(care, fired, flight)
        else:
            get_run_logger().info("Decision %s was carried out before: %s.", fired.id, flight.landed)
            made = care.registry.of_decision(fired.id)
            kept = made.number if made is not None and made.unproven else None
            retrained = _result(fired, flight.landed, flight.version or kept)
        end_name(retrained.became)
        if retrained.version is None or declared.review == "required":
            return retrained
        return retrained.model_copy(update={"promoted": _promote(care, fired, retrained.version)})


@task(cache_policy=NO_CACHE)
def run_ladder(care: Care, champion: Champion, fired: Decision) -> Race:
    """Climb the ladder on what was known at the decision's moment; no retry, since nothing is half done."""
    return ladder(care, champion, fired, bounded=care.spec.learner.limits.apart)


def _may_pass(task: object, run: object, state: State) -> bool:
    """Whether another try can help: a refusal of ours stays one."""
    return type(state.result(raise_on_failure=False)) is not Refused


@task(retries=2, retry_delay_seconds=5, retry_condition_fn=_may_pass, cache_policy=NO_CACHE)
def register(care: Care, champion: Champion, fired: Decision, race: Race, candidate: Trained, claim: Claim) -> str:
    """Register the race's candidate with its evidence; safe to retry, one version per decision."""
    signals = care.ledger.signals(fired.id)
    shown = tuple(dict.fromkeys(s.snapshot for s in signals if s.snapshot))
    version = offered(
        care,
        champion,
        fired,
        race,
        candidate,
        claim=claim,
        snapshots=shown,
        reports=reports_of(care.stores.workspace, care.spec.model, shown),
        flow_run=str(flow_run.id or ""),
    )
    return version.number


def _by_hand(care: Care, rung: Literal["warm", "scratch"], reason: str, now: datetime) -> Decision:
    fired, is_new = decide_by_hand(care, rung, reason, now)
    if is_new:
        announce(
            Decided(
                model=fired.model,
                spec=str(care.spec.path),
                at=fired.at,
                decision=fired.id,
                action=fired.action,
                verdict=fired.triage.verdict,
                reasons=fired.reasons,
            )
        )
    return fired


def _fired(care: Care, decision: str) -> Decision:
    stored = care.ledger.find_decision(decision)
    if stored is None or stored.model != care.spec.model:
        raise Refused(f"The ledger holds no decision {decision!r} for {care.spec.model}; nothing was trained.")
    if not stored.fires:
        raise Refused(f"Decision {decision} is to {stored.action}, which trains nothing; nothing was changed.")
    return stored


def _take_off(care: Care, fired: Decision, holder: Holder) -> Flight | None:
    """The decision's flight; None while somebody else trains.

    Where the decision's own run is in the air and does not move, its process may have died on another machine: it is
    waited for until its holder shows that it lives, or its lease has ended.
    """
    seen = None
    while True:
        flight = _ask(care, fired, holder)
        claim = care.ledger.claim(care.spec.model)
        if flight is not None or claim is None or not _own_flies(care, fired):
            return flight
        if seen is not None and (claim.holder, claim.until) != seen:
            return None
        seen = (claim.holder, claim.until)
        sleep(claims.LEASE.total_seconds() / 20)


def _own_flies(care: Care, fired: Decision) -> bool:
    flying = [each for each in care.ledger.updates(care.spec.model) if each.outcome == "running"]
    return bool(flying) and flying[-1].decision == fired.id


def _ask(care: Care, fired: Decision, holder: Holder) -> Flight | None:
    return care.ledger.take_off(
        model=care.spec.model,
        decision=fired.id,
        at=fired.at,
        run=str(flow_run.id or ""),
        abandon_after=care.spec.abandon_after,
        holder=holder.name,
        dead=holder.dead,
    )


def _in_flight(care: Care) -> str:
    """Who trains, and when a process that does not answer any more loses its claim."""
    claim = care.ledger.claim(care.spec.model)
    if claim is None or not claim.held:
        return f"Another retrain of {care.spec.model} is in flight"
    machine, process, _ = claim.holder.rsplit(":", 2)
    return (
        f"Another retrain of {care.spec.model} is in flight, in process {process} on {machine}; its claim lasts until "
        f"{claim.until:%H:%M:%S} UTC unless it is renewed"
    )


def _fly(care: Care, fired: Decision, flight: Flight) -> Retrained:
    """Train, register and land. A killed process is taken up where it was; an error lands as `failed`."""
    try:
        with kept_alive(care.ledger, flight) as claim:
            done = care.registry.of_decision(fired.id)
            if done is not None:
                return _landed_before(care, fired, flight, done, claim)
            return _train(care, fired, flight, claim)
    except Exception as error:
        offered_one = fired.id in care.ledger.offers(care.spec.model)  # then the next try ends what this one began
        if not offered_one and care.ledger.in_the_air(flight):
            _land_failed(care, fired, flight, error)
        raise


def _landed_before(care: Care, fired: Decision, flight: Flight, done: Version, claim: Claim) -> Retrained:
    """End the flight of a process that died between the registry and the ledger."""
    done = care.registry.offer(done, claim=claim)  # it may have died before it set the aliases
    record = RunRecord(resumed="the version was registered before the process died")
    if done.unproven:
        record = record.model_copy(update={"promising": True, "candidate": done.number})
    outcome: Outcome = "refused" if done.unproven else "registered"
    version = None if done.unproven else done.number
    care.ledger.land(
        flight,
        outcome=outcome,
        version=version,
        evidence=record,
        cpu_seconds=done.meta.cpu_seconds,
        rows=done.meta.rows,
        watermark=done.meta.watermark,
        ended_at=fired.at,
    )
    return _result(fired, outcome, done.number)


def _result(fired: Decision, outcome: Outcome, made: str | None) -> Retrained:
    """*made*: the version that came of it; offered where it was registered by that outcome, else gone on from."""
    won = outcome == "registered"
    return Retrained(decision=fired.id, outcome=outcome, version=made if won else None, candidate=None if won else made)


def _land_failed(care: Care, fired: Decision, flight: Flight, error: Exception) -> None:
    """Write down why, and what it took: all that a training leaves which died."""
    record = RunRecord(reason=masked(f"{type(error).__name__}: {error}"))
    seconds = 0.0
    if isinstance(error, TrainingDied):
        seconds = error.cpu_seconds
        used = ProcessUse(cpu_seconds=seconds, peak_memory_bytes=error.peak_memory_bytes)
        record = record.model_copy(update={"process": used})
    care.ledger.land(flight, outcome="failed", evidence=record, cpu_seconds=seconds, ended_at=fired.at)


def _train(care: Care, fired: Decision, flight: Flight, claim: Claim) -> Retrained:
    champion, began = find_champion(care), process_time()
    with LongWork("retrain", care.spec.model, "reading the rows, training and judging the rungs") as work:
        race = run_ladder(care, champion, fired)
        for said in told_of_missed(race):
            get_run_logger().warning("%s.", said)
        work.reached(70, "registering what came of it")
        claim.check()
        kept = to_keep(care, race)
        number = register(care, champion, fired, race, kept, claim) if kept else None
        behind = _behind(care, champion, fired, race, claim)
        work.reached(95, "writing the ledger")
        spent = process_time() - began
        outcome = landed(care, flight, race, number, ended_at=fired.at, behind=behind, cpu_seconds=spent)
    publish_race(care, fired, race, number)
    version = number if race.winner else None
    if version is not None and race.winner is not None:
        announce(
            Registered(
                model=care.spec.model,
                spec=str(care.spec.path),
                at=fired.at,
                decision=fired.id,
                version=version,
                parent=race.winner.state.parent,
                rung=race.winner.state.rung,
                cpu_seconds=race.cpu_seconds,
                page=care.registry.page(version),
            )
        )
    return _result(fired, outcome, number)


def _behind(care: Care, champion: Champion, fired: Decision, race: Race, claim: Claim) -> dict[str, str]:
    """What the other strategies made; a registry that fails here costs them, and not the run that made its offer."""
    try:
        return kept_behind(care, champion, fired, race, claim=claim)
    except Exception as error:
        why = masked(f"{type(error).__name__}: {error}")
        get_run_logger().warning("Not every strategy's version was kept: %s", why)
        return {}


def _promote(care: Care, fired: Decision, version: str) -> bool:
    """Promote by `review: automatic`, once for a decision: a later champion is never pushed aside by a repeat."""
    if any(promotion.decision == fired.id for promotion in care.ledger.champions(care.spec.model)):
        return True
    serving, chosen = care.registry.champion(), care.registry.version(version)
    if serving is not None and serving.number not in (version, chosen.against):
        get_run_logger().warning("v%s serves by now, which v%s was not compared with.", serving.number, version)
        return False
    reason = "the gate passed, and the spec says `review: automatic`"
    try:
        move(care, version, kind="promotion", reason=reason, actor="ratoon", at=fired.at, decision=fired.id)
    except NotAllowed as error:
        get_run_logger().warning("v%s waits for a reviewer, as with `review: required`: %s", version, error)
        return False
    except AliasMoved as error:
        get_run_logger().warning("v%s is not promoted: %s", version, error)
        return False
    return True
