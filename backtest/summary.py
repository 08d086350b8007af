"""From what an arm served and started to its result: quality, cost, harm, and runs that were false or missed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pandas as pd

from ..data.metrics.metrics import Metric, Outcomes, join
from ..data.window import EVERY_ROW
from ..loop.context import ModelContext
from ..loop.observe.composite import Served, composite
from ..loop.plan import Plan
from ..models.families.choose import learner_for
from ..models.ladder.run import Stopwatch
from ..models.learning.trained import Trained
from ..spec.errors import RatoonError
from ..spec.model import Spec
from ..spec.values import Action, Decision, Span, Verdict
from .hindsight import Hindsight
from .results import BACKGROUND, ArmResult, Cpu, Kind, Step

_TRIED = 20_000  # rows that a trial in hindsight learns at most


Tell = Callable[[int, int], None]  # steps done, steps in all


@dataclass
class Run:
    """What one look started: its outcome, its cost, and the version that came of it.

    *cpu_seconds* are of learning, *judging* of the gate. *refused*: what the gate did not let pass, where it was kept.
    """

    outcome: str
    cpu_seconds: float = 0.0
    rows: int = 0
    candidate: Trained | None = None
    judging: float = 0.0
    refused: Trained | None = None


@dataclass(frozen=True)
class ArmEvaluation:
    """One look of an arm: what it did, under which champion, what it started, and all that it cost."""

    action: Action
    champion: Trained
    verdict: Verdict | None = None
    reason: str = ""
    run: Run | None = None
    cpu: Cpu = field(default_factory=Cpu)


GATED: frozenset[Kind] = frozenset({"policy", "uniform", "other"})


@dataclass(frozen=True)
class Arm:
    """What an arm is called, and of which policy it is the uniform schedule, if it is one.

    Without *hindsight* no update is tried at the looks, and single stretches have neither intervals nor harm: what is
    left is enough to compare arms.
    """

    name: str
    kind: Kind
    of: str | None = None
    hindsight: bool = True


def summed_up(
    context: ModelContext,
    plan: Plan,
    arm: Arm,
    served: Sequence[Served],
    looks: Sequence[ArmEvaluation],
    decisions: tuple[Decision, ...] = (),
) -> ArmResult:
    """Judge every stretch by all labels that ever arrived."""
    judge = Hindsight(context)
    judged = [_step(judge, served, span, look, arm.hindsight) for span, look in _stretches(plan, served, looks)]
    steps = [step for step, _ in judged]
    parts = [outcomes for _, outcomes in judged if outcomes is not None]
    # A version that came of the last look never serves here
    tried = [look.run for look in looks[: len(plan.steps) - 1] if look.run is not None]
    runs = [run for run in tried if run.outcome != BACKGROUND]  # which nothing fired, though it counts as CPU
    return ArmResult(
        name=arm.name,
        kind=arm.kind,
        of=arm.of,
        policy=context.spec.policy_version if arm.kind == "policy" else "",
        quality=judge.quality(join(parts) if parts else None),
        runs=len(runs),
        registered=sum(run.candidate is not None for run in runs),
        promoted=len(served) - 1,
        rows_learned=sum(run.rows for run in runs),
        cpu=Cpu.sum(step.cpu for step in steps),
        money=_money(context.spec, steps, runs, judge.metric),
        harm_days=_harm_days(steps),
        days=plan.span.length / timedelta(days=1),
        false_runs=sum(step.ran and step.helps is False for step in steps),
        missed_runs=sum(not step.ran and step.helps is True for step in steps),
        hurt=_hurt(judge, served, plan) if arm.kind in GATED else None,
        verdicts=dict(Counter(look.verdict for look in looks if look.verdict)),
        steps=tuple(steps),
        decisions=decisions,
    )


def _stretches(
    plan: Plan, served: Sequence[Served], looks: Sequence[ArmEvaluation]
) -> list[tuple[Span, ArmEvaluation]]:
    """Each stretch of the plan with the look at its start; the first began with the first version's training."""
    start = ArmEvaluation("hold", served[0].trained, reason="The first version was trained.")
    return list(zip(plan.steps, [start, *looks], strict=False))


