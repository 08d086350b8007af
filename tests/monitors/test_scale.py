"""Harm where the labels' scale moves: what grows with them is no loss, and a fall in skill is one."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from ratoon.data.metrics.metrics import METRICS, Interval, Outcomes, interval
from ratoon.data.metrics.skill import constant_error, relative_error, stretches_of
from ratoon.monitors.performance.performance import Accepted, Performance
from ratoon.spec.keys.watching import PerformanceSpec
from ratoon.spec.values import Span

START = datetime(2026, 1, 1)
A_DAY = 96
WEEKS = 40


def growing(error: float = 0.3, *, falls: int | None = None, seed: int = 0) -> tuple[np.ndarray, Outcomes]:
    """Labels whose amplitude doubles, said with a constant relative error; from *falls* on with three times it."""
    rng = np.random.default_rng(seed)
    rows = WEEKS * 7 * A_DAY
    week = np.arange(rows) // (7 * A_DAY)
    amplitude = 10 * 2 ** (np.arange(rows) / rows)
    signal = amplitude * rng.normal(size=rows)
    wrong = amplitude * error * rng.normal(size=rows)
    if falls is not None:
        wrong *= np.where(week >= falls, 3, 1)
    return week, Outcomes(signal, signal + wrong)


def accepted_on(metric: str, outcomes: Outcomes, ratio: bool = True) -> Accepted:
    found = interval(METRICS[metric], outcomes, seed=1)
    share = relative_error(metric, outcomes, np.arange(len(outcomes)) // (7 * A_DAY), seed=1) if ratio else None
    return Accepted(found.value, found.low, found.high, found.rows, share)


def fails(metric: str, week: np.ndarray, outcomes: Outcomes, accepted: Accepted) -> list[int]:
    judge, span = Performance(PerformanceSpec(), metric), Span(start=START, end=START + timedelta(days=7))
    found = []
    for n in range(5, WEEKS):
        drop = judge(outcomes.take(np.flatnonzero(week == n)), accepted, span)[1]
        assert drop.metric == "drop"
        if drop.status == "fail":
            found.append(n)
    return found


@pytest.mark.parametrize("metric", ["mae", "rmse"])
def test_a_stream_that_grows_is_not_in_harm_for_ever(metric):
    week, outcomes = growing()
    early = outcomes.take(np.flatnonzero(week < 5))

    absolute = fails(metric, week, outcomes, accepted_on(metric, early, ratio=False))
    by_skill = fails(metric, week, outcomes, accepted_on(metric, early))

    assert len(absolute) > 25  # as it was before: an old state, which holds no ratio, goes on so
    assert len(by_skill) <= 2


@pytest.mark.parametrize("metric", ["mae", "rmse"])
def test_a_fall_in_skill_on_a_stream_that_grows_is_harm(metric):
    week, outcomes = growing(falls=25)
    early = outcomes.take(np.flatnonzero(week < 5))

    found = fails(metric, week, outcomes, accepted_on(metric, early))

    assert set(range(25, WEEKS)) <= set(found)
    assert len([n for n in found if n < 25]) <= 2


def test_the_reference_is_what_the_accepted_skill_gives_at_this_scale():
    """Prices of a loss stay right: the drop is a share of that reference."""
    week, outcomes = growing(falls=25)
    early, late = (outcomes.take(np.flatnonzero(week == n)) for n in (2, 35))
    accepted = accepted_on("mae", early)

    level, drop = Performance(PerformanceSpec(), "mae")(late, accepted, Span(start=START, end=START))

    assert level.reference == pytest.approx(accepted.ratio.value * constant_error("mae", late.target))
    assert drop.reference == level.reference
    assert drop.value == pytest.approx(level.value / level.reference - 1)
    assert drop.low < drop.value < drop.high


def test_metrics_without_a_scale_are_as_they_were():
    rng = np.random.default_rng(0)
    target = rng.integers(0, 2, 800)
    score = np.clip(0.5 + 0.4 * (target - 0.5) + rng.normal(0, 0.3, 800), 0, 1)
    outcomes = Outcomes(target, (score > 0.5).astype(int), score, (0, 1))
    found = interval(METRICS["accuracy"], outcomes)

    level, _ = Performance(PerformanceSpec(), "accuracy")(
        outcomes, Accepted(0.7, 0.65, 0.75, 500, Interval(0.1, 0.1, 0.1, 500)), Span(start=START, end=START)
    )

    assert (level.value, level.reference) == (found.value, 0.7)


def test_the_constant_is_that_of_each_window_so_that_a_trend_does_not_flatter():
    times = pd.Series(pd.date_range(START, periods=4000, freq="h"))
    rng = np.random.default_rng(0)
    trend = np.linspace(0, 1000, 4000) + rng.normal(0, 5, 4000)
    outcomes = Outcomes(trend, trend + rng.normal(0, 5, 4000))
    weeks = stretches_of(times, timedelta(days=7))

    assert relative_error("mae", outcomes).value < 0.05
    assert relative_error("mae", outcomes, weeks).value > 0.3
    assert len(np.unique(weeks)) == 24


def test_stretches_with_few_rows_are_joined():
    times = pd.Series(pd.date_range(START, periods=100, freq="D"))

    by_time, by_rows = stretches_of(times, timedelta(days=7)), stretches_of(times, 50, 0.5)

    assert np.bincount(by_time).min() >= 20
    assert np.bincount(by_rows).tolist() == [25, 25, 25, 25]
    assert relative_error("mae", Outcomes(np.ones(50), np.zeros(50))) is None
