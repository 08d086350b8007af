"""A learner of the user's own: named in the spec, checked by name, saved as it says itself."""

from __future__ import annotations

import subprocess
import sys
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ratoon.models.families.choose import build, learner_for
from ratoon.models.families.custom import own
from ratoon.models.families.custom.own import OwnLearner
from ratoon.models.learning.features import table
from ratoon.models.learning.how import How
from ratoon.models.registry.evidence import Evidence
from ratoon.spec.errors import SpecError
from ratoon.spec.former_keys import FormerKey

from .served import serve_without_ratoon

LEARNER = '''
import json

import numpy as np

from ratoon.models.families.custom.own import OwnLearner


class Means:
    """Predicts the mean of all labels by the sign of feature `a`."""

    def __init__(self, sums=(0.0, 0.0), counts=(0, 0)):
        self.sums, self.counts = list(sums), list(counts)

    def predict(self, X):
        return np.asarray([self.sums[i] / max(self.counts[i], 1) for i in (X["a"] > 0).astype(int)])


class MeansLearner(OwnLearner):
    family = "means"
    serve = "serve_means.py"

    def learn(self, estimator, X, y, spec):
        for a, label in zip(X["a"], y):
            estimator.sums[int(a > 0)] += label
            estimator.counts[int(a > 0)] += 1

    def save(self, estimator, folder):
        (folder / "means.json").write_text(json.dumps([estimator.sums, estimator.counts]))

    def load(self, folder):
        return Means(*json.loads((folder / "means.json").read_text()))


class NoUpdate:
    family = "half"
    strategies = frozenset()

    def first(self, *args, **kwargs): ...


class NoLearn(OwnLearner):
    pass


class OnlySaves(MeansLearner):
    serve = load = property()


class Plain(OwnLearner):
    family = "plain-sgd"

    def learn(self, estimator, X, y, spec):
        estimator.partial_fit(X[["a", "b"]], y)

    def fit(self, estimator, X, y, spec):
        estimator.fit(X[["a", "b"]], y)


def build():
    return Means()
'''
SERVE = """
import json
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd


class Served(mlflow.pyfunc.PythonModel):
    def load_context(self, context):
        folder = Path(context.artifacts["model"])
        self.sums, self.counts = json.loads((folder / "means.json").read_text())

    def predict(self, context, model_input: pd.DataFrame, params=None):
        return np.asarray([self.sums[i] / self.counts[i] for i in (model_input["a"] > 0).astype(int)])


mlflow.models.set_model(Served())
"""


@pytest.fixture(scope="module")
def registry(registry_of: Any) -> Any:
    """The registry of a spec that names its own learner."""
    home = registry_of("means", "sgd_regression", "regression").spec.folder
    (home / "means.py").write_text(LEARNER)
    (home / "serve_means.py").write_text(SERVE)
    learner = {"build": "means.py:build", "family": "means.py:MeansLearner"}
    return registry_of("means", "sgd_regression", "regression", learner=learner)


def _first(spec: Any, rows: pd.DataFrame) -> Any:
    estimator = build(spec)
    return learner_for(estimator, spec).first(estimator, rows, spec)


def test_it_learns_saves_loads_continues_and_serves_in_its_own_way(
    registry: Any, make_rows: Any, tmp_path: Any
) -> None:
    """The whole way of a version, the last of it without Ratoon."""
    rows, new = make_rows(200, "regression"), make_rows(60, "regression", start=200)
    champion = _first(registry.spec, rows)
    version = registry.register(champion, Evidence(decision="d1", at=datetime(2026, 2, 1), example=rows.head(5)))
    registry.promote(version.number)
    again = registry.load(version.number)
    learner = learner_for(again.estimator, registry.spec)
    updated = learner.update(again, new, registry.spec)
    positive = pd.concat([rows, new]).query("a > 0")["_target"].mean()

    assert (champion.state.family, updated.state.strategy) == ("means", "warm")
    assert updated.predict(new).prediction.max() == pytest.approx(positive)
    pd.testing.assert_frame_equal(again.predict_frame(new), champion.predict_frame(new))
    served = serve_without_ratoon(registry.folder(version.number), table(new, champion.state.features), tmp_path)
    np.testing.assert_allclose(served.iloc[:, 0], champion.predict(new).prediction)


