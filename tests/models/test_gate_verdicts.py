"""The gate lets through what is proven, and never what cannot be judged."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ratoon.models.families.choose import build, learner_for
from ratoon.models.gate import Circumstances, GateResult, judge
from ratoon.models.learning.trained import Trained
from ratoon.spec.errors import Refused, SpecError
from ratoon.spec.keys.gate import GateSpec


@dataclass
class Noisy:
    """Predicts a + 2a-ish truth with an error of a given size: quality by construction."""

    error: float
    seed: int = 0

    def predict(self, X: pd.DataFrame) -> Any:
        truth = 2 * X["a"] + X["b"] + (X["c"] == "x")
        return (truth + np.random.default_rng(self.seed).normal(scale=self.error, size=len(X))).to_numpy()


@pytest.fixture(scope="module")
def model(make_spec: Any, make_rows: Any) -> Any:
    """A function from an error size to a Trained that makes errors of that size."""
    spec, rows = make_spec("sgd_regression", "regression"), make_rows(60, "regression")
    trained = learner_for(build(spec), spec).first(build(spec), rows, spec)
    return lambda error, seed=0: Trained(Noisy(error, seed), trained.state)


def verdict(model: Any, rows: Any, before: float, after: float, n: int = 200, **gate: Any) -> GateResult:
    recent = rows(n, "regression", start=1000, holdout=True)
    anchor = rows(200, "regression", start=5000, holdout=True)
    return judge(GateSpec(**gate), "mae", model(before), model(after, 1), recent, anchor, seed=0)


def test_a_worse_candidate_is_refused(model: Any, make_rows: Any) -> None:
    """Its interval lies below zero, and the reason shows it."""
    result = verdict(model, make_rows, 0.1, 0.5)
    assert not result.passed
    recent = result.strata[0]
    assert recent.verdict == "refused"
    assert recent.gain is not None
    assert recent.gain.high < 0
    assert "does not lie above zero" in recent.reason


def test_a_better_candidate_passes_both_strata(model: Any, make_rows: Any) -> None:
    result = verdict(model, make_rows, 0.8, 0.1)
    assert result.passed
    assert [s.verdict for s in result.strata] == ["passed", "passed"]


def test_level_is_not_better_but_not_worse(model: Any, make_rows: Any) -> None:
    """The same model again gains nothing: `better` refuses it, `not_worse` and a margin let it through."""
    same = {"before": 0.3, "after": 0.3}
    recent = make_rows(200, "regression", start=1000, holdout=True)
    for needed, passes in (("better", False), ("not_worse", True), ({"margin": 0.0}, True)):
        gate = GateSpec.model_validate({"recent": needed})
        result = judge(gate, "mae", model(same["before"]), model(same["after"]), recent, recent, seed=0)
        assert result.strata[0].passed is passes, needed


def test_a_margin_of_an_error_is_a_share_of_the_champions(model: Any, make_rows: Any) -> None:
    """A third more error passes a margin of a half, not one of a tenth."""
    wide = verdict(model, make_rows, 0.3, 0.4, recent={"margin": 0.6}, anchor={"margin": 0.6})
    tight = verdict(model, make_rows, 0.3, 0.4, recent={"margin": 0.1}, anchor={"margin": 0.6})
    assert wide.passed
    assert not tight.passed


def test_an_update_that_forgets_fails_on_the_anchor(model: Any, make_rows: Any) -> None:
    """Under a fixed margin, better on recent rows does not make up for older ones."""
    recent, old = make_rows(200, "regression", start=1000, holdout=True), make_rows(200, "regression", holdout=True)

    class Forgets(Noisy):
        def predict(self, X: pd.DataFrame) -> Any:
            return super().predict(X) + (5.0 if X.index[0] >= 10_000 else 0.0)

    old.index = old.index + 10_000
    candidate = replace(model(0.1), estimator=Forgets(0.1))
    fixed = GateSpec.model_validate({"anchor": {"margin": 0.01}})
    result = judge(fixed, "mae", model(0.8), candidate, recent, old, seed=0)
    assert [s.verdict for s in result.strata] == ["passed", "refused"]
    assert not result.passed


def test_too_few_rows_are_unsure_and_never_a_pass(model: Any, make_rows: Any) -> None:
    result = verdict(model, make_rows, 0.8, 0.1, n=29)
    assert result.strata[0].verdict == "unsure"
    assert "29 holdout rows, at least 30" in result.strata[0].reason
    assert not result.passed


def test_one_class_only_is_unsure(make_spec: Any, make_rows: Any) -> None:
    spec = make_spec("sgd_binary")
    trained = learner_for(build(spec), spec).first(build(spec), make_rows(200), spec)
    rows = make_rows(400, start=500, holdout=True)
    ones = rows[rows["_target"] == 1]
    result = judge(GateSpec(resamples=100), "roc_auc", trained, trained, ones, rows, seed=0)
    assert result.strata[0].verdict == "unsure"
    assert "one class only" in result.strata[0].reason


def test_a_candidate_that_predicts_nan_is_refused(model: Any, make_rows: Any) -> None:
    recent = make_rows(100, "regression", start=1000, holdout=True)
    result = judge(GateSpec(), "mae", model(0.5), model(float("nan")), recent, recent, seed=0)
    assert result.strata[0].verdict == "refused"
    assert "no finite number" in result.strata[0].reason


def test_an_empty_anchor_passes_only_where_no_older_holdout_exists(model: Any, make_rows: Any) -> None:
    """A young lineage has nothing to forget; an anchor lost to `within` is not the same."""
    recent = make_rows(200, "regression", start=1000, holdout=True)
    young = judge(
        GateSpec(), "mae", model(0.8), model(0.1), recent, recent.iloc[:0], seed=0, beside=Circumstances(older_rows=0)
    )
    lost = judge(
        GateSpec(), "mae", model(0.8), model(0.1), recent, recent.iloc[:0], seed=0, beside=Circumstances(older_rows=50)
    )
    unknown = judge(GateSpec(), "mae", model(0.8), model(0.1), recent, recent.iloc[:0], seed=0)
    assert young.passed
    assert young.strata[1].verdict == "absent"
    assert not lost.passed
    assert not unknown.passed
    told = judge(
        GateSpec(),
        "mae",
        model(0.8),
        model(0.1),
        recent,
        recent.iloc[:0],
        seed=0,
        beside=Circumstances(older_rows=50, outdated="too old"),
    )
    assert told.passed
    assert (told.strata[1].verdict, told.strata[1].reason) == ("absent", "too old")


def test_a_class_that_only_the_candidate_knows_counts_against_the_champion(make_spec: Any, make_rows: Any) -> None:
    """Probabilities are read from the right column although the two models' classes differ."""
    spec = make_spec("mlp_multiclass", "multiclass", gate={"metric": "log_loss"})
    rows = make_rows(400, "multiclass")
    learner = learner_for(build(spec), spec)
    champion = learner.first(build(spec), rows[rows["_target"] != "mid"], spec)
    candidate = learner.first(build(spec), rows, spec)
    recent = make_rows(200, "multiclass", start=600, holdout=True)
    result = judge(GateSpec(resamples=100), "log_loss", champion, candidate, recent, recent, seed=0)
    assert result.passed
    assert result.strata[0].champion is not None
    assert result.strata[0].champion > 5  # no probability at all for every third row


def test_a_metric_of_probabilities_needs_a_model_that_gives_them(make_spec: Any, make_rows: Any) -> None:
    from sklearn.linear_model import SGDClassifier

    spec, rows = make_spec("sgd_binary"), make_rows(200).drop(columns="c")
    hinge = learner_for(SGDClassifier(), spec).first(SGDClassifier(random_state=0), rows, spec)
    held = make_rows(100, start=400, holdout=True)
    with pytest.raises(SpecError, match="'log_loss' needs probabilities"):
        judge(GateSpec(resamples=100), "log_loss", hinge, hinge, held, held, seed=0)
    assert judge(GateSpec(resamples=100), "roc_auc", hinge, hinge, held, held, seed=0).strata[0].champion is not None


def test_rows_that_were_learned_cannot_judge(model: Any, make_rows: Any) -> None:
    rows = make_rows(100, "regression")
    with pytest.raises(Refused, match="no holdout rows"):
        judge(GateSpec(), "mae", model(0.5), model(0.1), rows, rows, seed=0)


def test_a_result_survives_json(model: Any, make_rows: Any) -> None:
    result = verdict(model, make_rows, 0.8, 0.1)
    assert GateResult.model_validate_json(result.model_dump_json()) == result
