"""A learner of the user's own trains in a process of its own, and what it made comes back to this one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

LEARNER = """
from ratoon.models.families.custom.own import OwnLearner


class Mean:
    total, count = 0.0, 0

    def predict(self, X):
        return [self.total / self.count] * len(X)


class MeanLearner(OwnLearner):
    family = "mean"

    def learn(self, estimator, X, y, spec):
        estimator.total += float(sum(y))
        estimator.count += len(y)


class InItsOwnFile(MeanLearner):
    def fit(self, estimator, X, y, spec):
        estimator.__class__ = Mean
        self.learn(estimator, X, y, spec)


class Lazily(MeanLearner):
    serve = "learners.py"

    def save(self, estimator, folder):
        (folder / "mean.txt").write_text(f"{estimator.total} {estimator.count}")

    def load(self, folder):
        from beside import Mean

        estimator = Mean()
        estimator.total, estimator.count = map(float, (folder / "mean.txt").read_text().split())
        return estimator
"""
TRAINED = """
import sys
from ratoon.models.ladder.apart import first_apart
from ratoon.spec.load import load_spec
import pandas as pd

trained, _, _ = first_apart(load_spec(sys.argv[1]), pd.read_parquet(sys.argv[2]))
print(type(trained.estimator).__module__, trained.estimator.count)
"""


@pytest.fixture
def project(make_rows: Any, tmp_path: Path) -> Path:
    """A spec whose build function and learner live in files of their own, with a third file beside them."""
    (tmp_path / "training.py").write_text("from beside import Mean\n\n\ndef build():\n    return Mean()\n")
    (tmp_path / "beside.py").write_text(LEARNER.split("class MeanLearner")[0])
    (tmp_path / "learners.py").write_text(LEARNER)
    make_rows(50, "regression").to_parquet(tmp_path / "rows.parquet")
    return tmp_path


def _spec(project: Path, learner: str) -> Path:
    path = project / "spec.yaml"
    path.write_text(
        "model: mean\ntask: regression\ndata: {source: rows.parquet, id: id, time: t, target: y}\n"
        f"learner: {{build: training.py:build, family: learners.py:{learner}}}\n"
    )
    return path


@pytest.mark.slow
@pytest.mark.parametrize(("learner", "module"), [("MeanLearner", "beside"), ("InItsOwnFile", "_ratoon_build_")])
def test_what_the_process_made_comes_back_wherever_its_class_lives(project: Path, learner: str, module: str) -> None:
    """In a file beside the build file, or in the learner's own: a fresh process, which knows neither, finds it."""
    done = subprocess.run(
        [sys.executable, "-P", "-c", TRAINED, str(_spec(project, learner)), str(project / "rows.parquet")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    name, count = done.stdout.split()
    assert name.startswith(module)
    assert count == "50"


def test_a_learner_may_import_what_lies_beside_it_when_it_loads(project: Path) -> None:
    """Not only while its file is imported: `load` runs later, for instance to verify a version."""
    from ratoon.models.families.choose import format_of
    from ratoon.spec.load import load_spec

    sys.modules.pop("beside", None)
    (project / "mean.txt").write_text("6.0 3")
    spec = load_spec(_spec(project, "Lazily"))
    before = list(sys.path)
    written = format_of(None, spec)
    estimator = written.load(project, {"learner": spec.learner.family, "data": ""}, "1", ())
    assert estimator.predict([0]) == [2.0]
    assert sys.path == before
