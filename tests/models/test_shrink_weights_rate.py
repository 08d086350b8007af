"""Shrink-and-perturb, class weights and the learning rate of an update."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from sklearn.linear_model import Perceptron, SGDClassifier, SGDRegressor
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier, MLPRegressor

from ratoon.models.families.choose import build, learner_for
from ratoon.models.learning.how import How
from ratoon.models.learning.shrink import fresh_scale, shrink
from ratoon.spec.errors import ContractBroken, SpecError
from ratoon.spec.keys.learner import ShrinkSpec


def begun(estimator: Any, make_spec: Any, make_rows: Any, task: str = "binary", **learner: Any) -> Any:
    spec = make_spec(task=task, learner={"epochs": 3, "batch": 40, **learner})
    old, new = (make_rows(n, task, start=s, shift=h).drop(columns="c") for n, s, h in ((200, 0, 0), (100, 200, 0.3)))
    chosen = learner_for(estimator, spec)
    return spec, chosen, chosen.first(estimator, old, spec), new


def network(**own: Any) -> Any:
    return MLPRegressor(hidden_layer_sizes=(16,), max_iter=30, n_iter_no_change=100, random_state=0, **own)


@pytest.mark.parametrize("own", [{}, {"solver": "sgd"}, {"activation": "logistic"}], ids=["adam", "sgd", "logistic"])
def test_a_networks_weights_shrink_and_are_disturbed_at_a_fresh_networks_scale(
    own: Any, make_spec: Any, make_rows: Any
) -> None:
    """keep * weights + noise * what a fresh network's weights spread; the optimiser begins anew."""
    _, _, champion, _ = begun(network(**own), make_spec, make_rows, "regression")
    last = champion.estimator
    before = [each.copy() for each in last.coefs_]
    fresh = MLPRegressor(hidden_layer_sizes=(16,), max_iter=1, random_state=1, **own)
    with pytest.warns(UserWarning):
        fresh.set_params(learning_rate_init=1e-12).fit(np.zeros((9, 2)), np.zeros(9))
    shrink(last, ShrinkSpec(keep=0.5, noise=0.1), np.random.default_rng(0))
    for layer, weights in enumerate(last.coefs_):
        noise = weights - 0.5 * before[layer]
        assert noise.std() == pytest.approx(0.1 * fresh_scale(last, layer), rel=0.4)
        assert fresh_scale(last, layer) == pytest.approx(fresh.coefs_[layer].std(), rel=0.4)
    moments = last._optimizer.ms if hasattr(last._optimizer, "ms") else last._optimizer.velocities
    assert all((each == 0).all() for each in moments)
    assert getattr(last._optimizer, "t", 0) == 0


@pytest.mark.parametrize(
    "estimator",
    [
        SGDRegressor(random_state=0),
        SGDRegressor(random_state=0, average=True),
        SGDRegressor(random_state=0, average=10),
    ],
    ids=["plain", "average", "late average"],
)
def test_a_linear_models_weights_shrink_once(estimator: Any, make_spec: Any, make_rows: Any) -> None:
    """coef_ may be the same array as the averaged one: each is scaled once; a fresh one is zero, so no noise."""
    _, _, champion, _ = begun(estimator, make_spec, make_rows, "regression")
    coef, intercept = champion.estimator.coef_.copy(), champion.estimator.intercept_.copy()
    shrink(champion.estimator, ShrinkSpec(keep=0.5, noise=1.0), np.random.default_rng(0))
    np.testing.assert_allclose(champion.estimator.coef_, coef / 2)
    np.testing.assert_allclose(champion.estimator.intercept_, intercept / 2)
    assert champion.estimator.t_ == 1.0


@pytest.mark.parametrize(
    "estimator",
    [network(), SGDRegressor(random_state=0), SGDRegressor(random_state=0, average=True)],
    ids=["mlp", "sgd", "averaged"],
)
def test_the_strategy_learns_old_and_new_and_repeats_itself(estimator: Any, make_spec: Any, make_rows: Any) -> None:
    spec, learner, champion, new = begun(estimator, make_spec, make_rows, "regression")
    before = champion.predict_frame(new)
    how = How("shrink_perturb", champion.reservoir.head(100))
    one, two = learner.update(champion, new, spec, how), learner.update(champion, new, spec, how)
    np.testing.assert_array_equal(one.predict_frame(new), two.predict_frame(new))
    np.testing.assert_array_equal(champion.predict_frame(new), before)
    assert (one.state.strategy, one.state.learned_rows) == ("shrink_perturb", 300)
    assert np.abs(one.predict(new).prediction - new["_target"]).mean() < new["_target"].std()


