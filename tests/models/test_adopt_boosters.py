"""Adopting LightGBM's and XGBoost's models: estimators, and Boosters without classes or parameters of their own."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from foreign_models import asked, continued, log_foreign, project, with_learner

from ratoon.loop.context import open_context
from ratoon.spec.errors import ContractBroken, RegistryError

pytest.importorskip("lightgbm")
pytest.importorskip("xgboost")
pytestmark = pytest.mark.slow  # a process of its own for each adoption

LOG = """
import lightgbm as lgb, mlflow.lightgbm
import xgboost as xgb, mlflow.xgboost
small = {"num_leaves": 5, "learning_rate": 0.2, "verbose": -1}
lg, xg = {"by": mlflow.lightgbm.log_model}, {"by": mlflow.xgboost.log_model}
model = lgb.LGBMClassifier(n_estimators=9, **small).fit(X, late)
log(model, name="lgb_estimator", input_example=X[:5], **lg)
log(model, name="lgb_pickle", serialization_format="cloudpickle", input_example=X[:5], **lg)
log(lgb.LGBMClassifier(n_estimators=9, **small).fit(X.to_numpy(), late), name="lgb_unnamed", **lg)
raw = lambda objective, y: lgb.train({"objective": objective, **small}, lgb.Dataset(X, y), 9)
log(raw("binary", late), name="lgb_raw", input_example=X[:5], **lg)
log(raw("cross_entropy", late), name="lgb_other", input_example=X[:5], **lg)
log(raw("regression", y), name="lgb_value", input_example=X[:5], **lg)
tree = {"max_depth": 3, "learning_rate": 0.2}
log(xgb.XGBClassifier(n_estimators=9, **tree).fit(X, late), name="xgb_estimator", input_example=X[:5], **xg)
train = lambda objective, y, **more: xgb.train({"objective": objective, **tree}, xgb.DMatrix(X, y), 9, **more)
log(train("binary:logistic", late), name="xgb_raw", input_example=X[:5], **xg)
stopped = train("reg:squarederror", y, evals=[(xgb.DMatrix(X, -y), "other")], early_stopping_rounds=5, verbose_eval=0)
log(stopped, name="xgb_value", input_example=X[:5], **xg)
log(train("binary:hinge", late), name="xgb_other", input_example=X[:5], **xg)
"""
BUILD = """
def build():
    from xgboost import XGBClassifier, XGBRegressor
    return {}(max_depth=3, learning_rate=0.2)
"""
CLASSES = ["lgb_estimator", "lgb_raw", "lgb_unnamed", "xgb_estimator", "xgb_raw"]
ALIKE = ("lgb_unnamed", "xgb_estimator")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, empty_mlflow: Callable[[Path], None]) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("adopt") / "project"
    empty_mlflow(folder / ".ratoon")
    with project(folder):
        log_foreign(folder, LOG)
        (folder / "classes.py").write_text(BUILD.format("XGBClassifier"))
        (folder / "values.py").write_text(BUILD.format("XGBRegressor"))
        yield folder


def of(folder: Path, model: str, target: str = "late", build: str = "classes.py:build"):  # type: ignore[no-untyped-def]
    return project(folder, target=target, model=model, learner={"build": build})


def said_by(folder: Path, model: str, number: str, flavour: str) -> tuple[list[float], list[float]]:
    """What MLflow alone gives for the foreign version 1 and for Ratoon's."""
    script = f"""
import json
before = mlflow.pyfunc.load_model("models:/{model}/1").predict(X[:50])
after = mlflow.sklearn.load_model("models:/{model}/{number}")
chances = {flavour == "raw"} and hasattr(after, "predict_proba")
after = after.predict_proba(X[:50])[:, 1] if chances else after.predict(X[:50])
print(json.dumps([np.asarray(each, dtype=float).tolist() for each in (before, after)]))
"""
    before, after = json.loads(log_foreign(folder, script))
    return before, after


