"""The arms that ask nobody: never, on a schedule from scratch, on a schedule warm; and the oracle, which knows all.

The oracle takes at each look the best of keep, warm and both from scratch, by the labels of the stretch that
follows; its cost is that of what it chose. The scratch arms do as a cron job does: they keep no holdout, so that
they learn more rows than Ratoon may, have no gate, and serve at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd

from ..loop.context import ModelContext, simulated
from ..loop.learn.first import first_version
from ..loop.observe.composite import Served
from ..loop.plan import Plan
from ..models.learning.trained import Trained
from ..spec.model import Spec
from ..spec.values import Span
from .cpu_clock import Spent
from .fits import Fits
from .hindsight import Hindsight
from .results import ArmResult, Cpu, Kind
from .summary import Arm, ArmEvaluation, Run, Tell, summed_up, warm_run

NAMES: dict[Kind, str] = {
    "never": "never",
    "warm": "schedule, warm",
    "scratch_sliding": "schedule, scratch, sliding",
    "scratch_all": "schedule, scratch, all history",
    "oracle": "oracle",
}


def on_schedule(plan: Plan, every: timedelta | None) -> tuple[datetime, ...]:
    """The looks at which a schedule retrains: each, or the first at or after each multiple of *every*."""
    if every is None:
        return plan.moments
    due, chosen = plan.start + every, []
    for now in plan.moments:
        if now >= due:
            chosen.append(now)
            while due <= now:
                due += every
    return tuple(chosen)


def run_alone(spec: Spec, plan: Plan, kind: Kind, folder: Path, tell: Tell, *, hindsight: bool = True) -> ArmResult:
    """The arm of *kind*: never, warm, scratch_sliding, scratch_all or oracle. *folder* keeps the fits they share."""
    with simulated(spec) as context:
        began = context.registry.load(first_version(context, plan.start).number)
        whole = context.source.extent()
        stretch = plan.start - whole.start if whole is not None else plan.span.length
        arm = _Alone(context, plan, began, Fits(context, stretch, folder, began), tell)
        looks, served = [], [Served(plan.start, "1", began)]
        for now, look in _looks(arm, kind):
            looks.append(look)
            if look.run is not None and look.run.candidate is not None:
                served.append(Served(now, str(len(served) + 1), look.run.candidate))
        named = Arm(NAMES[kind], kind, hindsight=hindsight and kind in ("never", "warm"))
        result = summed_up(context, plan, named, served, looks)
        tell(len(plan.moments) + 1, len(plan.moments) + 1)
        return result


@dataclass(frozen=True)
class _Alone:
    context: ModelContext
    plan: Plan
    began: Trained
    fits: Fits
    tell: Tell


def _looks(arm: _Alone, kind: Kind) -> Iterator[tuple[datetime, ArmEvaluation]]:
    """Each look with what it started; a version serves from the look that trained it."""
    due = on_schedule(arm.plan, arm.context.spec.backtest.schedule)
    judge = Hindsight(arm.context) if kind == "oracle" else None
    champion = arm.began
    ends = (*arm.plan.moments[1:], None)
    for number, (now, end) in enumerate(zip(arm.plan.moments, ends, strict=True), start=1):
        made: _Made | None = None
        if judge is not None:
            made = _best(judge, champion, _options(arm, champion, now), Span(start=now, end=end)) if end else None
        elif kind != "never" and now in due:
            made = _warm(arm, champion, now) if kind == "warm" else _fitted(arm.fits, now, kind)
        run, cpu = made or (None, Cpu())
        yield (
            now,
            ArmEvaluation(
                action="hold" if run is None else "warm_start",
                champion=champion,
                reason=f"{NAMES[kind]}: {'it is time.' if run is not None else 'not now.'}",
                run=run,
                cpu=cpu,
            ),
        )
        if run is not None and run.candidate is not None:
            champion = run.candidate
        arm.tell(number, len(arm.plan.moments) + 1)


_Made = tuple[Run, Cpu]  # what a look started, and all that the look cost


def _options(arm: _Alone, champion: Trained, now: datetime) -> list[_Made]:
    """What the oracle chooses from beside keeping the champion."""
    return [
        _warm(arm, champion, now),
        _fitted(arm.fits, now, "scratch_sliding"),
        _fitted(arm.fits, now, "scratch_all"),
    ]


def _warm(arm: _Alone, champion: Trained, now: datetime) -> _Made:
    spent = Spent()
    with spent.counting():
        run = warm_run(arm.context, champion, now)
    spent.learning = run.cpu_seconds
    return run, spent.cpu


def _fitted(fits: Fits, now: datetime, kind: Kind) -> _Made:
    fit = fits(now, sliding=kind == "scratch_sliding")
    if fit is None:
        return Run("failed"), Cpu()
    trained, rows, cpu = fit
    return Run("registered", cpu.learning, rows, trained), cpu


def _best(judge: Hindsight, champion: Trained, options: Sequence[_Made], span: Span) -> _Made | None:
    """The best for the stretch that follows, by its labels; None to keep *champion*.

    Greedy: best for each stretch, which need not be the best sequence.
    """
    rows = judge.rows(span)
    if rows.empty:
        return None
    best: _Made | None = None
    best_value = _value(judge, champion, rows)
    for option in options:
        candidate = option[0].candidate
        if candidate is None:
            continue
        value = _value(judge, candidate, rows)
        if value == value and (best_value != best_value or judge.metric.gain(value, best_value) > 0):
            best, best_value = option, value
    return best


def _value(judge: Hindsight, trained: Trained, rows: pd.DataFrame) -> float:
    said = trained.try_predict(rows)
    return judge.metric(said) if said is not None else float("nan")
