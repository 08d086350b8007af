"""River's models: their own promise kept, their gaps guarded, and no file that names what nobody reviewed."""

from __future__ import annotations

import pickle
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ratoon.models.families.build import build
from ratoon.models.families.learner import learner_for
from ratoon.models.families.river.model import NotReviewed, RiverModel, read, write
from ratoon.models.learning.features import table
from ratoon.models.registry.evidence import Evidence
from ratoon.spec.errors import ContractBroken, DataError, Refused, RegistryError, SpecError

from .served import serve_without_ratoon

pytest.importorskip("river")

OWN = """
from river import compose, linear_model, preprocessing

def doubled(x):
    return {name: 2 * value for name, value in x.items() if isinstance(value, float)}

def river_function():
    return compose.FuncTransformer(doubled) | linear_model.LinearRegression()
"""


def _first(spec: Any, rows: pd.DataFrame) -> Any:
    estimator = build(spec)
    return learner_for(estimator, spec).first(estimator, rows, spec)


@pytest.mark.parametrize("name", ["river_linear_binary", "river_tree_binary", "river_forest_multiclass"])
def test_the_same_rows_in_one_update_or_in_many_give_the_same_model(make_spec: Any, make_rows: Any, name: str) -> None:
    """Learned row by row, it cannot matter where an update ended."""
    task = name.split("_")[2]
    spec = make_spec(name, task)
    champion, new = _first(spec, make_rows(200, task)), make_rows(120, task, start=200)
    learner = learner_for(champion.estimator, spec)
    at_once = learner.update(champion, new, spec)
    bit_by_bit = champion
    for start in range(0, 120, 30):
        bit_by_bit = learner.update(bit_by_bit, new.iloc[start : start + 30], spec)

    pd.testing.assert_frame_equal(bit_by_bit.predict_frame(new), at_once.predict_frame(new), check_exact=True)
    assert bit_by_bit.state.fingerprint == at_once.state.fingerprint


def test_a_batch_in_which_a_column_is_constant_is_widened(make_spec: Any, make_rows: Any) -> None:
    """River's StandardScaler.learn_many raises TypeError there; the update goes through and says what it did."""
    spec = make_spec("river_linear_binary", learner={"per": "batch", "batch": 40})
    champion = _first(spec, make_rows(200))
    new = make_rows(80, start=200)
    new.loc[:44, "a"] = 1.0
    updated = learner_for(champion.estimator, spec).update(champion, new, spec)

    assert updated.state.notes == ("1 batches were widened: a column was constant in them",)
    assert np.isfinite(updated.predict_frame(new)["_score"]).all()


def test_a_part_without_learn_many_is_learned_row_by_row(make_spec: Any, make_rows: Any) -> None:
    spec = make_spec("river_tree_binary", learner={"per": "batch", "batch": 40})
    champion = _first(spec, make_rows(200))
    assert champion.state.notes == ("learned row by row: HoeffdingTreeClassifier has no learn_many",)


def test_missing_values_are_left_out_of_the_row(make_spec: Any, make_rows: Any) -> None:
    """Not learned as NaN, which would poison every later prediction."""
    spec = make_spec("river_bayes_multiclass", "multiclass")
    rows = make_rows(200, "multiclass")
    rows.loc[::7, "a"] = np.nan
    champion = _first(spec, rows)
    assert np.isfinite(champion.predict(rows).score).all()


def test_a_part_that_needs_the_missing_key_is_named_with_the_way_out(make_spec: Any, make_rows: Any) -> None:
    spec = make_spec("river_linear_regression", "regression")
    rows = make_rows(50, "regression")
    champion = _first(spec, rows)
    rows.loc[3, "c"] = None
    with pytest.raises(DataError, match=r"KeyError\('c'\).*compose\.SelectType passes over them.*c \(1 of 50\)"):
        _first(spec, rows)
    with pytest.raises(Refused, match=r"KeyError\('c'\)"):
        champion.predict(rows)


def test_probabilities_stand_in_the_states_order_and_add_up(make_spec: Any, make_rows: Any) -> None:
    spec = make_spec("river_bayes_multiclass", "multiclass")
    rows = make_rows(300, "multiclass")
    champion = _first(spec, rows)
    found = champion.predict(rows)

    assert champion.state.classes == ("high", "low", "mid")
    np.testing.assert_allclose(found.score.sum(axis=1), 1)
    assert (np.asarray(champion.state.classes)[found.score.argmax(axis=1)] == found.prediction).mean() > 0.99


def test_a_regressor_for_a_classification_is_a_spec_error(make_spec: Any, make_rows: Any) -> None:
    spec = make_spec("river_linear_regression", "binary")
    with pytest.raises(SpecError, match=r"River's LinearRegression; task 'binary' expects a classifier"):
        _first(spec, make_rows(50))


def test_a_binary_model_for_many_classes_names_the_wrapper(make_spec: Any, make_rows: Any) -> None:
    spec = make_spec("river_linear_binary", "multiclass")
    with pytest.raises(SpecError, match="OneVsRestClassifier"):
        _first(spec, make_rows(50, "multiclass"))


