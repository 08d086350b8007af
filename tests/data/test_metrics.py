"""Metrics are what scikit-learn says they are, and their intervals cover what they should."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import f1_score, log_loss, roc_auc_score

from ratoon.data.metrics.metrics import METRICS, Outcomes, bootstrapped, interval, join
from ratoon.data.metrics.paired import paired_gain


def binary(rows: int, seed: int, *, ties: bool = False) -> Outcomes:
    rng = np.random.default_rng(seed)
    target = rng.integers(0, 2, rows)
    score = np.clip(target * 0.2 + rng.random(rows) * 0.8, 0, 1)
    score = score.round(1) if ties else score
    return Outcomes(target, (score > 0.5).astype(int), score, (0, 1))


@pytest.mark.parametrize("ties", [False, True])
def test_the_area_under_the_curve_is_scikit_learns(ties):
    for seed in range(20):
        outcomes = binary(200, seed, ties=ties)
        assert METRICS["roc_auc"](outcomes) == pytest.approx(roc_auc_score(outcomes.target, outcomes.score))


@pytest.mark.parametrize("ties", [False, True])
def test_the_area_of_two_parts_is_that_of_the_pairs_inside_them(ties):
    one, two = binary(80, 1, ties=ties), binary(120, 2, ties=ties)
    both = Outcomes(*(np.concatenate([getattr(one, k), getattr(two, k)]) for k in ("target", "prediction", "score")),
                    (0, 1), np.repeat([0, 1], [80, 120]))  # fmt: skip

    pairs = [int(each.target.sum() * (1 - each.target).sum()) for each in (one, two)]
    areas = [roc_auc_score(each.target, each.score) for each in (one, two)]
    assert METRICS["roc_auc"](both) == pytest.approx(np.average(areas, weights=pairs))
    drawn = np.random.default_rng(3).integers(0, 200, 200)
    assert METRICS["roc_auc"].prepare(both)(drawn) == METRICS["roc_auc"](both.take(drawn))
    assert METRICS["roc_auc"].prepare(both)(np.arange(80)) == pytest.approx(areas[0])


def test_log_loss_is_scikit_learns():
    outcomes = binary(500, 1)

    assert METRICS["log_loss"](outcomes) == pytest.approx(
        log_loss(outcomes.target, np.clip(outcomes.score, 1e-15, 1)), rel=1e-6
    )


def test_one_class_only_has_no_area():
    outcomes = Outcomes(np.ones(5), np.ones(5), np.linspace(0, 1, 5), (0, 1))

    assert np.isnan(METRICS["roc_auc"](outcomes))


def test_no_rows_give_no_value_and_no_interval():
    found = interval(METRICS["mae"], join([]))

    assert np.isnan(found.value) and np.isnan(found.low) and found.rows == 0


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    """A 90 % interval of the mean absolute error misses the true one in about one of ten samples."""
    rng = np.random.default_rng(0)
    covered = 0
    for seed in range(200):
        errors = rng.normal(size=80)
        found = interval(METRICS["mae"], Outcomes(errors, np.zeros(80)), confidence=0.9, resamples=200, seed=seed)
        covered += found.low <= np.sqrt(2 / np.pi) <= found.high
    assert 0.82 <= covered / 200 <= 0.96


def test_a_paired_gain_sees_what_two_separate_intervals_would_not():
    rng = np.random.default_rng(3)
    target = rng.normal(size=300) * 10
    champion = Outcomes(target, np.zeros(300))
    candidate = Outcomes(target, np.sign(target) * 0.3)

    gain = paired_gain(METRICS["mae"], candidate, champion, seed=1)
    apart = interval(METRICS["mae"], champion)

    assert gain.low > 0
    assert apart.high - apart.low > gain.value


def test_a_paired_gain_needs_the_same_rows():
    one, other = binary(50, 1), binary(50, 2)

    with pytest.raises(ValueError, match="same rows"):
        paired_gain(METRICS["accuracy"], one, other)


def test_a_label_of_a_class_that_the_model_never_saw_had_no_probability():
    """It costs what the clip allows, wherever its name would sort among the known classes."""
    score = np.array([[0.7, 0.2, 0.1]] * 2)
    known = Outcomes(np.array(["b", "c"]), np.array(["b", "b"]), score, ("b", "c", "d"))

    assert METRICS["log_loss"](known) == pytest.approx(-(np.log(0.7) + np.log(0.2)) / 2)
    for unseen in ("a", "bb", "z"):
        stranger = Outcomes(np.array([unseen, "c"]), known.prediction, score, known.classes)
        assert METRICS["log_loss"](stranger) == pytest.approx(-(np.log(1e-15) + np.log(0.2)) / 2)


@pytest.mark.parametrize("classes", [(0, 1), ("a", "b", "c")])
def test_a_resample_is_the_metric_of_the_rows_drawn(classes):
    """What is prepared once for all resamples changes no value: the same float as computed anew."""
    rng = np.random.default_rng(0)
    target = np.array([*classes] * 20, dtype=object)
    score = rng.random(60).round(1) if len(classes) == 2 else rng.dirichlet(np.ones(3), 60)
    target = target[:60] if len(classes) == 3 else np.array([*classes] * 30)
    outcomes = Outcomes(target, rng.permutation(target), score, classes)
    names = ("roc_auc", "brier") if len(classes) == 2 else ()
    for name in ("accuracy", "balanced_accuracy", "f1", "log_loss", *names):
        draw = METRICS[name].prepare(outcomes)
        for _ in range(5):
            rows = rng.integers(0, 60, 60)
            assert draw(rows) == METRICS[name](outcomes.take(rows)), name


def test_f1_is_scikit_learns():
    rng = np.random.default_rng(1)
    for classes in ((0, 1), (0, 1, 2)):
        target, said = rng.integers(0, len(classes), (2, 200))
        average = "binary" if len(classes) == 2 else "macro"
        expected = f1_score(target, said, average=average)
        assert METRICS["f1"](Outcomes(target, said, None, classes)) == pytest.approx(expected)


def test_versions_with_other_classes_are_joined_on_the_union():
    """A class that only the later version knows gets a column of its own, and probability 0 before."""
    first = Outcomes(np.array([0, 1]), np.array([0, 1]), np.array([0.1, 0.9]), (0, 1))
    later = Outcomes(np.array([2, 1]), np.array([2, 1]), np.array([[0.1, 0.1, 0.8], [0.1, 0.8, 0.1]]), (0, 1, 2))
    both = join([first, later])

    assert both.classes == (0, 1, 2)
    assert both.score.shape == (4, 3)
    mean = (METRICS["log_loss"](first) + METRICS["log_loss"](later)) / 2
    assert METRICS["log_loss"](both) == pytest.approx(mean)


@pytest.mark.parametrize("name", ["roc_auc", "accuracy", "balanced_accuracy", "f1", "log_loss", "brier"])
def test_on_many_rows_the_closed_interval_is_the_bootstraps(name):
    outcomes = binary(800, 4, ties=True)
    closed, drawn = (each(METRICS[name], outcomes, resamples=1500) for each in (interval, bootstrapped))

    assert closed.value == pytest.approx(drawn.value)
    assert closed.high - closed.low == pytest.approx(drawn.high - drawn.low, rel=0.12)
    assert closed.low == pytest.approx(drawn.low, abs=0.15 * (drawn.high - drawn.low))


@pytest.mark.parametrize("name", ["mae", "rmse"])
def test_so_it_is_for_numbers(name):
    rng = np.random.default_rng(5)
    outcomes = Outcomes(rng.normal(size=600), np.zeros(600))
    closed, drawn = (each(METRICS[name], outcomes, resamples=1500) for each in (interval, bootstrapped))

    assert closed.high - closed.low == pytest.approx(drawn.high - drawn.low, rel=0.12)


def test_where_one_row_outweighs_all_the_rows_are_drawn():
    """Two hundred errors of one and one of a thousand: no mean of those is normal."""
    far = Outcomes(np.concatenate([np.ones(200), [1000.0]]), np.zeros(201))

    assert interval(METRICS["mae"], far, seed=3) == bootstrapped(METRICS["mae"], far, seed=3)
    assert interval(METRICS["mae"], far).low >= 1


def test_an_interval_stays_inside_what_the_metric_can_be():
    target = np.arange(400) % 2
    nearly = np.where(np.arange(400) < 12, 1 - target, target)
    found = interval(METRICS["accuracy"], Outcomes(target, nearly, None, (0, 1)), confidence=0.999999)

    assert 0 <= found.low < found.value < found.high <= 1


def test_without_resamples_a_few_rows_have_a_value_and_no_interval() -> None:
    few = Outcomes(np.arange(9.0), np.arange(9.0) + 1)
    found = interval(METRICS["mae"], few, resamples=0)
    assert found.value == 1.0
    assert np.isnan(found.low) or found.low == found.high == 1.0
    uneven = Outcomes(np.zeros(9), np.array([0.0] * 8 + [9.0]))
    assert np.isnan(interval(METRICS["mae"], uneven, resamples=0).low)
