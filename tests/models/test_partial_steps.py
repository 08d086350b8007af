"""What moves and what stays in front of an estimator that continues."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor, make_column_selector, make_column_transformer
from sklearn.decomposition import IncrementalPCA
from sklearn.linear_model import SGDRegressor
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, StandardScaler

from ratoon.models.families.sklearn.partial_fit import SklearnPartial
from ratoon.spec.errors import ContractBroken, DataError


def pipeline(last: Any) -> Any:
    inner = Pipeline(
        [("scale", StandardScaler()), ("both", FeatureUnion([("m", MinMaxScaler()), ("p", IncrementalPCA())]))]
    )
    parts = [("numbers", inner, ["a", "b"]), ("kinds", OneHotEncoder(handle_unknown="ignore"), ["c"])]
    return Pipeline(
        [("prepare", ColumnTransformer(parts, sparse_threshold=0)), ("none", "passthrough"), ("last", last)]
    )


@pytest.fixture
def setting(make_spec: Any, make_rows: Any) -> Any:
    spec = make_spec("sgd_regression", "regression", learner={"epochs": 2, "batch": 40})
    return spec, make_rows(200, "regression"), make_rows(100, "regression", start=200)


def test_scalers_move_while_encoders_and_turning_axes_stay(setting: Any) -> None:
    """Each is recorded by its path of step names."""
    spec, old, new = setting
    learner = SklearnPartial()
    champion = learner.first(pipeline(SGDRegressor(random_state=0)), old, spec)
    updated = learner.update(champion, new, spec)
    scaler = updated.estimator.named_steps["prepare"].named_transformers_["numbers"].named_steps["scale"]
    assert scaler.n_samples_seen_ == 300
    assert updated.state.updated_steps == ("prepare/numbers/scale", "prepare/numbers/both/m", "SGDRegressor")
    assert updated.state.frozen_steps == ("prepare/numbers/both/p", "prepare/kinds")


def test_preprocessing_can_be_held_frozen(setting: Any) -> None:
    spec, old, new = setting
    learner = SklearnPartial(moving=False)
    champion = learner.first(pipeline(SGDRegressor(random_state=0)), old, spec)
    updated = learner.update(champion, new, spec)
    scaler = updated.estimator.named_steps["prepare"].named_transformers_["numbers"].named_steps["scale"]
    assert scaler.n_samples_seen_ == 200
    assert updated.state.updated_steps == ("SGDRegressor",)


def test_a_scaled_target_stays_scaled(setting: Any) -> None:
    """TransformedTargetRegressor: the inner model goes on in the units that it learned."""
    spec, old, new = setting
    old, new = old.assign(_target=old["_target"] * 1000), new.assign(_target=new["_target"] * 1000)
    wrapped = TransformedTargetRegressor(pipeline(SGDRegressor(random_state=0)), transformer=StandardScaler())
    champion = SklearnPartial().first(wrapped, old, spec)
    updated = SklearnPartial().update(champion, new, spec)
    error = np.abs(updated.predict(new).prediction - new["_target"]).mean()
    assert error < 0.5 * new["_target"].std()
    assert updated.state.frozen_steps[0] == "target"


def test_early_stopping_is_set_aside_for_the_update_and_noted(setting: Any) -> None:
    """partial_fit refuses it; afterwards it is as the user chose."""
    spec, old, new = setting
    last = MLPRegressor(hidden_layer_sizes=(4,), early_stopping=True, max_iter=5, random_state=0)
    champion = SklearnPartial().first(pipeline(last), old, spec)
    updated = SklearnPartial().update(champion, new, spec)
    twice = SklearnPartial().update(updated, new.assign(_label_time=new["_label_time"] + np.timedelta64(9, "D")), spec)
    assert updated.estimator.named_steps["last"].early_stopping
    assert "early_stopping was off" in updated.state.notes[0]
    assert twice.state.updates == 2


def test_an_adaptive_learning_rate_does_not_die_of_updates(setting: Any) -> None:
    """A drifted batch never beats the best old loss; that must not shrink the rate for good."""
    spec, old, new = setting
    last = MLPRegressor(
        hidden_layer_sizes=(4,),
        solver="sgd",
        learning_rate="adaptive",
        learning_rate_init=1e-3,
        max_iter=5,
        random_state=0,
    )
    champion = SklearnPartial().first(pipeline(last), old, spec)
    before = champion.estimator.named_steps["last"]._optimizer.learning_rate
    trained = champion
    for i in range(6):
        later = new.assign(
            _label_time=new["_label_time"] + np.timedelta64(9 * (i + 1), "D"), _target=new["_target"] + i
        )
        trained = SklearnPartial().update(trained, later, spec)
    assert trained.estimator.named_steps["last"]._optimizer.learning_rate == before


def test_counts_are_taken_once_however_many_epochs(make_spec: Any, make_rows: Any) -> None:
    """Naive Bayes would count every row once a pass."""
    spec = make_spec("bayes_binary", learner={"epochs": 10})
    rows = [each.drop(columns="c") for each in (make_rows(100), make_rows(50, start=100))]
    champion = SklearnPartial().first(GaussianNB(), rows[0], spec)
    updated = SklearnPartial().update(champion, rows[1], spec)
    assert updated.estimator.class_count_.sum() == 150
    assert updated.state.epochs == 1


def test_missing_values_are_refused_with_the_columns_name(setting: Any) -> None:
    """Warm: the contract is broken. First: the data are at fault."""
    spec, old, new = setting
    champion = SklearnPartial().first(pipeline(SGDRegressor(random_state=0)), old, spec)
    holed = new.assign(a=[None, *new["a"].iloc[1:]])
    with pytest.raises(ContractBroken, match=r"Missing values: a \(1 of 100\).*SimpleImputer"):
        SklearnPartial().update(champion, holed, spec)
    with pytest.raises(DataError, match=r"a \(1 of 100\)"):
        SklearnPartial().first(pipeline(SGDRegressor(random_state=0)), holed, spec)


def test_a_part_without_a_column_is_passed_over(make_spec: Any, make_rows: Any) -> None:
    """A selector of categories where there are none: scikit-learn never fits what stands behind it."""
    old, new = (make_rows(n, "regression", start=s).drop(columns="c") for n, s in ((200, 0), (60, 200)))
    columns = make_column_transformer(
        (StandardScaler(), make_column_selector(dtype_include="number")),
        (OneHotEncoder(handle_unknown="ignore"), make_column_selector(dtype_exclude="number")),
    )
    spec = make_spec("sgd_regression", "regression")
    champion = SklearnPartial().first(Pipeline([("columns", columns), ("last", SGDRegressor())]), old, spec)
    updated = SklearnPartial().update(champion, new, spec)
    assert updated.state.learned_rows == 260
    assert not any("onehot" in step for step in (*updated.state.updated_steps, *updated.state.frozen_steps))
