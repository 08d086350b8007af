"""The estimate without labels: it is right under covariate shift, silent or unknown where it cannot know."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

import numpy as np
import pytest
from sensor_stream import pair, spec

from ratoon.data.metrics.metrics import METRICS, Interval, Outcomes, interval
from ratoon.monitors.observe import Labels, observe
from ratoon.monitors.performance.confidence import calibration_error, estimated
from ratoon.monitors.performance.estimate import Estimate
from ratoon.spec.keys.watching import PerformanceSpec
from ratoon.spec.model import Spec
from ratoon.spec.values import Span

SPAN = Span(start=datetime(2026, 1, 1), end=datetime(2026, 1, 8))
BINARY = ("roc_auc", "accuracy", "balanced_accuracy", "f1", "log_loss", "brier")


def binary(rows: int, *, seed: int, shift: float = 0.0, sharp: float = 1.0, labelled: bool = True) -> Outcomes:
    """Labels drawn from logistic(2x), x ~ N(shift, 1); the champion says logistic(2x · sharp)."""
    rng = np.random.default_rng(seed)
    x = rng.normal(shift, 1, rows)
    target = (rng.uniform(size=rows) < 1 / (1 + np.exp(-2 * x))).astype(float)
    score = 1 / (1 + np.exp(-2 * x * sharp))
    return Outcomes(target if labelled else np.full(rows, np.nan), (score >= 0.5).astype(float), score, (0.0, 1.0))


def multiclass(rows: int, *, seed: int, noise: float) -> Outcomes:
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, noise, (rows, 3))
    score = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    target = (rng.uniform(size=(rows, 1)) < score.cumsum(axis=1)).argmax(axis=1)
    return Outcomes(target, score.argmax(axis=1), score, (0, 1, 2))


@pytest.mark.parametrize("metric", BINARY)
@pytest.mark.parametrize("sharp", [1.0, 2.5])
def test_under_covariate_shift_the_estimate_holds_the_truth(metric, sharp):
    """Also for an overconfident champion: calibration takes that out."""
    held = 0
    for seed in range(8):
        now = binary(2000, seed=seed, shift=0.7, sharp=sharp)
        found = estimated(metric, now, binary(3000, seed=100 + seed, sharp=sharp), seed=seed)
        truth = METRICS[metric](now)
        error = interval(METRICS[metric], now, resamples=100, seed=seed)
        held += found.low - (truth - error.low) <= truth <= found.high + (error.high - truth)

    assert held >= 7


@pytest.mark.parametrize("metric", ["accuracy", "log_loss"])
def test_multiclass_is_estimated_by_the_confidence_in_the_prediction(metric):
    now = multiclass(4000, seed=1, noise=1.0)

    found = estimated(metric, now, multiclass(4000, seed=2, noise=2.0))

    assert found.value == pytest.approx(METRICS[metric](now), rel=0.06)


def test_a_window_of_harder_rows_is_an_estimated_drop_and_says_that_it_is_an_estimate():
    calibration = binary(3000, seed=0)
    rng = np.random.default_rng(1)
    x = rng.normal(0, 0.2, 1500)
    score = 1 / (1 + np.exp(-2 * x))
    hard = Outcomes(np.full(1500, np.nan), (score >= 0.5).astype(float), score, (0.0, 1.0))

    signals = Estimate(PerformanceSpec(), "binary", "roc_auc")(
        hard, calibration, interval(METRICS["roc_auc"], calibration), SPAN
    )

    assert [(s.monitor, s.metric, s.status) for s in signals] == [
        ("estimate", "roc_auc", "ok"),
        ("estimate", "estimated_drop", "fail"),
    ]
    assert all(s.note.startswith("estimate, without labels: ") for s in signals)


def test_like_rows_seldom_look_like_a_drop():
    calibration = binary(3000, seed=0)
    accepted = interval(METRICS["roc_auc"], binary(3000, seed=1))
    judge = Estimate(PerformanceSpec(), "binary", "roc_auc")

    drops = [judge(binary(800, seed=s, labelled=False), calibration, accepted, SPAN)[1].status for s in range(20)]

    assert drops.count("fail") <= 1


@pytest.mark.parametrize(
    ("task", "metric", "scored", "calibration", "reason"),
    [
        ("binary", "roc_auc", binary(50, seed=0), binary(3000, seed=1), "50 rows with probabilities"),
        ("binary", "roc_auc", binary(500, seed=0), binary(100, seed=1), "100 labelled rows"),
        ("binary", "roc_auc", binary(500, seed=0), None, "0 labelled rows"),
        ("binary", "roc_auc", None, binary(3000, seed=1), "0 rows with probabilities"),
        ("binary", "roc_auc", binary(500, seed=0), binary(3000, seed=1, shift=-4.0), "of the rarer class"),
        ("multiclass", "f1", multiclass(500, seed=0, noise=1), multiclass(500, seed=1, noise=1), "f1 of a multiclass"),
    ],
)
def test_what_cannot_be_known_is_unknown_with_its_reason(task, metric, scored, calibration, reason):
    signals = Estimate(PerformanceSpec(), task, metric)(scored, calibration, Interval(0.8, 0.7, 0.9, 500), SPAN)

    assert {s.status for s in signals} == {"unknown"}
    assert all(reason in s.note and s.note.startswith("estimate, without labels: ") for s in signals)


def test_probabilities_that_calibration_cannot_mend_are_poor():
    """Half way through, the scores turn round: no one curve fits both halves."""
    good, bad = binary(2000, seed=0), binary(2000, seed=1)
    spoiled = Outcomes(
        np.where(np.arange(2000) % 2 == 1, 1 - good.target, good.target), good.prediction, good.score, good.classes
    )

    assert calibration_error(bad) < 0.03
    assert calibration_error(spoiled) > 0.05


def seen(estimate: str, behind: timedelta, scored: Outcomes | None):
    reference, current = pair()
    written = spec().model_dump(mode="json", exclude={"monitors", "task"})
    performance = {"estimate": estimate, "metric": "roc_auc"}
    settings = Spec.model_validate({**written, "task": "binary", "monitors": {"performance": performance}})
    span = Span(start=current.span.start - behind, end=current.span.end - behind)
    calibration = binary(2000, seed=3)
    return observe(
        settings,
        reference=reference,
        current=current,
        labels=Labels(
            outcomes=binary(336, seed=0),
            accepted=interval(METRICS["roc_auc"], calibration),
            performance_span=span,
            coverage=1.0,
            scored=scored,
            calibration=calibration,
        ),
        pages=False,
    ).signals


def test_an_estimate_speaks_only_where_labels_are_late_and_the_spec_asks_for_it():
    scored = binary(336, seed=4, labelled=False)

    assert [s.metric for s in seen("advise", timedelta(days=1), scored) if s.monitor == "estimate"] == [
        "roc_auc",
        "estimated_drop",
    ]
    assert not [s for s in seen("advise", timedelta(0), scored) if s.monitor == "estimate"]
    assert not [s for s in seen("off", timedelta(days=1), scored) if s.monitor == "estimate"]


def test_an_estimate_costs_less_than_a_tenth_of_a_second():
    now, calibration = binary(2000, seed=0, labelled=False), binary(2000, seed=1)
    started = time.process_time()

    estimated("roc_auc", now, calibration)

    assert time.process_time() - started < 0.1
