"""`learner.patience`: an update ends its passes when a part of its own rows gets no better."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import SGDClassifier
from sklearn.neural_network import MLPRegressor

from ratoon.models.families.choose import learner_for
from ratoon.spec.errors import SpecError


def updated(estimator: Any, make_spec: Any, make_rows: Any, task: str, rows: int = 400, **learner: Any) -> Any:
    spec = make_spec(task=task, learner={"epochs": 200, **learner})
    old, new = (make_rows(n, task, start=s).drop(columns="c") for n, s in ((300, 0), (rows, 300)))
    chosen = learner_for(estimator, spec)
    return chosen.update(chosen.first(estimator, old, spec), new, spec), new


@pytest.mark.parametrize(
    ("estimator", "task"),
    [
        (SGDClassifier(loss="log_loss", random_state=0), "binary"),
        (SGDClassifier(random_state=0), "binary"),  # gives no probabilities
        (MLPRegressor(hidden_layer_sizes=(8,), max_iter=50, random_state=0), "regression"),
    ],
    ids=["probabilities", "labels", "regression"],
)
def test_the_passes_end_early_and_every_row_is_learned(
    estimator: Any, task: str, make_spec: Any, make_rows: Any
) -> None:
    trained, _ = updated(estimator, make_spec, make_rows, task, patience=2)
    (note,) = [each for each in trained.state.notes if "learner.patience" in each]
    assert int(note.split(" of ")[0]) < 200
    assert trained.state.learned_rows == 700
    steps = getattr(trained.estimator, "t_", None)
    if task == "regression":
        assert steps % 400 != 0  # the tenth that judged was learned too, in one pass
    again, new = updated(estimator, make_spec, make_rows, task, patience=2)
    np.testing.assert_array_equal(trained.predict_frame(new)["_score"], again.predict_frame(new)["_score"])


BOOSTED = [
    ("lightgbm", "LGBMRegressor", {"n_estimators": 20, "verbosity": -1}),
    ("lightgbm", "LGBMClassifier", {"n_estimators": 20, "verbosity": -1}),
    ("xgboost", "XGBRegressor", {"n_estimators": 20}),
    ("xgboost", "XGBClassifier", {"n_estimators": 20}),
]


@pytest.mark.parametrize(("module", "name", "params"), BOOSTED, ids=[each[1] for each in BOOSTED])
@pytest.mark.parametrize("boosting", ["adapt", "continue"])
def test_boosted_trees_add_as_many_rounds_as_help(
    module: str, name: str, params: dict[str, Any], boosting: str, make_spec: Any, make_rows: Any
) -> None:
    """Far fewer than asked for, on every row, the same each time, and better than all of them."""
    estimator = getattr(pytest.importorskip(module), name)(learning_rate=0.3, random_state=0, **params)
    task = "regression" if "Regressor" in name else "binary"
    learner = {"boosting": boosting, "rounds": 150, "trees": 400}
    trained, new = updated(estimator, make_spec, make_rows, task, patience=3, **learner)
    (note,) = [each for each in trained.state.notes if "learner.patience" in each]
    rounds = int(note.split(" of ")[0])
    assert 1 <= rounds < 100
    assert f"20 rounds of trees before, {20 + rounds} after (0 dropped)" in trained.state.notes
    assert trained.state.learned_rows == 700
    again, _ = updated(estimator, make_spec, make_rows, task, patience=3, **learner)
    np.testing.assert_array_equal(trained.predict_frame(new)["_score"], again.predict_frame(new)["_score"])
    whole, _ = updated(estimator, make_spec, make_rows, task, **learner)
    unseen = make_rows(2000, task, start=700).drop(columns="c")
    assert _error(trained, unseen, task) < _error(whole, unseen, task)


def _error(trained: Any, rows: Any, task: str) -> float:
    said, label = trained.predict_frame(rows)["_score"], rows["_target"].to_numpy()
    if task == "regression":
        return float(np.mean((said - label) ** 2))
    return float(-np.mean(np.log(np.clip(np.where(label == 1, said, 1 - said), 1e-9, 1))))


@pytest.mark.parametrize("estimator", [RandomForestClassifier(), HistGradientBoostingClassifier()])
def test_where_nothing_could_be_ended_it_is_refused(estimator: Any, make_spec: Any) -> None:
    with pytest.raises(SpecError, match=r"learner.patience: 2 has no meaning for .*no passes that could be ended"):
        learner_for(estimator, make_spec(task="binary", learner={"patience": 2}))


def test_without_it_or_on_few_rows_all_passes_are_made(make_spec: Any, make_rows: Any) -> None:
    for rows, learner in ((400, {}), (100, {"patience": 1})):
        trained, _ = updated(SGDClassifier(random_state=0), make_spec, make_rows, "binary", rows, **learner)
        assert not any("patience" in note for note in trained.state.notes)
