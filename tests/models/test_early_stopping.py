"""`learner.patience`: an update ends its passes when a part of its own rows gets no better."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import SGDClassifier
from sklearn.neural_network import MLPRegressor

from ratoon.models.learner import learner_for


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


def test_without_it_or_on_few_rows_all_passes_are_made(make_spec: Any, make_rows: Any) -> None:
    for rows, learner in ((400, {}), (100, {"patience": 1})):
        trained, _ = updated(SGDClassifier(random_state=0), make_spec, make_rows, "binary", rows, **learner)
        assert not any("patience" in note for note in trained.state.notes)
