"""A version that runs code of its own answers from a process of its own."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from models_served import AT, Served, rows

from ratoon.models.ladder.run import first
from ratoon.models.learning.features import table
from ratoon.models.registry.evidence import Evidence
from ratoon.serving.versions.apart import Apart
from ratoon.serving.versions.loading import RegistryVersions
from ratoon.spec.errors import RegistryError, Unavailable

LEARNER = """
import json
import os

import numpy as np

from ratoon.models.families.custom.own import OwnLearner


class Share:
    def __init__(self, sums=0.0, count=0):
        self.sums, self.count = sums, count

    def predict(self, X):
        return np.full(len(X), self.sums / self.count) + 0 * os.getpid()


class ShareLearner(OwnLearner):
    family = "share"
    serve = "serve_share.py"

    def learn(self, estimator, X, y, spec):
        estimator.sums += float(sum(y))
        estimator.count += len(y)

    def save(self, estimator, folder):
        (folder / "share.json").write_text(json.dumps([estimator.sums, estimator.count]))

    def load(self, folder):
        return Share(*json.loads((folder / "share.json").read_text()))


def build():
    return Share()
"""
SERVE = """
import json
from pathlib import Path

import mlflow
import numpy as np


class Served(mlflow.pyfunc.PythonModel):
    def load_context(self, context):
        self.sums, self.count = json.loads((Path(context.artifacts["model"]) / "share.json").read_text())

    def predict(self, context, model_input, params=None):
        return np.full(len(model_input), self.sums / self.count)


mlflow.models.set_model(Served())
"""


@pytest.fixture
def apart(served: Served) -> Iterator[Apart]:
    process = Apart(served.folder / "spec.yaml", "1", seconds=30)
    yield process
    process.close()


def test_its_answers_are_the_versions_and_a_killed_process_is_replaced(served: Served, apart: Apart) -> None:
    frame = rows(20, seed=4)
    X, expected = table(frame, apart.state.features), served.expected("1", frame)
    answer = apart(X)
    assert answer.prediction.tolist() == expected["_prediction"].tolist()
    assert answer.scores is not None and answer.scores[:, 1].tolist() == expected["_score"].tolist()
    killed = apart.pid
    os.kill(killed, signal.SIGKILL)
    with pytest.raises(Unavailable):
        while apart.pid == killed:
            apart(X)
        raise Unavailable("it was started again before it was asked")
    assert apart(X).prediction.tolist() == answer.prediction.tolist()
    assert apart.pid != killed


def test_what_does_not_load_is_said_and_leaves_no_process(served: Served) -> None:
    with pytest.raises(RegistryError, match="no version or alias"):
        Apart(served.folder / "spec.yaml", "99", seconds=30)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*Add type hints to the `predict` method")  # mlflow, of the user's script
def test_a_learner_of_the_users_own_never_enters_the_replica(tmp_path: Path, served: Served) -> None:
    """Its `load` would run the user's code in the replica."""
    (served.folder / "learner.py").write_text(LEARNER)
    (served.folder / "serve_share.py").write_text(SERVE)
    file = served.folder / "spec.yaml"
    content = yaml.safe_load(file.read_text())
    learner = {"build": "learner.py:build", "family": "learner.py:ShareLearner", "limits": {"apart": False}}
    file.write_text(yaml.safe_dump({**content, "model": "share", "task": "regression", "learner": learner}))
    spec = served.spec
    frame = rows(50)
    frame["_target"] = frame["a"]
    trained, _ = first(spec, frame, holdout=frame.head(20))
    registry = served.registry
    made = registry.register(trained, Evidence(decision="own", at=AT, example=frame.head(5)))
    version = RegistryVersions(spec, registry, seconds=30).load(made.number)
    assert isinstance(version.answering, Apart)
    try:
        answer = version.answer(table(frame, version.state.features))
        assert answer.prediction.tolist() == pytest.approx(trained.predict_frame(frame)["_prediction"].tolist())
    finally:
        version.answering.close()