def test_a_row_that_river_cannot_take_breaks_the_contract_and_spares_the_champion(
    make_spec: Any, make_rows: Any
) -> None:
    spec = make_spec("river_linear_regression", "regression")
    champion = _first(spec, make_rows(100, "regression"))
    new = make_rows(20, "regression", start=100)
    before = champion.predict_frame(new)
    champion.estimator.model.steps["LinearRegression"].optimizer = None
    with pytest.raises(ContractBroken, match="River's LinearRegression"):
        learner_for(champion.estimator, spec).update(champion, new, spec)
    pd.testing.assert_frame_equal(champion.predict_frame(new), before)


def test_a_registered_version_predicts_where_ratoon_is_not_installed(
    registry_of: Any, make_rows: Any, tmp_path: Any
) -> None:
    """MLflow and River are enough."""
    registry = registry_of("river-served", "river_forest_multiclass", "multiclass")
    rows = make_rows(200, "multiclass")
    champion = _first(registry.spec, rows)
    evidence = Evidence(decision="d1", at=datetime(2026, 2, 1), example=rows.head(5))
    version = registry.register(champion, evidence)
    found = serve_without_ratoon(registry._files(version.number), table(rows, champion.state.features), tmp_path)

    assert found.iloc[:, 0].tolist() == champion.predict_frame(rows)["_prediction"].tolist()
    registry.promote(version.number)


def test_a_function_of_the_build_file_is_refused_before_anything_is_written(registry_of: Any, make_rows: Any) -> None:
    """A loaded model could not find it."""
    registry = registry_of("river-function", "river_function", "regression")
    path = registry.spec.folder / "own.py"
    path.write_text(OWN)
    spec = registry.spec.model_copy(
        update={"learner": registry.spec.learner.model_copy(update={"build": "own.py:river_function"})}
    )
    spec._path = registry.spec.path
    registry.spec = spec
    rows = make_rows(50, "regression")
    champion = _first(spec, rows)
    with pytest.raises(SpecError, match="'doubled' is defined in the build file itself"):
        registry.register(champion, Evidence(decision="d1", at=datetime(2026, 2, 1), example=rows.head(5)))
    assert registry.versions() == ()


class _Harm:
    def __reduce__(self) -> Any:
        return print, ("code ran",)


@pytest.mark.parametrize(
    "content",
    [
        pickle.dumps(_Harm(), protocol=4),
        b"\x80\x04\x8c\x0briver.utils\x8c\x06inspec\x93.",
        b"\x80\x04\x8c\x12river.stream.cache\x8c\x05Cache\x93.",
        b"\x80\x04\x8c\x1driver.linear_model.perceptron\x8c\x0coptim.losses\x93.",
        b"\x80\x04\x8c\x08builtins\x8c\x07getattr\x93\x8c\x01a\x8c\x05upper\x86R.",
        b"\x80\x04\x8c\x04copy\x8c\x08deepcopy\x93}\x8c\x01a\x8c\x01bsb.",
    ],
    ids=["a function", "no such name", "a room that reads files", "through a module", "getattr", "a function's state"],
)
def test_a_file_that_names_what_nobody_reviewed_is_not_loaded(content: bytes, capsys: Any) -> None:
    """Nothing of it runs."""
    with pytest.raises(NotReviewed):
        read(content)
    assert capsys.readouterr().out == ""


def test_pickles_are_read_only_where_the_spec_allows_them(registry_of: Any, make_rows: Any) -> None:
    """The error names the key, and a spec that lost it no longer loads the version."""
    from sklearn.preprocessing import FunctionTransformer

    registry = registry_of("river-pickle", "river_linear_regression", "regression")
    rows = make_rows(100, "regression")
    champion = _first(registry.spec, rows)
    champion.estimator.model.steps["LinearRegression"].note = FunctionTransformer()
    evidence = Evidence(decision="d1", at=datetime(2026, 2, 1), example=rows.head(5))
    with pytest.raises(SpecError, match=r"FunctionTransformer.*learner\.pickle: true"):
        registry.register(champion, evidence)

    allowing = registry_of("river-pickle", "river_linear_regression", "regression", learner={"pickle": True})
    number = allowing.register(champion, evidence).number
    pd.testing.assert_frame_equal(allowing.load(number).predict_frame(rows), champion.predict_frame(rows))
    with pytest.raises(RegistryError, match=r"FunctionTransformer.*learner\.pickle"):
        registry.load(number)


def test_what_is_written_is_read_back_the_same(make_spec: Any, make_rows: Any) -> None:
    """Also a bound method and a generator's state, which pickles hold in their own ways."""
    from river import linear_model

    model = linear_model.PARegressor()
    rows = make_rows(50, "regression")[["a", "b", "_target"]]
    estimator = RiverModel(model)
    estimator.learn(rows[["a", "b"]], rows["_target"])
    again = RiverModel(read(write(model)))
    for each in (estimator, again):
        each.learn(rows[["a", "b"]], rows["_target"])
    np.testing.assert_array_equal(again.predict(rows[["a", "b"]]), estimator.predict(rows[["a", "b"]]))
