"""Arms against each other, stretch by stretch, and the best fixed strategy in hindsight."""

from __future__ import annotations

import math

import numpy as np
import pytest
from arms import arm, quality, seven, step, steps_of

from ratoon.backtest.compared import Difference, best_fixed, compared

NOISE = np.random.default_rng(0).normal(0, 0.01, 30)
NOTHING = quality(float("nan"), rows=0)


def of(*values: float) -> Difference:
    return compared(
        True, arm("a", "policy", steps=steps_of(values)), arm("b", "warm", steps=steps_of([0.7] * len(values)))
    )


@pytest.mark.parametrize(("gain", "verdict"), [(0.02, "beats"), (-0.02, "loses_to"), (0.0, "cannot_tell")])
def test_the_interval_over_stretches_says_which_arm_is_better(gain: float, verdict: str) -> None:
    found = of(*(0.7 + gain + NOISE - NOISE.mean()))
    assert found.verdict == verdict
    assert found.low <= found.value <= found.high
    assert found.value == pytest.approx(gain)


def test_for_errors_less_is_better() -> None:
    low, high = arm("a", "policy", steps=steps_of([0.1] * 8)), arm("b", "warm", steps=steps_of([0.2] * 8))
    assert compared(False, low, high).verdict == "beats"
    assert compared(True, low, high).verdict == "loses_to"


def test_a_stretch_counts_by_its_rows() -> None:
    steps = (step(0, 0.8, rows=900), step(1, 0.6, rows=100))
    found = compared(True, arm("a", "policy", steps=steps), arm("b", "warm", steps=steps_of([0.7, 0.7])))
    assert found.value == pytest.approx(0.1 * 0.9 - 0.1 * 0.1)


def test_a_few_stretches_prove_nothing() -> None:
    """Even if all of them say the same."""
    assert of(*[0.9] * 5).verdict == "cannot_tell"
    assert of(*[0.9] * 6).verdict == "beats"


def test_stretches_without_a_quality_are_left_out() -> None:
    blind = tuple(step(n, quality=NOTHING) for n in range(8))
    found = compared(True, arm("a", "policy", steps=blind), arm("b", "warm", steps=steps_of([0.7] * 8)))
    assert (found.stretches, found.verdict) == (0, "cannot_tell")
    assert math.isnan(found.value)


def test_the_best_fixed_strategy_is_the_best_by_its_quality_and_no_policy() -> None:
    best = best_fixed(seven(), greater_is_better=True)
    assert best is not None and best.kind == "warm"
    worst = best_fixed(seven(), greater_is_better=False)
    assert worst is not None and worst.kind == "never"


def test_of_equal_fixed_strategies_the_cheapest_is_the_best() -> None:
    arms = (arm("s", "scratch_all"), arm("w", "warm"), arm("n", "never"))
    best = best_fixed(arms, greater_is_better=True)
    assert best is not None and best.name == "n"
    assert best_fixed((arm("p", "policy"),), greater_is_better=True) is None
