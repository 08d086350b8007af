"""What holds for any rows and any two models."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

QUICK = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
METRICS = st.sampled_from(["mae", "rmse", "accuracy", "roc_auc", "log_loss", "brier", "f1", "balanced_accuracy"])
CLASSES = (0, 1)


def world(metric: str, seed: int, n: int) -> tuple[Any, Any, Any]:
    """Labels, what a middling model says of them, and the classes."""
    rng = np.random.default_rng(seed)
    if metric in ("mae", "rmse"):
        target = rng.normal(size=n) * 10 ** rng.uniform(-3, 6)
        return target, target + rng.standard_t(3, size=n) * np.std(target), ()
    target = rng.permutation(np.arange(n) % 3 == 0).astype(int)
    return target, np.clip(0.5 + 0.2 * (target - 0.5) + rng.normal(scale=0.2, size=n), 0.01, 0.99), CLASSES


@QUICK
@given(METRICS, st.integers(0, 10**6), st.integers(30, 120))
def test_the_champion_again_is_never_better_and_never_worse(
    verdict: Any, holdout: Any, metric: str, seed: int, n: int
) -> None:
    target, said, classes = world(metric, seed, n)
    better = verdict(metric, holdout(target), said, said, classes)
    margin = verdict(metric, holdout(target), said, said, classes, recent={"margin": 0})
    assert (better.passed, margin.passed) == (False, True)


@QUICK
@given(METRICS, st.integers(0, 10**6), st.integers(30, 120))
def test_a_candidate_that_is_better_on_every_row_passes(
    verdict: Any, holdout: Any, metric: str, seed: int, n: int
) -> None:
    target, said, classes = world(metric, seed, n)
    wrong = 0.8 - 0.6 * target if classes else said
    right = 0.2 + 0.6 * target if classes else target + 0.5 * (said - target)
    assert verdict(metric, holdout(target), wrong, right, classes).passed
    assert verdict(metric, holdout(target), wrong, right, classes, tries=5).passed
    assert not verdict(metric, holdout(target), right, wrong, classes, recent={"margin": 0}).passed


@QUICK
@given(METRICS, st.integers(0, 10**6), st.integers(0, 400))
def test_rows_on_which_both_say_the_same_prove_nothing(
    verdict: Any, holdout: Any, metric: str, seed: int, more: int
) -> None:
    """A candidate that is level stays refused, however many such rows are added."""
    target, said, classes = world(metric, seed, 40 + more)
    after = said.copy()
    after[:40] = after[:40][::-1] if not classes else said[:40]
    if not classes:  # errors of the same size, moved to other rows: no gain
        after[:40] = target[:40] - (said[:40] - target[:40])
    assert not verdict(metric, holdout(target), said, after, classes).passed


@QUICK
@given(st.sampled_from(["mae", "accuracy", "roc_auc", "log_loss"]), st.integers(0, 10**6), st.integers(0, 10**6))
def test_the_order_of_rows_changes_no_digit(verdict: Any, holdout: Any, metric: str, seed: int, order: int) -> None:
    target, before, classes = world(metric, seed, 60)
    _, after, _ = world(metric, seed, 60)
    after = after * 0.9 if not classes else 1 - before
    rows = holdout(target)
    shuffled = rows.iloc[np.random.default_rng(order).permutation(60)]
    assert verdict(metric, rows, before, after, classes) == verdict(metric, shuffled, before, after, classes)


@QUICK
@given(METRICS, st.integers(0, 10**6), st.integers(2, 10))
def test_a_further_try_is_never_judged_more_mildly(
    verdict: Any, holdout: Any, metric: str, seed: int, tries: int
) -> None:
    target, before, classes = world(metric, seed, 60)
    _, other, _ = world(metric, seed + 1, 60)
    after = np.where(np.arange(60) % 2, before, other) if classes else target + 0.8 * (other - np.mean(other))
    once = verdict(metric, holdout(target), before, after, classes)
    again = verdict(metric, holdout(target), before, after, classes, tries=tries)
    assert again.level > once.level
    assert once.passed or not again.passed


@pytest.mark.parametrize("metric", ["accuracy", "mae", "roc_auc"])
def test_two_models_as_good_as_each_other_seldom_pass_for_better(metric: str) -> None:
    """At most about one of forty, on thirty rows: the promise of a 95 % interval."""
    from types import SimpleNamespace

    from ratoon.data.metrics.metrics import METRICS as KNOWN
    from ratoon.data.metrics.metrics import Outcomes
    from ratoon.models.gate.bench import Bench
    from ratoon.models.gate.pair import Pair
    from ratoon.models.gate.strata import judge_stratum
    from ratoon.spec.keys.gate import GateSpec

    rng, passed, sims = np.random.default_rng(7), 0, 120
    task: Any = SimpleNamespace(state=SimpleNamespace(task="regression" if metric == "mae" else "binary"))
    for seed in range(sims):
        target = rng.integers(0, 2, 30)
        if metric == "mae":
            both = [Outcomes(np.zeros(30), rng.standard_t(3, size=30)) for _ in "ab"]
        else:
            said = [target + rng.normal(size=30) for _ in "ab"]
            both = [Outcomes(target, (each > 0.5).astype(int), each, CLASSES) for each in said]
        bench = Bench(GateSpec(resamples=400), KNOWN[metric], task, task, seed)
        passed += judge_stratum(bench, "recent", "better", 30, Pair(*both), 30).passed
    assert passed <= 8  # 2.5 % of 120 are three; nine or more come by chance once in 250 runs
