"""The rows' terms of a paired gain have its mean, and the variance that a bootstrap finds."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ratoon.data.metrics.calibration import calibration_error
from ratoon.data.metrics.metrics import METRICS, Outcomes
from ratoon.data.metrics.terms import terms

CLASSES = ("a", "b", "c")


def of_two_classes(rng, n, skill, target, noise):
    score = 1 / (1 + np.exp(-(skill * (target - 0.5) + noise + rng.normal(size=n))))
    return Outcomes(target, (score > 0.5).astype(int), np.round(score, 2), (0, 1))


def of_three_classes(rng, target, right):
    n = len(target)
    said = np.where(rng.uniform(size=n) < right, target, rng.integers(0, 3, n))
    score = rng.dirichlet(np.ones(3), n) + 1.5 * np.eye(3)[said]
    names = np.asarray(CLASSES, dtype=object)
    return Outcomes(names[target], names[said], score / score.sum(axis=1, keepdims=True), CLASSES)


def of_numbers(rng, target, wide):
    said = target + rng.standard_t(6, size=len(target)) * wide
    return Outcomes(target, said, np.abs(said - target))


def both(kind, rng, n=600):
    """Candidate and champion, whose errors are partly the same ones."""
    if kind == "numbers":
        target = rng.normal(size=n)
        return of_numbers(rng, target, 0.8), of_numbers(rng, target, 1.0)
    if kind == "binary":
        target, noise = (rng.uniform(size=n) < 0.3).astype(int), rng.normal(size=n)
        return tuple(of_two_classes(rng, n, skill, target, noise) for skill in (1.6, 1.2))
    target = rng.choice(3, n, p=[0.6, 0.3, 0.1])
    return tuple(of_three_classes(rng, target, right) for right in (0.6, 0.5))


CASES = [
    ("roc_auc", "binary"),
    ("accuracy", "binary"),
    ("balanced_accuracy", "binary"),
    ("f1", "binary"),
    ("log_loss", "binary"),
    ("brier", "binary"),
    ("accuracy", "several"),
    ("balanced_accuracy", "several"),
    ("f1", "several"),
    ("log_loss", "several"),
    ("mae", "numbers"),
    ("rmse", "numbers"),
    ("distance", "numbers"),
    ("distortion", "numbers"),
]


def bootstrapped(metric, one, other, rng, draws=1500):
    new, old = metric.prepare(one), metric.prepare(other)
    picked = (rng.integers(0, len(one), len(one)) for _ in range(draws))
    return np.asarray([metric.gain(new(rows), old(rows)) for rows in picked])


def test_every_metric_has_a_case():
    assert {name for name, _ in CASES} == set(METRICS)


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_terms_have_the_gain_as_mean_and_the_bootstraps_variance(name, kind):
    rng = np.random.default_rng(7)
    one, other = both(kind, rng)
    metric = METRICS[name]
    found = terms(metric, one, other)
    assert found is not None
    assert found.each.shape == (600,)
    assert found.value == pytest.approx(found.each.mean(), abs=1e-12)
    assert found.value == pytest.approx(metric.gain(metric(one), metric(other)), abs=1e-9)
    assert found.telling == metric.telling(one, other)
    spread = float(bootstrapped(metric, one, other, rng).std())
    assert math.sqrt(found.variance(block=1)) == pytest.approx(spread, rel=0.12)


def test_scores_of_two_parts_are_compared_inside_each():
    """The area's terms too: shifting all scores of one part changes nothing."""
    rng = np.random.default_rng(3)
    one, other = both("binary", rng)
    part = np.repeat([0, 1], 300)
    one, other = (Outcomes(o.target, o.prediction, o.score, o.classes, part) for o in (one, other))
    moved = Outcomes(one.target, one.prediction, one.score + 5 * part, one.classes, part)
    found, shifted = terms(METRICS["roc_auc"], one, other), terms(METRICS["roc_auc"], moved, other)
    assert found is not None and shifted is not None
    assert np.allclose(found.each, shifted.each)
    assert found.value == pytest.approx(METRICS["roc_auc"](one) - METRICS["roc_auc"](other))
    spread = float(bootstrapped(METRICS["roc_auc"], one, other, rng, draws=800).std())
    assert math.sqrt(found.variance(block=1)) == pytest.approx(spread, rel=0.15)


