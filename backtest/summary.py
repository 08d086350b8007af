"""From what an arm served and started to its result: quality, cost, harm, and runs that were false or missed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import pandas as pd

from ..data.metrics import Metric, Outcomes, join
from ..loop.care import Care
from ..loop.plan import Plan
from ..models.learner import learner_for
from ..models.trained import Trained
from ..spec.errors import RatoonError
from ..spec.model import Spec
from ..spec.values import Action, Decision, Span, Verdict
from .results import ArmResult, Kind, Step
from .served import Hindsight, Served

_TRIED = 20_000  # rows that a trial in hindsight learns at most


@dataclass
class Run:
    """What one look started: its outcome, its cost, and the version that came of it."""

    outcome: str
    cpu_seconds: float = 0.0
    rows: int = 0
    candidate: Trained | None = None


@dataclass(frozen=True)
class Looked:
    """One look of an arm: what it did, under which champion, and what it started."""

    action: Action
    champion: Trained
    verdict: Verdict | None = None
    reason: str = ""
    run: Run | None = None


def summed_up(
    care: Care,
    plan: Plan,
    name: str,
    kind: Kind,
    served: Sequence[Served],
    looks: Sequence[Looked],
    *,
    promoted: int,
    of: str | None = None,
    hindsight: bool = True,
    decisions: tuple[Decision, ...] = (),
) -> ArmResult:
    """Judge every stretch by all labels that ever arrived. Without *hindsight* no update is tried at the looks."""
    judge = Hindsight(care)
    first = served[0].trained
    steps: list[Step] = []
    parts: list[Outcomes] = []
    start = Looked("hold", first, reason="The first version was trained.")
    for index, (span, look) in enumerate(zip(plan.steps, [start, *looks], strict=False)):
        rows = judge.rows(span)
        outcomes = judge.outcomes(rows, served)
        if outcomes is not None:
            parts.append(outcomes)
        steps.append(
            Step(
                at=span.start,
                end=span.end,
                action=look.action,
                verdict=look.verdict,
                reason=look.reason,
                version=_serving(served, span),
                outcome=look.run.outcome if look.run else None,
                cpu_seconds=look.run.cpu_seconds if look.run else 0.0,
                rows=len(rows),
                quality=judge.quality(outcomes, resamples=100),
                harm=judge.harm(outcomes, span, first),
                helps=_helped(judge, look, span, rows) if hindsight and index else None,
            )
        )
    # A version that came of the last look never serves here
    runs = [look.run for look in looks[: len(plan.steps) - 1] if look.run is not None]
    return ArmResult(
        name=name,
        kind=kind,
        of=of,
        policy=care.spec.policy_version if kind == "policy" else "",
        quality=judge.quality(join(parts) if parts else None),
        runs=len(runs),
        registered=sum(run.candidate is not None for run in runs),
        promoted=promoted,
        rows_learned=sum(run.rows for run in runs),
        cpu_seconds=sum(run.cpu_seconds for run in runs),
        money=_money(care.spec, steps, runs, judge.metric),
        harm_days=sum(((s.end - s.at) for s in steps if s.harm), timedelta(0)) / timedelta(days=1),
        days=plan.span.length / timedelta(days=1),
        false_runs=sum(step.ran and step.helps is False for step in steps),
        missed_runs=sum(not step.ran and step.helps is True for step in steps),
        verdicts=dict(Counter(look.verdict for look in looks if look.verdict)),
        steps=tuple(steps),
        decisions=decisions,
    )


def _helped(judge: Hindsight, look: Looked, span: Span, rows: pd.DataFrame) -> bool | None:
    """Whether learning at this look made, or would have made, the next stretch provably better."""
    if look.run is not None:
        return judge.better(look.run.candidate, look.champion, rows) if look.run.candidate else False
    tried = warm_update(judge.care, look.champion, span)
    return judge.better(tried, look.champion, rows) if tried is not None else None


def warm_update(care: Care, champion: Trained, span: Span) -> Trained | None:
    """*champion* continued on what was known at the start of *span*; None where it cannot continue.

    On the newest 20,000 rows where there are more: it is a trial, made at every look of every arm.
    """
    unlearned = care.source.as_of(span.start).unlearned(champion.state.watermark).tail(_TRIED)
    if unlearned.empty:
        return None
    try:
        return learner_for(champion.estimator, care.spec).update(champion, unlearned, care.spec)
    except RatoonError:
        return None


def _serving(served: Sequence[Served], span: Span) -> str:
    return next(each.version for each in reversed(served) if each.since < span.end)


def _money(spec: Spec, steps: Sequence[Step], runs: Sequence[Run], metric: Metric) -> float | None:
    """Training by its CPU time and number of runs, and errors by the metric's distance from perfect."""
    if spec.costs is None:
        return None
    training = sum(run.cpu_seconds for run in runs) / 3600 * spec.costs.cpu_hour + len(runs) * spec.costs.run
    known = [step for step in steps if step.quality.value == step.quality.value]
    errors = sum(
        (1 - s.quality.value if metric.greater_is_better else s.quality.value) * s.rows * spec.costs.error
        for s in known
    )
    return training + errors
