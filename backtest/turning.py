"""An arm that decides look by look, as the live loop does: through the same monitors, policy, ladder and gate."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ..ledger.ledger import Flight
from ..loop.champion import find_champion, replaced_by
from ..loop.context import Care
from ..loop.learn.background import learn_behind
from ..loop.learn.learn import first_version, kept_behind, ladder, landed, offered, to_keep
from ..loop.observe.composite import served_by_registry
from ..loop.observe.score import score_past
from ..loop.plan import Plan
from ..models.learning.trained import Trained
from ..policy.rules.check import check_rules
from ..spec.model import Spec
from ..spec.run_record import RunRecord
from ..spec.values import Decision
from .cpu_clock import Spent
from .rehearsed import promoted, rehearsed
from .results import BACKGROUND, ArmResult, Cpu, Kind
from .summary import Looked, Run, Tell, summed_up
from .turn import Strategy, Turn


@dataclass
class _Waiting:
    """A challenger that was offered at *since*, and whose review ends at *at*."""

    since: datetime
    at: datetime
    version: str
    decision: str


@dataclass
class _Arm:
    care: Care
    waiting: list[_Waiting] = field(default_factory=list)


def run_turning(
    spec: Spec,
    plan: Plan,
    name: str,
    kind: Kind,
    strategy: Strategy,
    tell: Tell,
    of: str | None = None,
    *,
    hindsight: bool = True,
) -> ArmResult:
    """Turn through *plan*; the result with every look. Deterministic but for CPU seconds."""
    check_rules(spec.deciding)
    strategy = copy.deepcopy(strategy)  # it may remember, and must not remember another run
    with rehearsed(spec) as care:
        began = first_version(care, plan.start)
        promoted(care, began.number, plan.start, kind="first", reason="the first version", decision=began.decision)
        arm, looks, decisions = _Arm(care), list[Looked](), list[Decision]()
        for number, now in enumerate(plan.moments, start=1):
            look = _look(arm, strategy, now)
            looks.append(look.looked)
            decisions.append(look.decision)
            tell(number, len(plan.moments) + 1)
        served = served_by_registry(care)
        result = summed_up(
            care, plan, name, kind, served, looks, of=of, hindsight=hindsight, decisions=tuple(decisions)
        )
        tell(len(plan.moments) + 1, len(plan.moments) + 1)
        return result


@dataclass(frozen=True)
class _Turned:
    decision: Decision
    looked: Looked


def _look(arm: _Arm, strategy: Strategy, now: datetime) -> _Turned:
    """One look with all that it starts, and what all of it cost."""
    care, spent = arm.care, Spent()
    live = care.spec.mode == "live"
    with spent.counting():
        _review(arm, now)
        champion = find_champion(care)
        care.source.as_of(now).hold(champion.reference.start)
        score_past(care, now)
        decision, signals = strategy(Turn(care, champion, now))
        policy = care.spec.deciding if decision.policy == care.spec.policy_version else None
        decision, _ = care.ledger.record_decision(decision, signals, policy=policy, run=None, live=live)
        run = _act(arm, decision) if live else None
    if run is not None:
        spent.learning, spent.judging = run.cpu_seconds, run.judging
    return _Turned(decision, _looked(decision, champion.trained, run, spent.cpu))


def review_delay(spec: Spec) -> timedelta:
    """From a challenger to its promotion."""
    if spec.backtest.review_delay is not None:
        return spec.backtest.review_delay
    return timedelta(days=1) if spec.review == "required" else timedelta(0)


def _review(arm: _Arm, now: datetime) -> None:
    """Promote what a reviewer would have promoted by now, unless it was held against a version that is gone."""
    care = arm.care
    for due in [each.at for each in arm.waiting if each.at <= now]:
        offered_by_then = [each for each in arm.waiting if each.since <= due]
        if not offered_by_then:
            continue
        newest = offered_by_then[-1]  # the alias `challenger` is at the newest when the reviewer looks
        arm.waiting = [each for each in arm.waiting if each.since > due]
        serving, version = care.registry.champion(), care.registry.version(newest.version)
        if serving is not None and version.against == serving.number:
            reason = "a reviewer who approves, simulated"
            promoted(care, newest.version, due, kind="promotion", reason=reason, decision=newest.decision)


def _act(arm: _Arm, decision: Decision) -> Run | None:
    care = arm.care
    if decision.action == "roll_back":
        _roll_back(care, decision)
        return None
    if not decision.fires:
        return _behind(care, decision)
    ended = decision.at + care.spec.backtest.training_time
    flight = care.ledger.take_off(
        model=care.spec.model,
        decision=decision.id,
        at=decision.at,
        run=None,
        now_wall=decision.at,
        abandon_after=care.spec.abandon_after,
    )
    if flight is None:
        return None
    try:
        return _learn(arm, decision, flight, ended)
    except Exception as error:  # as a live run, which lands as failed whatever stopped it
        reason = f"{type(error).__name__}: {error}"
        care.ledger.land(flight, outcome="failed", evidence=RunRecord(reason=reason), ended_at=ended)
        return Run("failed")


def _learn(arm: _Arm, decision: Decision, flight: Flight, ended: datetime) -> Run:
    care = arm.care
    champion = find_champion(care)
    race = ladder(care, champion, decision)
    kept = to_keep(care, race)
    version = offered(care, champion, decision, race, kept) if kept else None
    behind = kept_behind(care, champion, decision, race)
    outcome = landed(care, flight, race, version.number if version else None, ended, behind=behind)
    if version is not None and race.winner:
        waiting = _Waiting(ended, ended + review_delay(care.spec), version.number, decision.id)
        arm.waiting.append(waiting)
        _review(arm, decision.at)  # without any delay it serves from this very moment
    return Run(
        outcome,
        race.cpu_seconds,
        rows=sum(attempt.rows for attempt in race.attempts),
        candidate=care.registry.load(version.number) if version and race.winner else None,
        judging=sum(attempt.judging_cpu_seconds for attempt in race.attempts),
        refused=race.unproven,
    )


def _behind(care: Care, decision: Decision) -> Run | None:
    """Let strategies learn at a look that fires nothing, as the live loop does; no run of the policy's."""
    learned = learn_behind(care, find_champion(care), decision, ended_at=decision.at, now_wall=decision.at)
    if learned is None:
        return None
    attempts = learned.race.attempts
    return Run(
        BACKGROUND,
        learned.race.cpu_seconds,
        rows=sum(attempt.rows for attempt in attempts),
        judging=sum(attempt.judging_cpu_seconds for attempt in attempts),
    )


def _roll_back(care: Care, decision: Decision) -> None:
    present = care.registry.champion()
    earlier = replaced_by(care, present.number if present else None)
    if earlier is None:
        return
    reason = "; ".join(decision.reasons)
    promoted(care, earlier, decision.at, kind="roll_back", reason=reason, actor="policy", decision=decision.id)


def _looked(decision: Decision, champion: Trained, run: Run | None, cpu: Cpu) -> Looked:
    """A look as it is summed up; a decision that no monitor stood behind has no verdict to count."""
    return Looked(
        action=decision.action,
        verdict=decision.triage.verdict if decision.triage.signals or decision.facts else None,
        reason=" ".join(decision.reasons[:2]),
        champion=champion,
        run=run,
        cpu=cpu,
    )
