"""A gain's interval holds on few rows too, and calibration is measured as the papers say."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from ratoon.data.metrics.calibration import calibration_error, relative_bias
from ratoon.data.metrics.metrics import METRICS, Outcomes
from ratoon.data.metrics.paired import bootstrapped_gain, chance_of, expanded_tail, paired_gain
from ratoon.data.metrics.resampled import resampled_means

RNG = np.random.default_rng(0)


def classified(hits):
    target = np.zeros(len(hits), dtype=int)
    return Outcomes(target, np.where(hits, 0, 1), None, (0, 1))


def test_the_tail_moves_out_on_few_rows_and_stays_on_many():
    """Hesterberg 2015, table 4, for a two-sided 95 % interval."""
    tails = [expanded_tail(n, 0.025) for n in (5, 10, 20, 40, 100, 100_000)]
    assert tails == sorted(tails)
    assert tails[0] == pytest.approx(0.001, abs=0.0005)
    assert tails[1] == pytest.approx(0.0086, abs=0.0005)
    assert tails[-1] == pytest.approx(0.025, abs=1e-5)
    assert expanded_tail(1, 0.025) == 0.0


def test_five_flips_of_a_thousand_rows_prove_nothing_and_seven_do():
    """What decides is how many rows tell the two apart: five heads in a row are no proof at 2.5 %, seven are."""
    for flips, proven in ((5, False), (7, True)):
        before = classified(np.arange(1000) >= flips)
        found = paired_gain(METRICS["accuracy"], classified(np.ones(1000, dtype=bool)), before, seed=1)
        assert (found.low > 0) is proven, flips


def test_rows_that_tell_are_those_answered_differently():
    one, other = classified(np.arange(50) < 30), classified(np.arange(50) < 33)
    assert METRICS["accuracy"].telling(one, other) == 3
    assert METRICS["f1"].telling(one, other) == 3
    assert METRICS["mae"].telling(Outcomes(np.zeros(5), np.arange(5.0)), Outcomes(np.zeros(5), -np.arange(5.0))) == 0


@pytest.mark.parametrize(("gains", "losses"), [(6, 0), (9, 2), (20, 11)])
def test_the_chance_of_hits_and_misses_is_mcnemars_exact_test(gains, losses):
    rows = np.concatenate([np.ones(gains), -np.ones(losses), np.zeros(40)])
    exact = binom.sf(gains - 1, gains + losses, 0.5)
    assert chance_of(rows, draws=20_000, seed=0) == pytest.approx(exact, abs=0.004)


def test_a_gain_on_every_row_is_never_by_chance():
    """However unequal: one row that gains a million times as much as the others does not hide them."""
    assert chance_of(np.concatenate([np.full(30, 1.0), [1e6]]), draws=2000, seed=0) < 0.001
    assert chance_of(np.zeros(30), draws=100, seed=0) == 1.0


def test_calibration_is_the_mean_gap_between_promise_and_hits():
    """Two bins of equal mass: 20 % said where none comes true, 80 % said where half does."""
    score = np.repeat([0.2, 0.8], 50)
    target = np.concatenate([np.zeros(50), np.arange(50) % 2]).astype(int)
    outcomes = Outcomes(target, (score > 0.5).astype(int), score, (0, 1))
    assert calibration_error(2)(outcomes) == pytest.approx(0.5 * 0.2 + 0.5 * 0.3)


def test_of_several_classes_the_one_predicted_is_held_to_its_word():
    score = np.tile([0.7, 0.2, 0.1], (100, 1))
    target = np.where(np.arange(100) < 70, "a", "b").astype(object)
    outcomes = Outcomes(target, np.full(100, "a", dtype=object), score, ("a", "b", "c"))
    assert calibration_error()(outcomes) == pytest.approx(0, abs=1e-9)


def test_equal_probabilities_are_never_parted():
    """A model that says one number for all is calibrated where that is the share of hits, in whatever order."""
    target = np.sort(RNG.permutation(np.arange(200) % 4 == 0)).astype(int)
    outcomes = Outcomes(target, np.zeros(200, dtype=int), np.full(200, 0.25), (0, 1))
    assert calibration_error()(outcomes) == pytest.approx(0, abs=1e-9)


def test_a_perfectly_calibrated_model_is_near_none_and_an_overconfident_one_is_not():
    truth = RNG.uniform(size=4000)
    target = (RNG.uniform(size=4000) < truth).astype(int)
    sure = np.clip(truth + 0.3 * np.sign(truth - 0.5), 0, 1)
    honest, bold = (Outcomes(target, (p > 0.5).astype(int), p, (0, 1)) for p in (truth, sure))
    assert calibration_error()(honest) < 0.03
    assert calibration_error()(bold) > 0.15


def test_a_bias_is_signed_errors_that_do_not_cancel():
    target = RNG.normal(size=100)
    even = Outcomes(target, target + np.where(np.arange(100) % 2, 1.0, -1.0))
    high = Outcomes(target, target + 1.0)
    assert relative_bias(2.0)(even) == pytest.approx(0, abs=1e-9)
    assert relative_bias(2.0)(high) == pytest.approx(0.5)


def scored(rng, target, skill):
    said = 1 / (1 + np.exp(-(skill * (target - 0.5) + rng.normal(size=len(target)))))
    return Outcomes(target, (said > 0.5).astype(int), said, (0, 1))


@pytest.mark.parametrize("name", ["accuracy", "roc_auc", "log_loss", "f1", "balanced_accuracy"])
def test_on_many_rows_the_closed_gain_is_the_bootstraps(name):
    rng = np.random.default_rng(8)
    target = (rng.uniform(size=900) < 0.3).astype(int)
    new, old = scored(rng, target, 1.5), scored(rng, target, 1.0)
    closed, drawn = (each(METRICS[name], new, old, resamples=1500, seed=2) for each in (paired_gain, bootstrapped_gain))
    assert closed.value == pytest.approx(drawn.value)
    assert closed.high - closed.low == pytest.approx(drawn.high - drawn.low, rel=0.12)


def test_few_telling_rows_are_drawn_however_many_there_are():
    before = classified(np.arange(5000) >= 30)
    after = classified(np.ones(5000, dtype=bool))
    assert paired_gain(METRICS["accuracy"], after, before, seed=1) == bootstrapped_gain(
        METRICS["accuracy"], after, before, seed=1
    )


def test_the_same_answers_gain_nothing_without_a_doubt():
    target = np.arange(60) % 2
    one = scored(np.random.default_rng(0), target, 1.0)
    for name in ("accuracy", "roc_auc", "log_loss", "f1"):
        found = paired_gain(METRICS[name], one, one)
        assert (found.value, found.low, found.high) == (0, 0, 0)


def test_resamples_of_the_telling_rows_are_resamples_of_all():
    """The mean of a resample depends on how many of them it holds and on which: both are drawn."""
    rng = np.random.default_rng(1)
    gains = np.where(np.arange(400) < 25, rng.normal(size=400), 0.0)
    whole = np.asarray([gains[rng.integers(0, 400, 400)].mean() for _ in range(4000)])
    found = resampled_means(gains, 4000, rng)
    assert found.mean() == pytest.approx(whole.mean(), abs=0.001)
    assert found.std() == pytest.approx(whole.std(), rel=0.06)


def test_the_chance_of_many_uneven_gains_is_that_of_drawn_signs():
    rng = np.random.default_rng(6)
    gains = rng.normal(0.1, 1, 300)
    size = np.abs(gains)
    sums = np.where(rng.integers(0, 2, (20_000, 300)), size, -size).sum(axis=1)
    assert chance_of(gains, draws=1, seed=0) == pytest.approx(np.mean(sums >= gains.sum()), abs=0.01)
