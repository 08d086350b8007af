"""A small model with three versions in an embedded registry, and one of another task beside."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from ratoon.models.ladder.run import first
from ratoon.models.registry.evidence import Evidence
from ratoon.models.registry.mlflow_registry import Registry
from ratoon.spec.load import load_spec
from ratoon.spec.model import Spec

AT = datetime(2026, 2, 1)
BUILD = """
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import SGDClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler


def build():
    parts = [("scale", StandardScaler(), ["a", "b"]), ("kinds", OneHotEncoder(handle_unknown="ignore"), ["c"])]
    prepare = ColumnTransformer(parts, sparse_threshold=0)
    return Pipeline([("prepare", prepare), ("last", SGDClassifier(loss="log_loss"))])
"""
VERSIONS = ("1", "2", "3")
ROW = {"a": 0.25, "b": -1.5, "c": "x"}


@dataclass(frozen=True)
class Served:
    """A project whose model is served."""

    folder: Path

    @property
    def spec(self) -> Spec:
        return load_spec(self.folder / "spec.yaml")

    @property
    def registry(self) -> Registry:
        return Registry.open(self.spec)

    def promote(self, number: str) -> None:
        """Move the alias `champion` straight in the registry's table: MLflow's import takes seconds."""
        with closing(sqlite3.connect(self.folder / ".ratoon" / "mlflow.db", timeout=30)) as database, database:
            database.execute("delete from registered_model_aliases where alias = 'champion'")
            database.execute(
                "insert into registered_model_aliases (alias, version, name, workspace) "
                "values ('champion', ?, ?, 'default')",
                (int(number), self.spec.model),
            )

    def expected(self, number: str, frame: pd.DataFrame) -> pd.DataFrame:
        """What the version says, by the way that is not prepared."""
        return self.registry.load(number).predict_frame(frame)


def rows(n: int, *, seed: int = 0, shift: float = 0.0) -> pd.DataFrame:
    """Canonical rows, one an hour."""
    rng = np.random.default_rng(seed)
    a, b, c = rng.normal(size=n), rng.normal(size=n), rng.choice(["x", "y", "z"], size=n)
    times = pd.Series([AT - timedelta(days=30) + timedelta(hours=i) for i in range(n)]).astype("datetime64[us]")
    return pd.DataFrame(
        {
            "_id": pd.Series([f"r{seed}-{i}" for i in range(n)], dtype=object),
            "_time": times,
            "_label_time": times,
            "_target": ((1 - 2 * shift) * a + b + (c == "x") > 0).astype(np.int64),
            "_holdout": False,
            "a": a,
            "b": b,
            "c": pd.Series(c, dtype=object),
        }
    )


def made_registry(folder: Path, empty_mlflow: Any) -> None:
    """The project with its versions."""
    folder.mkdir()
    (folder / "training.py").write_text(BUILD)
    content = {
        "model": "shop",
        "task": "binary",
        "data": {"source": "rows.parquet", "id": "row_id", "time": "t", "target": "y"},
        "learner": {"build": "training.py:build", "limits": {"apart": False}},
    }
    (folder / "spec.yaml").write_text(yaml.safe_dump(content))
    empty_mlflow(folder / ".ratoon")
    spec = load_spec(folder / "spec.yaml")
    registry = Registry.open(spec)
    for at, number in enumerate(VERSIONS):
        trained, _ = first(spec, rows(300, seed=at, shift=at / 2), holdout=rows(60, seed=50 + at))
        made = registry.register(trained, Evidence(decision=f"d{at}", at=AT, example=rows(5, seed=90)))
        assert made.number == number
    registry.promote("1")


def open_served(made: Path, folder: Path) -> Served:
    """A copy of the project elsewhere, with MLflow's paths moved along."""
    shutil.copytree(made, folder)
    with closing(sqlite3.connect(folder / ".ratoon" / "mlflow.db")) as database, database:
        database.execute(
            "update model_versions set storage_location = replace(storage_location, ?, ?)", (str(made), str(folder))
        )
    return Served(folder)
