"""An arm that decides look by look, as the live loop does: through the same monitors, policy, ladder and gate."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from datetime import datetime

from ..loop.champion import find_champion, replaced_by
from ..loop.champion_lock import UNCONTESTED
from ..loop.context import ModelContext, simulated
from ..loop.learn.background import learn_behind
from ..loop.learn.first import first_version
from ..loop.learn.run import carry_out
from ..loop.learn.runner import Runner
from ..loop.observe.composite import served_by_registry
from ..loop.plan import Plan
from ..loop.review.promote import Move, move_champion
from ..loop.turn import begin_turn, record
from ..models.ladder.run import LadderResult
from ..models.learning.trained import Trained
from ..policy.rules.check import check_rules
from ..spec.model import Spec
from ..spec.values import Decision
from .cpu_clock import Spent
from .deciders import Decider
from .results import BACKGROUND, ArmResult, Cpu, Kind
from .reviewer import Reviewer
from .summary import Arm, ArmEvaluation, Run, Tell, summed_up


def start(context: ModelContext, now: datetime) -> None:
    """Train the first version at *now* and let it serve."""
    began = first_version(context, now)
    move = Move("first", "the first version", "backtest", now, began.decision)
    move_champion(context, began.number, move, UNCONTESTED)


def run_arm(
    spec: Spec,
    plan: Plan,
    name: str,
    kind: Kind,
    decider: Decider,
    tell: Tell,
    of: str | None = None,
    *,
    hindsight: bool = True,
) -> ArmResult:
    """Turn through *plan*; the result with every look. Deterministic but for CPU seconds."""
    check_rules(spec.deciding)
    decider = copy.deepcopy(decider)  # it may remember, and must not remember another run
    with simulated(spec) as context:
        start(context, plan.start)
        reviewer, looks, decisions = Reviewer(context), list[ArmEvaluation](), list[Decision]()
        for number, now in enumerate(plan.moments, start=1):
            look = _look(reviewer, decider, now)
            looks.append(look.evaluation)
            decisions.append(look.decision)
            tell(number, len(plan.moments) + 1)
        served = served_by_registry(context)
        result = summed_up(context, plan, Arm(name, kind, of, hindsight), served, looks, tuple(decisions))
        tell(len(plan.moments) + 1, len(plan.moments) + 1)
        return result


@dataclass(frozen=True)
class _Turned:
    decision: Decision
    evaluation: ArmEvaluation


def _look(reviewer: Reviewer, decider: Decider, now: datetime) -> _Turned:
    """One look with all that it starts, and what all of it cost."""
    context, spent = reviewer.context, Spent()
    with spent.counting():
        reviewer.review(now)
        turn = begin_turn(context, now)
        decision, signals = decider(turn)
        decision, _ = record(turn, decision, signals)
        run = _act(reviewer, decision) if context.spec.mode == "live" else None
    if run is not None:
        spent.learning, spent.judging = run.cpu_seconds, run.judging
    return _Turned(decision, _evaluation(decision, turn.champion.trained, run, spent.cpu))


def _act(reviewer: Reviewer, decision: Decision) -> Run | None:
    context = reviewer.context
    if decision.fires:
        return _train(reviewer, decision)
    if decision.action == "roll_back":
        _roll_back(context, decision)
        return None
    learned = learn_behind(context, find_champion(context), decision, Runner())
    return None if learned is None else _run(BACKGROUND, learned.ladder)  # which is no run of the policy's


def _train(reviewer: Reviewer, decision: Decision) -> Run | None:
    context = reviewer.context
    runner = Runner(training_time=context.spec.backtest.training_time)
    try:
        made = carry_out(context, decision, runner)
    except Exception:  # as a live run, which ends as failed whatever stopped it
        return Run("failed")
    if made.ladder is None:
        return None
    if made.version is None:
        return _run(made.outcome, made.ladder)
    reviewer.offer(made.version, decision.id, runner.ended_at(decision))
    reviewer.review(decision.at)  # without any delay it serves from this very moment
    return _run(made.outcome, made.ladder, context.registry.load(made.version))


def _run(outcome: str, result: LadderResult, candidate: Trained | None = None) -> Run:
    return Run(
        outcome,
        result.cpu_seconds,
        rows=sum(attempt.rows for attempt in result.attempts),
        candidate=candidate,
        judging=sum(attempt.judging_cpu_seconds for attempt in result.attempts),
        refused=result.unproven if outcome != BACKGROUND else None,
    )


def _roll_back(context: ModelContext, decision: Decision) -> None:
    present = context.registry.champion()
    earlier = replaced_by(context, present.number if present else None)
    if earlier is not None:
        move = Move("roll_back", "; ".join(decision.reasons), "policy", decision.at, decision.id)
        move_champion(context, earlier, move, UNCONTESTED)


def _evaluation(decision: Decision, champion: Trained, run: Run | None, cpu: Cpu) -> ArmEvaluation:
    """A look as it is summed up; a decision that no monitor stood behind has no verdict to count."""
    return ArmEvaluation(
        action=decision.action,
        verdict=decision.triage.verdict if decision.triage.signals or decision.facts else None,
        reason=" ".join(decision.reasons[:2]),
        champion=champion,
        run=run,
        cpu=cpu,
    )
