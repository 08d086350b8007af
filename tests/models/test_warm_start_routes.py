"""What scikit-learn's `warm_start` does on new rows, tried, and where Ratoon sends each estimator."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest
from sklearn.base import is_classifier
from sklearn.ensemble import RandomForestRegressor
from sklearn.neural_network import MLPRegressor
from sklearn.utils import all_estimators

from ratoon.models.families.choose import learner_for
from ratoon.models.families.sklearn.warm_start_routes import ROUTES, why_scratch_only
from ratoon.spec.errors import ContractBroken, SpecError

WARM_STARTING = {n: c for n, c in all_estimators() if "warm_start" in inspect.signature(c.__init__).parameters}
STARTS = [name for name, route in ROUTES.items() if route.means == "start"]

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore:.*lbfgs failed to converge")


def test_every_estimator_with_warm_start_has_a_route() -> None:
    """Another release of scikit-learn cannot bring one that nobody thought about."""
    assert set(ROUTES) == set(WARM_STARTING)


@pytest.mark.parametrize("name", sorted(ROUTES))
def test_a_route_agrees_with_what_the_estimator_can(name: str) -> None:
    kind = WARM_STARTING[name]
    assert (ROUTES[name].means == "partial_fit") == (hasattr(kind, "partial_fit") and name != "SGDOneClassSVM")


def worlds(name: str, start: int) -> Any:
    """Two worlds with opposite relations: rows (X, y) of the one and of the other."""
    found = []
    for sign in (1, -1):
        rng = np.random.default_rng([start, sign + 1])
        X = rng.normal(size=(300, 3))
        s = sign * 2 * X[:, 0] + X[:, 1] + 0.2 * rng.normal(size=300)
        if name.startswith("MultiTask"):
            y: Any = np.column_stack([s, s])
        elif name in ("GammaRegressor", "PoissonRegressor", "TweedieRegressor"):
            y = np.exp(s / 4)
        else:
            y = (s > 0).astype(int) if is_classifier(WARM_STARTING[name]()) else s
        found.append((X, y))
    return found


@pytest.mark.parametrize("name", STARTS)
def test_a_solver_run_to_its_optimum_remembers_nothing(name: str) -> None:
    """Fitted on the old world and then warm on the new: the same model as one that never saw the old world."""
    (old_X, old_y), (new_X, new_y) = worlds(name, 1)
    kind = WARM_STARTING[name]
    warm = kind(warm_start=True).fit(old_X, old_y).fit(new_X, new_y)
    cold = kind().fit(new_X, new_y)
    method = "predict_proba" if is_classifier(cold) else "predict"
    np.testing.assert_allclose(getattr(warm, method)(old_X), getattr(cold, method)(old_X), atol=1e-2)
    assert "forgets" in ROUTES[name].reason or "none of the rows" in ROUTES[name].reason


def test_a_forest_only_adds_trees() -> None:
    """The old trees predict as they did: what was wrong in them stays wrong."""
    (old_X, old_y), (new_X, new_y) = worlds("RandomForestRegressor", 2)
    forest = RandomForestRegressor(n_estimators=5, warm_start=True, random_state=0).fit(old_X, old_y)
    before = [tree.predict(new_X) for tree in forest.estimators_]
    forest.set_params(n_estimators=8).fit(new_X, new_y)
    assert len(forest.estimators_) == 8
    np.testing.assert_array_equal([tree.predict(new_X) for tree in forest.estimators_[:5]], before)


@pytest.mark.parametrize("name", [n for n, route in ROUTES.items() if route.means in ("start", "adds", "same_data")])
def test_what_cannot_continue_is_refused_with_its_reason_and_a_way(name: str, make_spec: Any, make_rows: Any) -> None:
    estimator = WARM_STARTING[name]()
    if name.startswith("MultiTask"):
        with pytest.raises(SpecError, match="several targets at once"):
            learner_for(estimator, make_spec(task="regression"))
        return
    task = "binary" if is_classifier(estimator) else "regression"
    spec = make_spec(task=task)
    old, new = (make_rows(n, task, start=start).drop(columns="c") for n, start in ((60, 0), (30, 60)))
    if task == "regression":
        old, new = (rows.assign(_target=np.exp(rows["_target"] / 4)) for rows in (old, new))
    learner = learner_for(estimator, spec)
    champion = learner.first(estimator, old, spec)
    with pytest.raises(ContractBroken) as error:
        learner.update(champion, new, spec)
    for words in (name, ROUTES[name].reason, ROUTES[name].instead, "only the `scratch` strategy"):
        assert words in str(error.value)


def test_a_network_with_the_wrong_solver_is_told_which_one_continues() -> None:
    assert "solver 'lbfgs'; solver 'adam' or 'sgd' can" in why_scratch_only(MLPRegressor(solver="lbfgs"))
