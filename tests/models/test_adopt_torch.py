"""Adopting PyTorch's modules: the weights are recovered, the rest is named, another module is refused exactly."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from foreign_models import NOW, asked, continued, log_foreign, project

from ratoon.spec.errors import ContractBroken, RegistryError

pytest.importorskip("torch")
pytestmark = pytest.mark.slow  # a process of its own for each adoption

LOG = """
import torch, mlflow.pytorch
torch.manual_seed(0)
nn, x = torch.nn, torch.tensor(X.to_numpy(), dtype=torch.float32)
hidden = lambda: [nn.Linear(2, 6), nn.BatchNorm1d(6), nn.ReLU()]
def trained(net, loss, y):
    optimiser = torch.optim.Adam(net.parameters(), 0.05)
    y = torch.tensor(y.to_numpy(), dtype=torch.float32)[:, None]
    for _ in range(60):
        optimiser.zero_grad(); loss(net(x), y).backward(); optimiser.step()
    return net.eval()
example = {"by": mlflow.pytorch.log_model, "input_example": x[:4].numpy()}
values = trained(nn.Sequential(*hidden(), nn.Linear(6, 1)), nn.functional.mse_loss, y)
log(values, name="pickled", serialization_format="pickle", **example)
log(values, name="exported", serialization_format="pt2", **example)
late = trained(nn.Sequential(*hidden(), nn.Linear(6, 1), nn.Sigmoid()), nn.functional.binary_cross_entropy, late)
log(late, name="chances", serialization_format="pt2", **example)
timid = nn.Linear(2, 1)
nn.init.constant_(timid.weight, 0.01), nn.init.constant_(timid.bias, 0.5)
log(timid, name="timid", serialization_format="pt2", **example)
log(values.double(), name="double", serialization_format="pickle", **example | {"input_example": None})
"""
BUILD = """
import torch
from torch import nn
def values():
    net = nn.Sequential(nn.Linear(2, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Linear(6, 1))
    return net, torch.optim.Adam(net.parameters(), 0.01)
def timid():
    return nn.Linear(2, 1)
def squashed():
    return nn.Sequential(nn.Linear(2, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Linear(6, 1), nn.Sigmoid())
def wider():
    return nn.Sequential(nn.Linear(2, 7), nn.BatchNorm1d(7), nn.ReLU(), nn.Linear(7, 1), nn.PReLU())
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, empty_mlflow: Callable[[Path], None]) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("adopt") / "project"
    empty_mlflow(folder / ".ratoon")
    with project(folder):
        log_foreign(folder, LOG)
        (folder / "net.py").write_text(BUILD)
        yield folder


def of(folder: Path, model: str, target: str = "y", build: str = "values", **learner: Any) -> Any:
    return project(folder, target=target, model=model, learner={"build": f"net.py:{build}", **learner})


def said_by(folder: Path, model: str, number: str) -> tuple[list[float], list[float]]:
    """What MLflow alone gives for the foreign version 1 and for Ratoon's."""
    script = f"""
import json
x = X[:50].to_numpy(np.float32)
said = [mlflow.pyfunc.load_model(f"models:/{model}/{{n}}").predict(x) for n in (1, {number})]
print(json.dumps([np.asarray(each, dtype=float).tolist() for each in said]))
"""
    before, after = json.loads(log_foreign(folder, script).splitlines()[-1])
    return before, after


@pytest.mark.parametrize(("model", "pickle"), [("exported", False), ("pickled", True)])
def test_an_adopted_module_predicts_the_same_and_continues(folder: Path, model: str, pickle: bool) -> None:
    """Weights and running means come along; optimiser, scheduler and generator begin anew, and that is said."""
    with of(folder, model, pickle=pickle) as context:
        adopted = asked(context, "1")
        recovered, missing = ("; ".join(each) for each in (adopted.found.recovered, adopted.found.missing))
        assert "weights and buffers of Sequential" in recovered
        assert "the optimiser's state" in missing and "begin anew" in missing
        before, after = said_by(folder, model, adopted.version.number)
        assert np.allclose(np.ravel(before), after, rtol=1e-5, atol=1e-6)
        updated = continued(context, adopted)
        assert updated.state.updates == 1
        assert np.isfinite(updated.predict_frame(context.source.as_of(NOW).learned(NOW))["_score"]).all()


def test_a_module_of_probabilities_is_adopted_by_the_logits_below_them(folder: Path) -> None:
    with (
        of(folder, "chances", "late", "squashed") as context,
        pytest.raises(ContractBroken, match="leave the sigmoid or softmax at the end out of the build function"),
    ):
        asked(context, "1")
    with of(folder, "chances", "late") as context:
        adopted = asked(context, "1")
        before, after = said_by(folder, "chances", adopted.version.number)
        assert np.allclose(np.ravel(before), np.asarray(after)[:, 1], rtol=1e-5, atol=1e-6)
        assert any("which output stands for which class" in each for each in adopted.found.missing)


def test_logits_that_all_lie_between_0_and_1_are_taken_for_logits(folder: Path) -> None:
    with of(folder, "timid", "late", "timid") as context:
        number = asked(context, "1").version.number
        before, after = said_by(folder, "timid", number)
        assert np.allclose(1 / (1 + np.exp(-np.ravel(before))), np.asarray(after)[:, 1], rtol=1e-5, atol=1e-6)


def test_a_module_of_another_number_type_is_refused(folder: Path) -> None:
    """Ratoon hands float32 on; what such a module says of it cannot be compared."""
    with (
        of(folder, "double", pickle=True) as context,
        pytest.raises(ContractBroken, match=r"cannot predict rows of the data.*Nothing was changed"),
    ):
        asked(context, "1")


def test_a_pickled_module_needs_leave(folder: Path) -> None:
    with of(folder, "leave") as context, pytest.raises(RegistryError, match=r"pickled PyTorch module.*pickle: true"):
        asked(context, "", address="models:/pickled/1")


def test_weights_that_do_not_fit_are_refused_by_name_and_shape(folder: Path) -> None:
    with of(folder, "exported2", build="wider") as context, pytest.raises(ContractBroken) as error:
        asked(context, "", address="models:/exported/1")
    said = str(error.value)
    assert "it lacks '4.weight'" in said
    assert "'0.weight' has the shape (6, 2), built (7, 2)" in said
    assert "Nothing was changed" in said
