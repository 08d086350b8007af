"""Results of backtests that nobody ran, with the figures a test asks for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from ratoon.backtest.results import ArmResult, Backtest, Cpu, Kind, Quality, Step

START = datetime(2024, 1, 8)
WEEK = timedelta(days=7)


def quality(value: float, width: float = 0.005, rows: int = 1100) -> Quality:
    return Quality(value=value, low=value - width, high=value + width, rows=rows)


def step(number: int, value: float = 0.75, **changed: Any) -> Step:
    at = START + number * WEEK
    base = Step(
        at=at, end=at + WEEK, action="hold", verdict="healthy", reason="No rule matched.", version="1",
        rows=1100, quality=quality(value), harm=False, helps=None if number == 0 else False,
    )  # fmt: skip
    return base.model_copy(update=changed)


def arm(
    name: str, kind: Kind, value: float = 0.75, runs: int = 4, cpu: float = 3.0, *, beside: float = 0.0, **changed: Any
) -> ArmResult:
    """*cpu* seconds of learning, *beside* of judging and as many of looking."""
    base = ArmResult(
        name=name, kind=kind, quality=quality(value), runs=runs, registered=runs, promoted=runs, rows_learned=900,
        cpu=Cpu(learning=cpu, judging=beside, looking=beside), harm_days=7.0, days=42.0, false_runs=1, missed_runs=2,
        verdicts={"healthy": 5}, steps=tuple(step(n, value) for n in range(6)),
    )  # fmt: skip
    return base.model_copy(update=changed)


def steps_of(values: Sequence[float], **changed: Any) -> tuple[Step, ...]:
    """A step for each of *values*."""
    return tuple(step(n, value, **changed) for n, value in enumerate(values))


def backtest(*arms: ArmResult, **changed: Any) -> Backtest:
    base = Backtest(
        model="churn", spec="/home/me/churn.yaml", metric="roc_auc", greater_is_better=True, currency=None,
        start=START, end=START + 6 * WEEK, looks=5, training_seconds=600, review_seconds=86400, arms=arms or seven(),
    )  # fmt: skip
    return base.model_copy(update=changed)


def seven() -> tuple[ArmResult, ...]:
    return (
        arm("policy", "policy", 0.754, 9, 3.1, beside=1.0),
        arm("uniform, as many as policy", "uniform", 0.75, 9, 3.3, beside=1.1, of="policy"),
        arm("never", "never", 0.7, 0, 0.0),
        arm("schedule, warm", "warm", 0.751, 40, 12.0),
        arm("schedule, scratch, sliding", "scratch_sliding", 0.748, 40, 61.0),
        arm("schedule, scratch, all history", "scratch_all", 0.745, 40, 148.0),
        arm("oracle", "oracle", 0.77, 22, 31.0),
    )
