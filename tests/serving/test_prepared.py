"""A prepared version answers as `Trained` does, whatever made it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ratoon.models.ladder.run import first
from ratoon.models.learning.features import table
from ratoon.serving.protocol.contract import Contract
from ratoon.serving.protocol.errors import RequestError
from ratoon.serving.versions.frames import from_table, to_table
from ratoon.serving.versions.prepared import Here, prepare
from ratoon.spec.errors import Refused
from ratoon.spec.model import Spec

from ..models.conftest import BUILDS
from .models_served import rows

CASES = {
    "sgd_binary": "binary",
    "sgd_multiclass": "multiclass",
    "sgd_regression": "regression",
    "bayes_binary": "binary",
    "kmeans_clustering": "clustering",
    "lgbm_multiclass": "multiclass",
    "xgb_scaled_regression": "regression",
    "river_linear_binary": "binary",
    "river_tree_binary": "binary",
    "hinge_binary": "binary",
}
HINGE = """

def hinge_binary():
    return before(SGDClassifier(loss="hinge"))
"""


def spec_of(folder: Path, build: str, task: str) -> Spec:
    (folder / "training.py").write_text(BUILDS + HINGE)
    data = {"source": "rows.parquet", "id": "row_id", "time": "t"} | ({} if task == "clustering" else {"target": "y"})
    learner = {"build": f"training.py:{build}", "limits": {"apart": False}}
    spec = Spec.model_validate({"model": "m", "task": task, "data": data, "learner": learner})
    spec._path = folder / "spec.yaml"
    return spec


def rows_for(task: str, n: int, seed: int) -> pd.DataFrame:
    frame = rows(n, seed=seed)
    if task == "multiclass":
        frame["_target"] = pd.Series(
            np.where(frame["a"] > 0.5, "high", np.where(frame["a"] < -0.5, "low", "mid")), dtype=object
        )
    elif task == "regression":
        frame["_target"] = frame["a"] * 2 + frame["b"]
    elif task == "clustering":
        frame["_target"] = 0.0
    return frame


@pytest.mark.parametrize(("build", "task"), CASES.items())
def test_answers_equal_those_of_trained(tmp_path: Path, build: str, task: str) -> None:
    spec = spec_of(tmp_path, build, task)
    trained, _ = first(spec, rows_for(task, 200, 0), holdout=rows_for(task, 60, 1))
    version = prepare(trained.state, "1", Here(trained), probabilistic=trained.probabilistic)
    for n in (1, 2, 100):
        frame = rows_for(task, n, 5 + n)
        columns = {f.name: frame[f.name].tolist() for f in trained.state.features}
        X = version.contract.table(columns)
        pd.testing.assert_frame_equal(X, table(frame, trained.state.features), check_column_type=False)
        answer, expected = version.answer(X), trained.predict_frame(frame)
        assert answer.prediction.tolist() == expected["_prediction"].tolist()
        if answer.scores is None:
            assert task == "regression"
            continue
        scores: Any = answer.scores
        found = scores[:, 1] if len(trained.state.classes) == 2 else scores.max(axis=1) if scores.ndim == 2 else scores
        assert found.tolist() == expected["_score"].tolist()
        assert set(version.outputs(answer)) == {"predict", str(version.score_name)}


def test_no_rows_have_no_answers(tmp_path: Path) -> None:
    trained, _ = first(spec_of(tmp_path, "sgd_multiclass", "multiclass"), rows_for("multiclass", 200, 0))
    version = prepare(trained.state, "1", Here(trained), probabilistic=True)
    answer = version.answer(version.contract.table({"a": [], "b": [], "c": []}))
    assert len(answer.prediction) == 0
    assert answer.scores is not None and answer.scores.shape == (0, 3)


def test_a_version_that_says_no_number_is_refused_as_trained_does(tmp_path: Path) -> None:
    spec = spec_of(tmp_path, "sgd_binary", "binary")
    trained, _ = first(spec, rows(200), holdout=rows(60, seed=1))
    trained.estimator.named_steps["last"].coef_[:] = np.nan  # type: ignore[attr-defined]
    X = table(rows(2), trained.state.features)
    with pytest.raises(Refused) as expected:
        trained.predict_frame(rows(2))
    with pytest.raises(Refused) as found:
        Here(trained)(X)
    assert str(found.value) == str(expected.value)


def test_whole_numbers_and_truths_are_text_for_a_category_as_in_the_data(tmp_path: Path) -> None:
    trained, _ = first(spec_of(tmp_path, "sgd_binary", "binary"), rows(200), holdout=rows(60, seed=1))
    contract = Contract(trained.state.features, "1")
    X = contract.table({"a": [True, None], "b": np.array([1, 2]), "c": [5, False]})
    assert X["c"].tolist() == ["5", "false"]
    assert X["a"].tolist()[0] == 1.0 and np.isnan(X["a"][1])
    for value in (1.5, [1], {"x": 1}):
        with pytest.raises(RequestError, match="'c' was learned as category"):
            contract.table({"a": [1], "b": [1], "c": [value]})


def test_a_table_goes_to_another_process_and_back_as_it_is() -> None:
    X = pd.DataFrame({"a": [0.1, np.nan, np.inf], "c": pd.Series(["x", None, "ä"], dtype=object)})
    pd.testing.assert_frame_equal(to_table(from_table(X)), X)