def test_the_variance_of_an_area_is_delongs():
    """By his own formula, over all pairs, with m - 1 and n - 1."""
    rng = np.random.default_rng(5)
    one, other = both("binary", rng, n=80)
    found = terms(METRICS["roc_auc"], one, other)
    parts = []
    for outcomes in (one, other):
        above, below = outcomes.score[outcomes.target == 1], outcomes.score[outcomes.target == 0]
        order = (above[:, None] > below) + 0.5 * (above[:, None] == below)
        parts.append((order.mean(axis=1), order.mean(axis=0)))
    placed = [new - old for new, old in zip(*parts, strict=True)]
    expected = sum(np.var(each, ddof=1) / len(each) for each in placed)
    assert found is not None
    assert found.variance(block=1) * 79 / 80 == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("name", ["roc_auc", "log_loss", "brier"])
def test_without_probabilities_there_are_no_terms(name):
    target = np.arange(40) % 2
    mute = Outcomes(target, target, None, (0, 1))
    assert terms(METRICS[name], mute, mute) is None


def test_what_has_no_value_has_no_terms():
    ones = np.ones(30, dtype=int)
    of_one_class = Outcomes(ones, ones, np.linspace(0, 1, 30), (0, 1))
    assert terms(METRICS["roc_auc"], of_one_class, of_one_class) is None
    empty = Outcomes(np.empty(0), np.empty(0))
    assert terms(METRICS["mae"], empty, empty) is None
    far = Outcomes(np.zeros(3), np.asarray([1.0, np.inf, 0.0]))
    assert terms(METRICS["mae"], far, Outcomes(np.zeros(3), np.zeros(3))) is None
    one, other = both("binary", np.random.default_rng(0))
    assert terms(calibration_error(), one, other) is None
    exact = Outcomes(np.zeros(5), np.zeros(5))
    same = terms(METRICS["rmse"], exact, exact)
    assert same is not None and same.variance() == 0


def test_other_rows_are_no_pair():
    one = Outcomes(np.zeros(5), np.zeros(5))
    with pytest.raises(ValueError, match="same rows"):
        terms(METRICS["mae"], one, Outcomes(np.ones(5), np.zeros(5)))


def test_one_row_has_no_variance():
    found = terms(METRICS["mae"], Outcomes(np.zeros(1), np.ones(1)), Outcomes(np.zeros(1), np.zeros(1)))
    assert found is not None and math.isnan(found.variance())


def rejected(make, runs=400, n=1000, block=50):
    """How often the two-sided 95 % interval of a gain that is zero leaves it out."""
    rng, out = np.random.default_rng(11), 0
    for _ in range(runs):
        target = np.zeros(n)
        found = terms(METRICS["mae"], Outcomes(target, 10 + make(rng, n)), Outcomes(target, 10 + make(rng, n)))
        assert found is not None
        out += abs(found.value) > 1.96 * math.sqrt(found.variance(block))
    return out / runs


def following(rng, n, pull=0.5):
    """An AR(1) series with mean zero."""
    from scipy.signal import lfilter

    return lfilter([1.0], [1.0, -pull], rng.normal(size=n))


def test_independent_rows_without_a_gain_are_left_out_one_time_in_twenty():
    assert rejected(lambda rng, n: rng.normal(size=n)) <= 0.08
    assert rejected(lambda rng, n: rng.exponential(size=n) ** 1.5) <= 0.08


def test_neighbours_that_are_alike_need_blocks():
    """Row-wise, such a series is "different" four times too often; by blocks about as often as it should."""
    assert rejected(following, block=1) > 0.2
    assert rejected(following, block=50) <= 0.1


def test_the_area_of_two_equally_good_models_differs_one_time_in_twenty():
    rng, out = np.random.default_rng(2), 0
    for _ in range(300):
        target, noise = (rng.uniform(size=300) < 0.2).astype(int), rng.normal(size=300)
        found = terms(METRICS["roc_auc"], *(of_two_classes(rng, 300, 1.2, target, noise) for _ in range(2)))
        assert found is not None
        out += abs(found.value) > 1.96 * math.sqrt(found.variance())
    assert out / 300 <= 0.08
