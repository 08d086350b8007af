"""Run by test_killed_updates.py in a process of its own: update after update, each saved before the next begins.

    python update_loop.py FOLDER NAME UPDATES

Every finished update is a version in a folder `0007`, see kept_versions.py. The newest one is where a new process goes
on: its watermark says which rows come next. Standard output tells `saving N` before update N is saved, and `saved N`
when it is whole.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ratoon.models.families.choose import build, learner_for
from ratoon.models.learning.how import How
from ratoon.models.learning.reservoir import beside, drawn
from ratoon.models.learning.trained import Trained
from ratoon.spec.model import Spec

FIRST, ROWS = 60, 6  # rows of the first fit and of one update
TREES = 30  # of 10 at first: from the 21st update on each drops an old tree
BLOCKS = {"count": 3, "rounds": 3, "rows": 100, "recent": 0.4}
OPTIONS: dict[str, dict[str, Any]] = {
    "sgd": {"epochs": 2},
    "mlp": {"epochs": 2},
    "kmeans": {"epochs": 2},
    "torch": {"epochs": 2},
    "lightgbm": {"trees": TREES},
    "xgboost": {"trees": TREES},
    "lightgbm_blocks": {"blocks": BLOCKS},
    "xgboost_blocks": {"blocks": BLOCKS},
    "own": {"family": "kept_builds.py:SharesLearner"},
}


def spec_of(name: str) -> Spec:
    """The spec of one family's model."""
    learner = {"build": f"kept_builds.py:{name}", **OPTIONS.get(name, {})}
    data = {"source": "none", "id": "id", "time": "t"}
    task = "clustering" if name == "kmeans" else "binary"
    if task != "clustering":  # which has neither a target nor a reservoir
        data, learner = {**data, "target": "y"}, {**learner, "replay": {"rows": 40, "recent": 30}}
    spec = Spec.model_validate({"model": "killed", "task": task, "data": data, "learner": learner})
    spec._path = Path(__file__).parent / "spec.yaml"  # the build file lies beside it
    return spec


def stream(updates: int, name: str) -> pd.DataFrame:
    """The rows of one fixed stream, with missing numbers and a category where the family takes them."""
    n = FIRST + ROWS * updates
    values = np.random.default_rng(0).normal(size=(100_000, 3))[:n]
    at = (pd.to_datetime("2026-01-01") + pd.to_timedelta(np.arange(n), unit="h")).astype("datetime64[us]")
    rows = pd.DataFrame(
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
    return rows.drop(columns="c") if name == "torch" else rows


def begin(spec: Spec, rows: pd.DataFrame) -> Trained:
    model = build(spec)
    return learner_for(model, spec).first(model, rows.head(FIRST), spec)


def step(champion: Trained, rows: pd.DataFrame, spec: Spec) -> Trained:
    """The next update: all rows behind the watermark, at most ROWS; by replay or blocks where the family has it."""
    learner = learner_for(champion.estimator, spec)
    new = rows[rows["_label_time"] > pd.Timestamp(champion.state.watermark)].head(ROWS)
    if spec.learner.build.endswith("_blocks"):
        beside_new = beside(champion.reservoir, len(new), spec.learner.replay, spec.learner.blocks)
        return learner.update(champion, new, spec, How("warm_blocks", beside_new))
    if "warm_replay" not in learner.strategies:
        return learner.update(champion, new, spec)
    replay = drawn(champion.reservoir, len(new), spec.learner.replay, turn=champion.state.updates)
    return learner.update(champion, new, spec, How("warm_replay", replay))


def main(folder: Path, name: str, updates: int) -> None:
    from kept_versions import loaded, save, saved  # beside this file, whose folder leads sys.path

    spec, rows = spec_of(name), stream(updates, name)
    while not (done := saved(folder)) or int(done[-1].name) < updates:
        trained = step(loaded(done[-1], spec), rows, spec) if done else begin(spec, rows)
        print(f"saving {trained.state.updates}", flush=True)
        save(trained, folder, spec, rows.head(3))
        print(f"saved {trained.state.updates}", flush=True)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
