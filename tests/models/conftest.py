"""Seeded canonical frames, small specs, and one registry per session (MLflow's first use takes seconds)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ratoon.models.families import families
from ratoon.models.ladder.run import first
from ratoon.models.registry.mlflow_registry import Registry
from ratoon.spec.model import Spec

START = datetime(2026, 1, 1)

# Warnings of dependencies that we cannot mend.
IGNORED = (
    "ignore:.*Any type hint is inferred as AnyType",  # mlflow 3.17.2 of its own classes, at import
    "ignore:The ``noload`` loader strategy is deprecated",  # mlflow 3.17.2's own tables on SQLAlchemy 2.1
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            for line in IGNORED:
                item.add_marker(pytest.mark.filterwarnings(line))


BUILDS = """
from sklearn.cluster import MiniBatchKMeans
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import SGDClassifier, SGDRegressor
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from ratoon.models.families.custom.own import OwnLearner


def before(last):
    parts = [("scale", StandardScaler(), ["a", "b"]), ("kinds", OneHotEncoder(handle_unknown="ignore"), ["c"])]
    return Pipeline([("prepare", ColumnTransformer(parts, sparse_threshold=0)), ("last", last)])


def sgd_binary():
    return before(SGDClassifier(loss="log_loss"))


def sgd_multiclass():
    return before(SGDClassifier(loss="log_loss", average=True))


def sgd_regression():
    return before(SGDRegressor())


def mlp_regression():
    return before(MLPRegressor(hidden_layer_sizes=(8,), max_iter=20, learning_rate_init=0.01, n_iter_no_change=100))


def mlp_multiclass():
    return before(MLPClassifier(hidden_layer_sizes=(8,), max_iter=20, n_iter_no_change=100, early_stopping=True))


def bayes_binary():
    return before(GaussianNB())


def kmeans_clustering():
    return before(MiniBatchKMeans(n_clusters=4, n_init=3))


def kmeans_alone_clustering():
    return MiniBatchKMeans(n_clusters=4, n_init=3)


def forest_binary():
    return before(RandomForestClassifier(n_estimators=5))


def forest_regression():
    return before(RandomForestRegressor(n_estimators=5))


def lgbm_bare_binary():
    from lightgbm import LGBMClassifier

    return Pipeline([("only", ColumnTransformer([("n", "passthrough", ["a", "b"])])), ("last", small(LGBMClassifier))])


def lgbm_alone_regression():
    from lightgbm import LGBMRegressor

    return small(LGBMRegressor)


def lgbm_multiclass():
    from lightgbm import LGBMClassifier

    return before(small(LGBMClassifier))


def xgb_bare_binary():
    from xgboost import XGBClassifier

    return Pipeline(
        [("only", ColumnTransformer([("n", "passthrough", ["a", "b"])])), ("last", shallow(XGBClassifier))]
    )


def xgb_alone_regression():
    from xgboost import XGBRegressor

    return shallow(XGBRegressor)


def xgb_scaled_regression():
    from sklearn.compose import TransformedTargetRegressor
    from xgboost import XGBRegressor

    return before(TransformedTargetRegressor(shallow(XGBRegressor), transformer=StandardScaler()))


def xgb_multiclass():
    from xgboost import XGBClassifier

    return before(shallow(XGBClassifier))


def shallow(kind):
    return kind(n_estimators=10, max_depth=3, subsample=0.8)


def numbers(last):
    from river import compose, preprocessing

    words = compose.Select("c") | preprocessing.OneHotEncoder()
    return (words + (compose.Select("a", "b") | preprocessing.StandardScaler())) | last


def river_linear_binary():
    from river import linear_model, optim

    return numbers(linear_model.LogisticRegression(optim.Adam(0.01)))


def river_linear_regression():
    from river import linear_model

    return numbers(linear_model.LinearRegression())


def river_bayes_multiclass():
    from river import compose, naive_bayes

    return compose.SelectType(float) | naive_bayes.GaussianNB()


def river_tree_binary():
    from river import tree

    return tree.HoeffdingTreeClassifier(grace_period=20)


def river_forest_multiclass():
    from river import forest

    return forest.ARFClassifier(n_models=3, seed=1)


def torch_binary():
    import torch

    net = torch.nn.Sequential(torch.nn.Linear(2, 8), torch.nn.ReLU(), torch.nn.Dropout(0.1), torch.nn.Linear(8, 1))
    return net, torch.optim.Adam(net.parameters(), lr=0.01)


def torch_multiclass():
    from functools import partial

    import torch

    net = torch.nn.Sequential(torch.nn.LazyLinear(8), torch.nn.BatchNorm1d(8), torch.nn.ReLU(), torch.nn.Linear(8, 3))
    scheduler = partial(torch.optim.lr_scheduler.ExponentialLR, gamma=0.95)
    return net, partial(torch.optim.SGD, lr=0.05, momentum=0.9), scheduler


