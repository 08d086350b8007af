"""What cannot be compared has a defined answer, and never passes by accident."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from ratoon.models.gate import judge
from ratoon.models.learning.trained import Trained
from ratoon.models.subprocesses.remote import RemoteEstimator
from ratoon.spec.keys.gate import GateSpec

RNG = np.random.default_rng(0)
TRUTH = RNG.normal(size=100)
LABELS = np.arange(100) % 2
SURE = np.where(LABELS == 1, 0.9, 0.1)
COIN = np.full(100, 0.5) + RNG.normal(scale=0.01, size=100)


@pytest.mark.parametrize(("metric", "judged"), [("roc_auc", False), ("f1", False), ("accuracy", True), ("brier", True)])
def test_rows_of_one_class_are_judged_only_by_metrics_that_need_no_other(
    verdict: Any, holdout: Any, metric: str, judged: bool
) -> None:
    ones = np.ones(100, dtype=int)
    recent = verdict(metric, holdout(ones), COIN - 0.1, np.full(100, 0.9), (0, 1)).strata[0]
    assert recent.verdict == ("passed" if judged else "unsure")
    assert judged or "one class only" in recent.reason


def test_an_area_needs_some_rows_of_both_classes(verdict: Any, holdout: Any) -> None:
    few = (np.arange(100) < 4).astype(int)
    recent = verdict("roc_auc", holdout(few), 1 - few * 0.9, few * 0.9, (0, 1)).strata[0]
    assert (recent.verdict, "4 rows of class 1, at least 5" in recent.reason) == ("unsure", True)


def test_a_class_that_no_model_knows_counts_as_wrong_for_both(verdict: Any, holdout: Any) -> None:
    labels = np.where(np.arange(100) < 20, "new", np.where(LABELS == 1, "yes", "no")).astype(object)
    recent = verdict("accuracy", holdout(labels), COIN, SURE, ("no", "yes")).strata[0]
    assert recent.verdict == "passed"
    assert recent.candidate == 0.8


@pytest.mark.parametrize("metric", ["roc_auc", "brier", "f1"])
def test_a_third_class_leaves_a_metric_of_two_unsure(verdict: Any, holdout: Any, metric: str) -> None:
    labels = np.where(np.arange(100) < 20, 2, LABELS)
    recent = verdict(metric, holdout(labels), COIN, SURE, (0, 1)).strata[0]
    assert recent.verdict == "unsure"
    assert "more than two classes: 0, 1, 2" in recent.reason


def test_models_of_different_classes_are_compared_on_all_of_them(told: Any, verdict: Any, holdout: Any) -> None:
    labels = np.asarray(["a", "b", "c"], dtype=object)[np.arange(99) % 3]
    champion = told(np.column_stack([labels[:99] == "a", labels != "a"]).astype(float), ("a", "b"), "multiclass")
    candidate = told(np.column_stack([labels == each for each in "abc"]).astype(float), ("a", "b", "c"))
    recent = verdict("log_loss", holdout(labels), champion, candidate).strata[0]
    assert recent.verdict == "passed"
    assert recent.candidate == pytest.approx(0)


def test_labels_of_another_type_than_the_classes_are_wrong_answers_and_no_crash(verdict: Any, holdout: Any) -> None:
    result = verdict("accuracy", holdout(np.full(100, "1", dtype=object)), COIN, SURE, (0, 1))
    assert result.strata[0].verdict == "refused"
    assert result.strata[0].candidate == 0.0


@pytest.mark.parametrize("metric", ["mae", "rmse"])
def test_labels_that_do_not_vary_are_judged_by_their_errors(verdict: Any, holdout: Any, metric: str) -> None:
    flat = np.full(100, 7.0)
    noise = RNG.normal(size=100)
    assert verdict(metric, holdout(flat), flat + noise, flat).passed
    assert not verdict(metric, holdout(flat), flat, flat + noise).passed
    assert not verdict(metric, holdout(flat), flat, flat).passed, "level is not better"


def test_a_flawless_champion_leaves_no_share_of_its_error_to_lose(verdict: Any, holdout: Any) -> None:
    flat = np.full(100, 7.0)
    worse = verdict("mae", holdout(flat), flat, flat + 1e-6, recent={"margin": 0.5})
    level = verdict("mae", holdout(flat), flat, flat, recent={"margin": 0.5})
    assert (worse.passed, level.passed) == (False, True)


@pytest.mark.parametrize("broken", [np.nan, np.inf])
def test_a_candidate_that_predicts_no_number_is_refused(verdict: Any, holdout: Any, broken: float) -> None:
    """One row is enough, whatever the champion says; and the ladder goes on to the next strategy."""
    after = TRUTH.copy()
    after[3] = broken
    for before in (TRUTH + 1, np.full(100, np.nan)):
        result = verdict("mae", holdout(TRUTH), before, after)
        assert result.strata[0].verdict == "refused"
        assert "no finite number for 1 of 100 rows" in result.strata[0].reason
        assert not result.promising


def test_a_champion_that_breaks_is_replaced_by_whoever_beats_the_best_constant(verdict: Any, holdout: Any) -> None:
    nothing = np.full(100, np.nan)
    good = verdict("mae", holdout(TRUTH), nothing, TRUTH + 0.1)
    bad = verdict("mae", holdout(TRUTH), nothing, TRUTH + 5)
    assert (good.passed, bad.passed) == (True, False)
    assert good.strata[0].champion == pytest.approx(np.mean(np.abs(TRUTH - np.median(TRUTH))))
    assert "no answer for 100 of 100 rows" in good.strata[0].reason


def test_a_champion_that_breaks_on_some_rows_keeps_its_answers_for_the_others(verdict: Any, holdout: Any) -> None:
    """A good champion with one hole is not thrown away for a candidate that is worse on the other rows."""
    before = TRUTH + 0.1
    before[0] = np.nan
    result = verdict("mae", holdout(TRUTH), before, TRUTH + 0.5)
    assert not result.passed
    assert result.strata[0].champion == pytest.approx(0.1, abs=0.05)


@pytest.mark.parametrize(("metric", "constant"), [("roc_auc", 0.5), ("accuracy", 0.6), ("brier", 0.24)])
def test_a_broken_classifier_counts_as_the_shares_of_the_classes(
    verdict: Any, holdout: Any, metric: str, constant: float
) -> None:
    labels = (np.arange(100) < 60).astype(int)
    result = verdict(metric, holdout(labels), np.full(100, np.nan), np.where(labels == 1, 0.8, 0.2), (0, 1))
    assert result.passed
    assert result.strata[0].champion == pytest.approx(constant)


def test_a_champion_whose_estimator_fails_on_the_rows_is_replaceable(told: Any, verdict: Any, holdout: Any) -> None:
    """Such as an encoder that meets a category it never saw."""

    class Fails:
        def predict(self, X: pd.DataFrame) -> Any:
            raise ValueError("Found unknown categories ['z'] in column 0")

    champion = Trained(Fails(), told(TRUTH).state)
    assert verdict("mae", holdout(TRUTH), champion, TRUTH).passed
    assert verdict("mae", holdout(TRUTH), TRUTH + 1, champion).strata[0].verdict == "refused"


def test_a_champion_whose_process_cannot_start_leaves_the_rows_unsure(
    told: Any, verdict: Any, holdout: Any, tmp_path: Any
) -> None:
    """That may be the machine's fault, so that nothing takes the champion's place by itself."""
    champion = Trained(RemoteEstimator(tmp_path / "gone", (), tmp_path / "code"), told(TRUTH).state)
    recent = verdict("mae", holdout(TRUTH), champion, TRUTH).strata[0]
    assert recent.verdict == "unsure"
    assert "ratoon rollback" in recent.reason


def test_rows_without_a_label_are_unsure(verdict: Any, holdout: Any) -> None:
    labels = TRUTH.copy()
    labels[0] = np.nan
    assert verdict("mae", holdout(labels), TRUTH + 1, TRUTH).strata[0].verdict == "unsure"


def test_no_rows_at_all_are_unsure(verdict: Any, holdout: Any) -> None:
    result = verdict("mae", holdout(TRUTH).iloc[:0], TRUTH, TRUTH)
    assert result.strata[0].verdict == "unsure"
    assert not result.passed


@pytest.mark.parametrize("metric", ["mae", "rmse"])
def test_errors_beyond_what_a_float_holds_are_unsure(verdict: Any, holdout: Any, metric: str) -> None:
    result = verdict(metric, holdout(TRUTH), TRUTH + 1.5e308, TRUTH + 1.2e308)
    assert result.strata[0].verdict == "unsure"


@pytest.mark.parametrize("metric", ["log_loss", "brier", "roc_auc"])
def test_probabilities_of_exactly_none_and_all_have_a_value(verdict: Any, holdout: Any, metric: str) -> None:
    certain = LABELS.astype(float)
    result = verdict(metric, holdout(LABELS), 1 - certain, certain, (0, 1))
    assert result.passed
    assert not verdict(metric, holdout(LABELS), certain, 1 - certain, (0, 1)).passed


def test_the_order_of_the_rows_decides_nothing(told: Any, holdout: Any) -> None:
    before, after = told(TRUTH + RNG.normal(size=100)), told(TRUTH + RNG.normal(scale=0.8, size=100))
    rows = holdout(TRUTH, b=np.arange(100) % 2)
    gate = GateSpec.model_validate({"slices": [{"name": "odd", "where": {"b": 1}, "margin": 0.1}]})
    shuffled = rows.sample(frac=1, random_state=3)
    one, two = (judge(gate, "mae", before, after, each, each, seed=0) for each in (rows, shuffled))
    assert one == two