def _step(
    judge: Hindsight, served: Sequence[Served], span: Span, look: ArmEvaluation, hindsight: bool
) -> tuple[Step, Outcomes | None]:
    """One stretch as it is judged, and what was served on it."""
    rows = judge.rows(span)
    outcomes = composite(rows, served)
    first = served[0]
    tried = hindsight and span.start > first.since  # the first stretch follows no look
    step = Step(
        at=span.start,
        end=span.end,
        action=look.action,
        verdict=look.verdict,
        reason=look.reason,
        version=_serving(served, span),
        outcome=look.run.outcome if look.run else None,
        cpu=look.cpu,
        rows=len(rows),
        quality=judge.quality(outcomes, resamples=100 if hindsight else 0),
        harm=judge.harm(outcomes, span, first.trained) if hindsight else None,
        helps=_helped(judge, look, span, rows) if tried else None,
        refused_better=_refused_better(judge, look, span, rows) if tried else None,
    )
    return step, outcomes


def _harm_days(steps: Sequence[Step]) -> float:
    if all(step.harm is None for step in steps):
        return float("nan")
    return sum(((step.end - step.at) for step in steps if step.harm), timedelta(0)) / timedelta(days=1)


def _helped(judge: Hindsight, look: ArmEvaluation, span: Span, rows: pd.DataFrame) -> bool | None:
    """Whether learning at this look made, or would have made, the next stretch provably better."""
    if look.run is not None and look.run.outcome != BACKGROUND:
        return judge.better(look.run.candidate, look.champion, rows) if look.run.candidate else False
    # On the newest rows only where there are many: it is a trial, made at every look of every arm
    tried = warm_run(judge.context, look.champion, span.start, most=_TRIED).candidate
    return judge.better(tried, look.champion, rows) if tried is not None else None


def _refused_better(judge: Hindsight, look: ArmEvaluation, span: Span, rows: pd.DataFrame) -> bool | None:
    """Whether the update that the gate refused at this look would have made the next stretch provably better.

    Where the refused one was not kept, a plain warm start on the same rows stands for it.
    """
    if look.run is None or look.run.outcome != "refused":
        return None
    tried = look.run.refused or warm_run(judge.context, look.champion, span.start, most=_TRIED).candidate
    return judge.better(tried, look.champion, rows) if tried is not None else None


def _hurt(judge: Hindsight, served: Sequence[Served], plan: Plan) -> int:
    """How many promoted versions were provably worse, while they served, than the version that they replaced.

    By a paired interval each, widened so that all of them together hold at 95 % (Bonferroni).
    """
    ends = [*(each.since for each in served[1:]), plan.span.end]
    promoted = [n for n in range(1, len(served)) if ends[n] > served[n].since]
    found = 0
    for n in promoted:
        rows = judge.rows(Span(start=served[n].since, end=ends[n]))
        found += judge.worse(served[n].trained, served[n - 1].trained, rows, among=len(promoted)) is True
    return found


def warm_run(context: ModelContext, champion: Trained, now: datetime, most: int = EVERY_ROW) -> Run:
    """*champion* continued, without any gate, on the newest *most* rows that it has not learned by *now*."""
    rows = context.source.as_of(now).unlearned(champion.state.watermark).tail(most)
    if rows.empty:
        return Run("nothing_new")
    watch = Stopwatch(context.spec.learner.threads)
    try:
        with watch.running():
            candidate = learner_for(champion.estimator, context.spec).update(champion, rows, context.spec)
    except RatoonError:
        return Run("failed", watch.seconds, len(rows))
    return Run("registered", watch.seconds, len(rows), candidate)


def _serving(served: Sequence[Served], span: Span) -> str:
    return next(each.version for each in reversed(served) if each.since < span.end)


def _money(spec: Spec, steps: Sequence[Step], runs: Sequence[Run], metric: Metric) -> float | None:
    """All CPU time, the runs, and errors by the metric's distance from perfect."""
    if spec.costs is None:
        return None
    training = Cpu.sum(step.cpu for step in steps).total / 3600 * spec.costs.cpu_hour + len(runs) * spec.costs.run
    known = [step for step in steps if step.quality.value == step.quality.value]
    errors = sum(
        (1 - s.quality.value if metric.greater_is_better else s.quality.value) * s.rows * spec.costs.error
        for s in known
    )
    return training + errors
