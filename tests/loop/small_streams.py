"""A small stream in a file, its spec and a linear model; and a first version of it that serves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd

from ratoon.loop.champion_lock import UNCONTESTED
from ratoon.loop.context import ModelContext, simulated
from ratoon.loop.learn.first import first_version
from ratoon.loop.review.promote import Move, move_champion
from ratoon.spec.load import load_spec
from ratoon.spec.model import Spec

START, DAY = datetime(2026, 1, 1), timedelta(days=1)
SPEC = """
model: small
task: binary
data: {SOURCE, id: id, time: at, target: y, holdout: 0.2, DATA}
learner: {build: "build.py:build"}
monitors: {window: 7d, every: 1d, performance: {min_labels: 50, estimate: "off"}}
"""
BUILD = """
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.linear_model import SGDClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def build():
    numbers = make_column_transformer((StandardScaler(), make_column_selector(dtype_include="number")))
    return make_pipeline(numbers, SGDClassifier(loss="log_loss", random_state=0))
"""


def moments(days: int, a_day: int) -> pd.Series:
    """So many rows' times, evenly from START on."""
    times = pd.date_range(START, periods=days * a_day, freq=DAY / a_day)
    return pd.Series(times).astype("datetime64[us]")


def spec_of(folder: Path, rows: pd.DataFrame, data: str, *, kind: str = "parquet", more: str = "") -> Spec:
    """*rows* (at, y, features; ids are added) in *folder* as parquet or csv, with a spec.

    *data*: further keys of `data`, of which the labels' time is one; *more*: further parts of the spec.
    """
    folder.mkdir(exist_ok=True)
    rows = rows.assign(id=[f"r{i}" for i in range(len(rows))])
    file = folder / f"rows.{kind}"
    rows.to_csv(file, index=False) if kind == "csv" else rows.to_parquet(file)
    (folder / "build.py").write_text(BUILD)
    written = SPEC.replace("SOURCE", f"source: {file.name}").replace("DATA", data) + more
    (folder / "spec.yaml").write_text(written)
    return load_spec(folder / "spec.yaml")


@contextmanager
def serving(spec: Spec, day: int) -> Iterator[ModelContext]:
    """A backtest's stores, with a first version trained on that day, which serves since."""
    with simulated(spec) as context:
        train(context, day)
        yield context


def train(context: ModelContext, day: int) -> None:
    """A version from scratch on that day, which serves from then on."""
    at = START + day * DAY
    first = not context.registry.versions()
    version = first_version(context, at)
    move_champion(
        context, version.number, Move("first" if first else "promotion", "it is time", "test", at), UNCONTESTED
    )
