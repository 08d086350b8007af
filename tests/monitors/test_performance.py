"""Performance on matured labels, against the accepted reference."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pytest

from ratoon.data.metrics.metrics import METRICS, Interval, Outcomes, interval
from ratoon.monitors.performance.performance import Performance, bounds, difference
from ratoon.spec.keys.watching import PerformanceSpec
from ratoon.spec.values import Span

SPAN = Span(start=datetime(2026, 1, 1), end=datetime(2026, 1, 8))


def regression(rows: int, error: float, seed: int = 0) -> Outcomes:
    rng = np.random.default_rng(seed)
    target = rng.normal(size=rows)
    return Outcomes(target, target + rng.normal(0, error, rows))


def binary(rows: int, skill: float, seed: int = 0) -> Outcomes:
    rng = np.random.default_rng(seed)
    target = rng.integers(0, 2, rows)
    score = np.clip(0.5 + skill * (target - 0.5) + rng.normal(0, 0.3, rows), 0, 1)
    return Outcomes(target, (score > 0.5).astype(int), score, (0, 1))


def accepted(metric: str, outcomes: Outcomes) -> Interval:
    return interval(METRICS[metric], outcomes, seed=1)


def by_metric(signals):
    return {s.metric: s for s in signals}


def test_a_worse_error_is_a_drop_as_a_share_of_the_reference():
    found = by_metric(
        Performance(PerformanceSpec(), "mae")(regression(2000, 2.0), accepted("mae", regression(2000, 1.0, 1)), SPAN)
    )

    assert found["drop"].status == "fail"
    assert found["drop"].value == pytest.approx(1.0, abs=0.2)
    assert found["drop"].low < found["drop"].value < found["drop"].high
    assert found["mae"].low < found["mae"].value < found["mae"].high


def test_a_worse_score_is_a_drop_in_its_own_unit():
    found = by_metric(
        Performance(PerformanceSpec(), "roc_auc")(binary(800, 0.1), accepted("roc_auc", binary(800, 0.6, 1)), SPAN)
    )

    assert found["drop"].status == "fail"
    assert found["drop"].value == pytest.approx(found["roc_auc"].reference - found["roc_auc"].value)


def test_equal_skill_seldom_fails():
    """The lower end of a 95 % interval is above zero in about 2.5 % of windows."""
    judge = Performance(PerformanceSpec(), "mae")
    reference = accepted("mae", regression(2000, 1.0, 999))

    fails = sum(by_metric(judge(regression(300, 1.0, s), reference, SPAN))["drop"].status == "fail" for s in range(40))

    assert fails <= 4


def test_a_drop_within_the_tolerance_is_no_harm():
    judge = Performance(PerformanceSpec(tolerance=1.5), "mae")

    found = by_metric(judge(regression(500, 2.0), accepted("mae", regression(500, 1.0, 1)), SPAN))

    assert found["drop"].status == "ok"


@pytest.mark.parametrize(
    ("outcomes", "coverage", "reason"),
    [
        (None, 1.0, "0 matured labels"),
        (regression(99, 1.0), 1.0, "99 matured labels; at least 100"),
        (regression(500, 1.0), 0.5, "50% of the labels have arrived; 95% are needed"),
    ],
)
def test_immature_windows_are_unknown(outcomes, coverage, reason):
    signals = Performance(PerformanceSpec(), "mae")(
        outcomes, accepted("mae", regression(500, 1.0)), SPAN, coverage=coverage
    )

    assert [(s.metric, s.status) for s in signals] == [("mae", "unknown"), ("drop", "unknown")]
    assert reason in signals[0].note


def test_one_class_only_is_unknown():
    one = binary(500, 0.5)
    one = Outcomes(np.ones(500, dtype=int), one.prediction, one.score, one.classes)

    signals = Performance(PerformanceSpec(), "roc_auc")(one, accepted("roc_auc", binary(500, 0.5)), SPAN)

    assert {s.status for s in signals} == {"unknown"}
    assert "undefined" in signals[0].note


def test_without_an_accepted_reference_the_metric_is_known_and_the_drop_is_not():
    found = by_metric(Performance(PerformanceSpec(), "mae")(regression(500, 1.0), None, SPAN))

    assert (found["mae"].status, found["drop"].status) == ("ok", "unknown")


def test_the_interval_of_many_rows_is_scaled_from_a_part_of_them():
    outcomes = binary(8_000, 0.3)

    part, whole = bounds(METRICS["roc_auc"], outcomes), interval(METRICS["roc_auc"], outcomes, resamples=100)

    assert part.value == whole.value
    assert part.high - part.low == pytest.approx(whole.high - whole.low, rel=0.35)


def test_the_difference_covers_the_truth_as_often_as_it_says():
    covered = 0
    for seed in range(60):
        now, before = (interval(METRICS["mae"], regression(200, 1.0, 2 * seed + i), resamples=200) for i in (0, 1))
        loss = difference(METRICS["mae"], now, before)
        covered += loss.low <= 0 <= loss.high

    assert covered >= 52


def test_an_accepted_value_without_bounds_counts_as_exact():
    loss = difference(METRICS["accuracy"], Interval(0.8, 0.7, 0.88, 50), Interval(0.9, np.nan, np.nan, 0))

    assert (loss.value, loss.low, loss.high) == pytest.approx((0.1, 0.02, 0.2))


def test_a_metric_of_probabilities_is_unknown_where_only_classes_were_served():
    served = binary(500, 0.5)
    served = Outcomes(served.target, served.prediction, None, served.classes)

    signals = Performance(PerformanceSpec(), "roc_auc")(served, accepted("roc_auc", binary(500, 0.5)), SPAN)

    assert {s.status for s in signals} == {"unknown"}
    assert "needs probabilities" in signals[0].note
