"""Run by test_killed_updates.py in a process of its own: update after update, each saved before the next begins.

    python update_loop.py FOLDER BUILD UPDATES

Every finished update is a folder `0007` with the estimator in skops format and Ratoon's own files, written under
another name and renamed when whole. The newest one is where a new process goes on: its watermark says which rows come
next. A line on standard output tells of each.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import skops.io
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import SGDClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from ratoon.models.features import read_canonical
from ratoon.models.flavour import RESERVOIR, STATE, write_extra
from ratoon.models.how import How
from ratoon.models.learner import learner_for
from ratoon.models.reservoir import drawn
from ratoon.models.state import TrainingState
from ratoon.models.trained import Trained
from ratoon.models.trust import trusted
from ratoon.spec.model import Spec

ROWS = 6  # rows of one update
BUILDS = {
    "sgd": lambda: SGDClassifier(loss="log_loss", random_state=0),
    "mlp": lambda: MLPClassifier((4,), max_iter=10, n_iter_no_change=50, random_state=0),
    "bayes": lambda: GaussianNB(),
}
SPEC = Spec.model_validate(
    {
        "model": "killed",
        "task": "binary",
        "data": {"source": "none", "id": "id", "time": "t", "target": "y"},
        "learner": {"build": "none.py:none", "epochs": 2, "replay": {"rows": 40}},
    }
)


def stream(n: int) -> pd.DataFrame:
    """The first *n* rows of one fixed stream, with missing numbers and a category."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=(100_000, 3))[:n]
    at = (pd.to_datetime("2026-01-01") + pd.to_timedelta(np.arange(n), unit="h")).astype("datetime64[us]")
    return pd.DataFrame(
        {
            "_id": pd.Series([f"r{i}" for i in range(n)], dtype=object),
            "_time": at,
            "_label_time": at,
            "_target": (values[:, 0] + values[:, 1] + 0.3 * values[:, 2] > 0).astype(int),
            "_holdout": False,
            "a": np.where(np.arange(n) % 7 == 3, np.nan, values[:, 0]),
            "b": values[:, 1],
            "c": pd.Series([("x", "y", "z")[i % 3] for i in range(n)], dtype=object),
        }
    )


def begin(build: str) -> Trained:
    numbers = Pipeline([("fill", SimpleImputer()), ("scale", StandardScaler())])
    parts = [("numbers", numbers, ["a", "b"]), ("kinds", OneHotEncoder(handle_unknown="ignore"), ["c"])]
    prepare = ColumnTransformer(parts, sparse_threshold=0)
    model = Pipeline([("prepare", prepare), ("last", BUILDS[build]())])
    return learner_for(model, SPEC).first(model, stream(60), SPEC)


def step(champion: Trained, rows: pd.DataFrame) -> Trained:
    """The next update: all rows behind the watermark, at most ROWS; by replay where the family has it."""
    learner = learner_for(champion.estimator, SPEC)
    new = rows[rows["_label_time"] > pd.Timestamp(champion.state.watermark)].head(ROWS)
    if "warm_replay" not in learner.rungs:
        return learner.update(champion, new, SPEC)
    replay = drawn(champion.reservoir, len(new), SPEC.learner.replay, turn=champion.state.updates)
    return learner.update(champion, new, SPEC, How("warm_replay", replay))


def save(trained: Trained, folder: Path) -> None:
    """Whole or not at all: written beside, then renamed."""
    whole = folder / f"{trained.state.updates:04d}"
    part = folder / f".{whole.name}.part"
    part.mkdir(exist_ok=True)  # what a killed save left is written over
    skops.io.dump(trained.estimator, part / "model.skops")
    write_extra(part, trained, None, stream(3))
    part.rename(whole)


def newest(folder: Path) -> Path | None:
    return max((each for each in folder.iterdir() if not each.name.startswith(".")), default=None)


def load(saved: Path) -> Trained:
    state = TrainingState.model_validate_json((saved / STATE).read_text())
    estimator = skops.io.load(saved / "model.skops", trusted=trusted())
    return Trained(estimator, state, saved.name, read_canonical(saved / RESERVOIR))


def main(folder: Path, build: str, updates: int) -> None:
    last = newest(folder)
    if last is None:
        save(begin(build), folder)
        print("began", flush=True)
    rows = stream(60 + ROWS * updates)
    while (done := newest(folder)) is not None and int(done.name) < updates:
        save(step(load(done), rows), folder)
        print(int(done.name) + 1, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