@pytest.mark.parametrize(
    ("family", "words"),
    [
        (
            "means.py:NoUpdate",
            r"NoUpdate has no 'update' and no 'splits'; a learner needs family, strategies, splits, first and",
        ),
        ("means.py:NoLearn", r"NoLearn has no 'learn'"),
        ("means.py:Lost", r"means\.py has no class 'Lost'; found .*MeansLearner"),
        ("nowhere.py:Learner", r"expected a Python file at .*nowhere\.py, found none"),
    ],
)
def test_a_learner_that_cannot_be_used_says_what_it_lacks(registry: Any, family: str, words: str) -> None:
    spec = registry.spec.model_copy(update={"learner": registry.spec.learner.model_copy(update={"family": family})})
    spec._path = registry.spec.path
    with pytest.raises(SpecError, match=words):
        learner_for(object(), spec)


def test_an_estimator_of_a_known_family_is_saved_in_that_familys_format(registry_of: Any, make_rows: Any) -> None:
    """Without save and load of its own, scikit-learn's estimators go as skops."""
    from sklearn.linear_model import SGDRegressor

    home = registry_of("plain-sgd").spec.folder
    (home / "means.py").write_text(LEARNER)
    registry = registry_of("plain-sgd", "sgd_regression", "regression", learner={"family": "means.py:Plain"})
    rows = make_rows(100, "regression").drop(columns="c")
    estimator = SGDRegressor(random_state=0)
    champion = learner_for(estimator, registry.spec).first(estimator, rows, registry.spec)
    version = registry.register(champion, Evidence(decision="d1", at=datetime(2026, 2, 1), example=rows.head(5)))
    assert isinstance(registry.load(version.number).estimator, SGDRegressor)


def test_an_unknown_family_names_the_nearest(make_spec: Any) -> None:
    with pytest.raises(SpecError, match=r"'rivr' is no known family; did you mean 'river'\? Expected one of auto"):
        learner_for(object(), make_spec(learner={"family": "rivr"}))


def test_an_entry_point_names_a_learner(make_spec: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package may bring one in the group ratoon.learners."""
    from importlib.metadata import EntryPoint, EntryPoints

    point = EntryPoint("theirs", "ratoon.models.families.river.native:RiverNative", "ratoon.learners")
    for place in ("ratoon.spec.family.entry_points", "ratoon.models.families.custom.own.entry_points"):
        monkeypatch.setattr(place, lambda **kw: EntryPoints([point]).select(**kw))
    spec = make_spec(learner={"family": "theirs"})
    assert learner_for(object(), spec).family == "river"


def test_the_former_place_of_the_class_to_inherit_still_works_and_names_the_new_one() -> None:
    code = "from ratoon.models.families.own import OwnLearner; print(OwnLearner.__module__)"
    done = subprocess.run([sys.executable, "-W", "always", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "ratoon.models.families.custom.own"
    assert "DeprecationWarning" in done.stderr and "ratoon.models.families.custom.own" in done.stderr


def test_a_learner_that_was_written_with_rungs_has_them_as_its_strategies(
    make_spec: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And how an update is to learn can be asked by its former name too."""

    class Former(OwnLearner):
        family = "former"
        rungs = frozenset({"warm"})

        def learn(self, estimator: Any, X: Any, y: Any, spec: Any) -> None: ...

    spec = make_spec("sgd_regression", "regression")
    point = SimpleNamespace(name="former", value="former:Former", load=lambda: Former)
    monkeypatch.setattr(own, "entry_points", lambda **asked: [point])
    named = spec.model_copy(update={"learner": spec.learner.model_copy(update={"family": "former"})})
    with pytest.warns(FormerKey, match=r"Former\.rungs is called strategies now"):
        assert own.own_learner(named).strategies == {"warm"}
    with pytest.warns(DeprecationWarning, match=r"How\.rung is strategy now"):
        assert How("warm").rung == "warm"