@pytest.mark.parametrize(
    "model", [pytest.param(name, marks=pytest.mark.long) if name in ALIKE else name for name in CLASSES]
)
def test_classifiers_are_adopted_predict_the_same_and_continue(folder: Path, model: str) -> None:
    with of(folder, model) as context:
        adopted = asked(context, "1")
        after = continued(context, adopted)
        assert after.state.family == model[:3].replace("lgb", "lightgbm").replace("xgb", "xgboost")
        assert after.state.classes == (0, 1)
        assert after.state.updates == 1
    if model != "lgb_unnamed":
        before, found = said_by(folder, model, adopted.version.number, model.rpartition("_")[2])
        assert np.array_equal(before, found)


@pytest.mark.parametrize("model", ["lgb_value", "xgb_value"])
def test_a_booster_of_values_predicts_with_all_trees_that_it_served_with(folder: Path, model: str) -> None:
    """Also where early stopping found its best earlier, which only estimators heed."""
    with of(folder, model, "y", "values.py:build") as context:
        adopted = asked(context, "1")
        assert any("Booster" in each and "kept inside" in each for each in adopted.found.recovered)
        before, after = said_by(folder, model, adopted.version.number, "raw")
        assert np.array_equal(before, after)
        assert continued(context, adopted).state.updates == 1


def test_the_parameters_of_training_are_recovered(folder: Path) -> None:
    """LightGBM's from its file; XGBoost's from the build function, since its file lacks them."""
    with of(folder, "lgb_raw") as context:
        estimator = context.registry.load(asked(context, "1").version.number).estimator
        assert (estimator.learning_rate, estimator.num_leaves, estimator.n_estimators) == (0.2, 5, 9)
    with of(folder, "xgb_raw") as context:
        assert context.registry.load(asked(context, "1").version.number).estimator.learning_rate == 0.2


def test_without_a_build_function_of_the_kind_xgboosts_parameters_are_missing(folder: Path) -> None:
    with project(folder, target="late", model="other", learner={"build": "training.py:build"}) as context:
        found = asked(context, "", address="models:/xgb_estimator/1").found
        assert any("builds no XGBClassifier" in each for each in found.missing)


@pytest.mark.parametrize(("model", "objective"), [("lgb_other", "cross_entropy"), ("xgb_other", "binary:hinge")])
def test_a_booster_of_another_objective_is_refused_by_name(folder: Path, model: str, objective: str) -> None:
    with (
        of(folder, model) as context,
        pytest.raises(RegistryError, match=f"objective .{objective}"),
    ):
        asked(context, "1")


@pytest.mark.parametrize(
    ("model", "target", "what"), [("lgb_raw", "y", "classifier of 0, 1"), ("xgb_value", "late", "")]
)
def test_a_model_of_another_task_is_refused(folder: Path, model: str, target: str, what: str) -> None:
    """A binary Booster gives labels where values are asked for."""
    with (
        project(folder, target=target, model=f"{model}_2", learner={"build": "training.py:build"}) as context,
        pytest.raises(ContractBroken, match=rf"is a {what or 'regressor'}, which does not fit task"),
    ):
        asked(context, "", address=f"models:/{model}/1")


def test_a_pickled_estimator_needs_leave(folder: Path) -> None:
    with of(folder, "lgb_pickle") as context:
        with pytest.raises(RegistryError, match=r"saved as cloudpickle.*Nothing was loaded"):
            asked(context, "1")
        with open_context(with_learner(context, pickle=True)) as trusting:
            assert asked(trusting, "1").version.number == "2"


def test_a_model_that_does_not_take_the_datas_columns_is_refused(folder: Path) -> None:
    with (
        project(folder, target="late", features=("a", "c"), model="lgb_raw2") as context,
        pytest.raises((ContractBroken, RegistryError)),
    ):
        asked(context, "", address="models:/lgb_raw/1")