def test_only_what_has_weights_has_the_strategy(make_spec: Any, make_rows: Any) -> None:
    spec = make_spec()
    for estimator in (SGDClassifier(), MLPClassifier(), Perceptron(), OneVsRestClassifier(SGDClassifier())):
        assert "shrink_perturb" in learner_for(estimator, spec).strategies
    assert learner_for(GaussianNB(), spec).strategies == {"warm"}
    spec, learner, champion, new = begun(GaussianNB(), make_spec, make_rows)
    with pytest.raises(ContractBroken, match="keeps counts"):
        learner.update(champion, new, spec, How("shrink_perturb"))


@pytest.mark.parametrize(
    "estimator",
    [SGDClassifier(loss="log_loss", random_state=0), OneVsRestClassifier(SGDClassifier(random_state=0))],
    ids=["by weight", "by drawing again"],
)
def test_balanced_updates_hear_a_rare_class(estimator: Any, make_spec: Any, make_rows: Any) -> None:
    """One row in twenty: with weights `balanced` more of them are found, also where no weights are taken."""
    found = {}
    for weights in ("none", "balanced"):
        spec, learner, champion, _ = begun(estimator, make_spec, make_rows, weights=weights, replay={"rows": 0})
        new = make_rows(600, start=200).drop(columns="c")
        rare = new[(new["_target"] == 0) | (np.arange(600) % 20 == 0)]
        updated = learner.update(champion, rare, spec)
        outcomes = updated.predict(new)
        found[weights] = (outcomes.prediction == 1)[new["_target"] == 1].mean()
    assert found["balanced"] > found["none"]


def test_a_class_is_rare_by_the_lineage_not_by_the_update(make_spec: Any, make_rows: Any) -> None:
    """An update without one class weighs the other by the rows kept, not as if it were alone in the world."""
    spec, learner, champion, new = begun(
        SGDClassifier(loss="log_loss", random_state=0, class_weight="balanced"), make_spec, make_rows
    )
    updated = learner.update(champion, new[new["_target"] == 1], spec)
    assert updated.estimator.class_weight == "balanced"
    assert "partial_fit refuses it" in updated.state.notes[0]


def test_balance_needs_classes(make_spec: Any) -> None:
    with pytest.raises(ValidationError, match=r"learner\.weights: 'balanced' needs classes"):
        make_spec("sgd_regression", "regression", learner={"weights": "balanced"})


@pytest.mark.parametrize("estimator", [network(), network(solver="sgd"), SGDRegressor(random_state=0)])
def test_a_smaller_rate_stays_nearer_and_leaves_the_estimators_own_as_it_was(
    estimator: Any, make_spec: Any, make_rows: Any
) -> None:
    moved = []
    for rate in (0.01, 1.0):
        spec, learner, champion, new = begun(estimator, make_spec, make_rows, "regression", rate=rate)
        updated = learner.update(champion, new, spec)
        moved.append(np.abs(updated.predict_frame(new)["_score"] - champion.predict_frame(new)["_score"]).mean())
        last, old = updated.estimator, champion.estimator
        if hasattr(last, "eta0"):
            assert last.eta0 == old.eta0
        else:
            assert last._optimizer.learning_rate_init == pytest.approx(old._optimizer.learning_rate_init, rel=1e-12)
    assert moved[0] < 0.8 * moved[1]  # momentum goes on with what it had


@pytest.mark.filterwarnings("ignore:Class PassiveAggressive:FutureWarning")
@pytest.mark.parametrize(
    ("estimator", "words"),
    [
        (GaussianNB(), "GaussianNB has no learning rate"),
        (SGDClassifier(), "'optimal' follows from alpha"),
        (OneVsRestClassifier(GaussianNB()), "GaussianNB has no learning rate"),
    ],
)
def test_a_rate_that_means_nothing_is_refused_before_anything_learns(
    estimator: Any, words: str, make_spec: Any
) -> None:
    with pytest.raises(SpecError, match=words):
        learner_for(estimator, make_spec(learner={"rate": 0.5}))


@pytest.mark.parametrize(
    ("build_name", "name"),
    [
        ("lgbm_bare_binary", "LGBMClassifier"),
        ("xgb_bare_binary", "XGBClassifier"),
        ("river_linear_binary", "Pipeline"),
        ("torch_binary", "Sequential"),
        ("forest_binary", "RandomForestClassifier"),
    ],
)
@pytest.mark.parametrize(("key", "value"), [("rate", 2.0), ("weights", "balanced")])
def test_a_family_whose_updates_do_not_follow_a_key_refuses_it(
    make_spec: Any, build_name: str, name: str, key: str, value: Any
) -> None:
    """It would be passed over in silence, and nobody would learn that it did nothing."""
    for library in ("torch", "xgboost", "river"):
        if build_name.startswith(library[:3]):
            pytest.importorskip(library)
    spec = make_spec(build_name, learner={key: value})
    with pytest.raises(SpecError, match=rf"learner\.{key}: .* has no meaning for {name}"):
        learner_for(build(spec), spec)