def torch_regression():
    import torch

    return torch.nn.Sequential(torch.nn.Linear(2, 8), torch.nn.ReLU(), torch.nn.Linear(8, 1))


def own_regression():
    return SGDRegressor(random_state=0)


class OwnSteps(OwnLearner):
    family = "own-steps"

    def learn(self, estimator, X, y, spec):
        estimator.partial_fit(X[["a", "b"]], y)

    def fit(self, estimator, X, y, spec):
        estimator.fit(X[["a", "b"]], y)


def small(kind):
    return kind(n_estimators=10, num_leaves=7, min_child_samples=5, subsample=0.8, subsample_freq=1, verbosity=-1)
"""
# Families that installed packages bring are tried by the same suite.
for _example in (each for family in families() for each in family.examples):
    _module, _, _function = _example.maker.partition(":")
    BUILDS += f"\n\ndef {_example.name}():\n    from {_module} import {_function}\n\n    return {_function}()\n"


@pytest.fixture(scope="session")
def make_spec(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Spec]:
    """A function from (build, task) and sections of the spec to a Spec in a folder of its own."""

    def make(
        build: str = "sgd_binary",
        task: str = "binary",
        *,
        folder: Path | None = None,
        model: str = "model",
        **parts: Any,
    ) -> Spec:
        folder = folder or tmp_path_factory.mktemp("project")
        if not (folder / "training.py").exists():
            (folder / "training.py").write_text(BUILDS)
        learner = {"build": f"training.py:{build}", **parts.pop("learner", {})}
        data = {"source": "rows.parquet", "id": "id", "time": "t"}
        if task != "clustering":
            data["target"] = "y"
        spec = Spec.model_validate({"model": model, "task": task, "data": data, "learner": learner, **parts})
        spec._path = folder / "spec.yaml"
        return spec

    return make


@pytest.fixture(scope="session")
def make_rows() -> Callable[..., pd.DataFrame]:
    """A function from a number of rows and a task to a canonical frame.

    *start*: index of the first row, one an hour. *shift*: how far the relation has moved. *holdout*: whether
    the rows are holdout rows.
    """

    def make(
        n: int, task: str = "binary", *, start: int = 0, shift: float = 0.0, holdout: bool = False, seed: int = 0
    ) -> pd.DataFrame:
        rng = np.random.default_rng([seed, start])
        a, b = rng.normal(size=n), rng.normal(size=n)
        c = rng.choice(["x", "y", "z"], size=n)
        signal = (1 - 2 * shift) * 2 * a + b + (c == "x") + 0.3 * rng.normal(size=n)
        label: Any = {
            "regression": lambda: signal,
            "clustering": lambda: np.zeros(n),
            "binary": lambda: (signal > 0).astype(int),
            "multiclass": lambda: np.where(signal < -1, "low", np.where(signal > 1, "high", "mid")).astype(object),
        }[task]()
        time = pd.to_datetime([START + timedelta(hours=start + i) for i in range(n)]).astype("datetime64[us]")
        kind = "h" if holdout else "r"
        ids = [f"{kind}{hashlib.md5(str((seed, start + i)).encode()).hexdigest()[:8]}" for i in range(n)]
        return pd.DataFrame(
            {
                "_id": pd.Series(ids, dtype=object),
                "_time": time,
                "_label_time": time + pd.Timedelta(hours=1),
                "_target": label,
                "_holdout": holdout,
                "a": a,
                "b": b,
                "c": pd.Series(c, dtype=object),
            }
        )

    return make


@pytest.fixture(scope="session")
def registry_of(
    make_spec: Callable[..., Spec],
    tmp_path_factory: pytest.TempPathFactory,
    empty_mlflow: Callable[[Path], None],
) -> Callable[..., Registry]:
    """A function from a model's name, build and task to its registry; all in one embedded store."""
    folder = tmp_path_factory.mktemp("registry")
    empty_mlflow(folder / ".ratoon")

    def open_registry(model: str, build: str = "sgd_binary", task: str = "binary", **parts: Any) -> Registry:
        return Registry.open(make_spec(build, task, folder=folder, model=model, **parts))

    return open_registry


@pytest.fixture(scope="module")
def world(make_spec: Any, make_rows: Any) -> dict[str, Any]:
    """A champion of an old relation, and rows of the new one."""
    spec = make_spec("sgd_regression", "regression", learner={"epochs": 20}, gate={"anchor": {"margin": 50.0}})
    old, new = make_rows(300, "regression"), make_rows(300, "regression", start=300, shift=0.5)
    champion, _ = first(spec, old, holdout=make_rows(100, "regression", start=9000, holdout=True))
    return {
        "champion": champion,
        "spec": spec,
        "unlearned": new,
        "scratch": lambda since: pd.concat([old, new]),
        "recent": make_rows(150, "regression", start=700, shift=0.5, holdout=True),
        "anchor": make_rows(150, "regression", start=8000, holdout=True),
    }
