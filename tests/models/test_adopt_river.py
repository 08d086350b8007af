"""Adopting River's models out of a python_function: the one model in it, whole, or a refusal by name."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from foreign_models import NOW, asked, continued, log_foreign, project

from ratoon.spec.errors import ContractBroken, RegistryError

pytest.importorskip("river")
pytestmark = pytest.mark.slow  # a process of its own for each adoption

LOG = """
import pickle
from river import compose, linear_model, preprocessing, tree
pyfunc = lambda model, **more: mlflow.pyfunc.log_model(python_model=model, **more)
def learned(model, labels):
    for row, label in zip(X.to_dict("records"), labels):
        model.learn_one(row, label)
    return model
scaled = lambda last: preprocessing.StandardScaler() | last
class Wrapper(mlflow.pyfunc.PythonModel):
    def __init__(self, *parts, chance=False, shift=0.0):
        self.model, self.rest, self.chance, self.shift = parts[0], list(parts[1:]), chance, shift
    def predict(self, context, model_input, params=None):
        rows = model_input.to_dict("records")
        if self.chance:
            return [self.model.predict_proba_one(row)[True] for row in rows]
        return [self.model.predict_one(row) + self.shift for row in rows]
value = learned(scaled(linear_model.LinearRegression()), y)
log(Wrapper(value), name="value", by=pyfunc, input_example=X[:4])
chance = learned(scaled(linear_model.LogisticRegression()), late == 1)
log(Wrapper(chance, chance=True), name="chance", by=pyfunc, input_example=X[:4])
flags = X[["a"]].astype("float32").assign(late=late == 1)
narrow = scaled(linear_model.LinearRegression())
for row, label in zip(flags.to_dict("records"), y):
    narrow.learn_one(row, label)
log(Wrapper(narrow), name="narrow", by=pyfunc, input_example=flags[:4])
log(Wrapper(value, value, scaled(linear_model.LinearRegression())), name="several", by=pyfunc)
log(Wrapper(value, shift=1.0), name="shifted", by=pyfunc)
class Empty(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        return [0.0] * len(model_input)
log(Empty(), name="none", by=pyfunc)
open("value.pkl", "wb").write(pickle.dumps(value))
open("served.py", "w").write('''
import pickle, mlflow
class Served(mlflow.pyfunc.PythonModel):
    def {method}(self, context):
        self.model = pickle.load(open(context.artifacts["it"], "rb"))
    def predict(self, context, model_input, params=None):
        self.load(context)
        return [self.model.predict_one(row) for row in model_input.to_dict("records")]
mlflow.models.set_model(Served())
'''.replace("{method}", "load"))
log("served.py", name="code", by=pyfunc, artifacts={"it": "value.pkl"})
print([value.predict_one(row) for row in X.to_dict("records")[:20]])
"""
BUILD = """
from river import linear_model, preprocessing
def value():
    return preprocessing.StandardScaler() | linear_model.LinearRegression()
def chance():
    return preprocessing.StandardScaler() | linear_model.LogisticRegression()
"""


@pytest.fixture(scope="module")
def logged(
    tmp_path_factory: pytest.TempPathFactory, empty_mlflow: Callable[[Path], None]
) -> Iterator[tuple[Path, list[float]]]:
    folder = tmp_path_factory.mktemp("adopt") / "project"
    empty_mlflow(folder / ".ratoon")
    with project(folder):
        said = log_foreign(folder, LOG)
        (folder / "flow.py").write_text(BUILD)
        yield folder, eval(said.splitlines()[-1])  # our own list of numbers


def of(folder: Path, model: str, target: str = "y", pickle: bool = True) -> Any:
    build = "flow.py:value" if target == "y" else "flow.py:chance"
    return project(folder, target=target, model=model, learner={"build": build, "pickle": pickle})


@pytest.mark.parametrize(
    ("model", "found"),
    [("value", "the attribute 'model'"), pytest.param("code", "the artifact 'it'", marks=pytest.mark.long)],
)
def test_the_only_model_inside_is_recovered_whole(logged: tuple[Path, list[float]], model: str, found: str) -> None:
    """As an attribute of the PythonModel, or as a pickled artifact of a model from code."""
    folder, said = logged
    with of(folder, model) as context:
        adopted = asked(context, "1")
        assert any(f"River's LinearRegression, found as {found}" in each for each in adopted.found.recovered)
        script = f"""
version = mlflow.pyfunc.load_model("models:/{model}/{adopted.version.number}")
print(version.predict(X[:20]).tolist())
"""
        served = eval(log_foreign(folder, script).splitlines()[-1])
        assert np.array_equal(served, said)
        updated = continued(context, adopted)
        assert updated.state.updates == 1
        assert updated.state.learned_rows == context.source.as_of(NOW).ledger_of_rows(NOW).rows


def test_a_python_function_of_probabilities_is_known_again(logged: tuple[Path, list[float]]) -> None:
    with of(logged[0], "chance", "late") as context:
        adopted = asked(context, "1")
        assert continued(context, adopted).state.classes == (0, 1)


def test_columns_of_narrower_types_are_given_as_the_signature_asks_for_them(logged: tuple[Path, list[float]]) -> None:
    """MLflow refuses the data's doubles where the model was logged with float32 and truth values."""
    learner = {"build": "flow.py:value", "pickle": True}
    with project(logged[0], model="narrow", features=("a", "late"), learner=learner) as context:
        assert continued(context, asked(context, "1")).state.updates == 1


def test_labels_of_one_class_are_refused_where_the_model_names_none(logged: tuple[Path, list[float]]) -> None:
    """A binary model of one class would say so for ever, and refuse its first row of the other."""
    with of(logged[0], "single", "late") as context, pytest.raises(ContractBroken, match="--learned-until hold 1: "):
        first = context.source.as_of(NOW).learned(NOW).sort_values("_label_time")
        moved = first["_target"].ne(first["_target"].iloc[0])
        until = first.loc[moved, "_label_time"].iloc[0].to_pydatetime() - timedelta(minutes=1)
        asked(context, "", address="models:/chance/1", learned_until=until)


def test_a_version_in_ratoons_own_format_is_adopted_by_another_model(logged: tuple[Path, list[float]]) -> None:
    """Such as a copy of a River model under another name."""
    with of(logged[0], "first") as context:
        number = asked(context, "", address="models:/value/1").version.number
    with of(logged[0], "second", pickle=False) as context:
        adopted = asked(context, "", address=f"models:/first/{number}")
        assert continued(context, adopted).state.family == "river"


def test_without_leave_nothing_is_looked_into(logged: tuple[Path, list[float]]) -> None:
    with (
        of(logged[0], "value2", pickle=False) as context,
        pytest.raises(RegistryError, match=r"a python_function, which is code.*pickle: true.*Nothing was loaded"),
    ):
        asked(context, "", address="models:/value/1")


def test_several_models_or_none_are_refused_by_name(logged: tuple[Path, list[float]]) -> None:
    with of(logged[0], "several") as context, pytest.raises(RegistryError) as error:
        asked(context, "1")
    assert "2 River models: the attribute 'model' (LinearRegression), the attribute 'rest[1]'" in str(error.value)
    with of(logged[0], "none") as context, pytest.raises(RegistryError, match="holds no River model"):
        asked(context, "1")


def test_a_wrapper_that_does_more_than_its_model_is_refused(logged: tuple[Path, list[float]]) -> None:
    """What it does to the predictions would be lost."""
    with of(logged[0], "shifted") as context, pytest.raises(ContractBroken, match="does more than that model"):
        asked(context, "1")
