"""The warm-start gap of Ash & Adams (NeurIPS 2020, arXiv:1910.08475), on data sets that scikit-learn ships.

    python benchmarks/warm_start_gap.py [--seeds 10] [--epochs 150]

A network is trained on half of the rows until it fits them, then on all; another is trained on all of them from a
fresh start. The warm-started one has seen every row and fits them as well, and yet it may predict unseen rows worse:
that is the gap. All arms are Ratoon's own learner on Ratoon's own strategies, with the whole first half as replay. Test
labels are always clean; in the rows learned a share of the labels is noise, without which these sets leave no gap.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from dataclasses import dataclass

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table
from scipy.stats import t as student
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier

from ratoon.models.families.sklearn.partial_fit import SklearnPartial
from ratoon.models.learning.how import How
from ratoon.models.learning.reservoir import drawn
from ratoon.models.learning.trained import Trained
from ratoon.spec.model import Spec


@dataclass(frozen=True)
class Setting:
    """One data set, the rows learned, and the share of their labels that is drawn at random."""

    name: str
    load: Callable[..., tuple[np.ndarray, np.ndarray]]
    rows: int
    noise: float


SETTINGS = (
    Setting("digits, 40 % of labels random", load_digits, 400, 0.4),
    Setting("digits, clean labels", load_digits, 400, 0.0),
)
ARMS = ("fresh", "warm, new rows only", "warm_replay", "shrink_perturb .6/.01", "shrink_perturb .3/1")
FRESH, WARM = ARMS[0], ARMS[2]


def spec(keep: float, noise: float, epochs: int) -> Spec:
    return Spec.model_validate(
        {
            "model": "gap",
            "task": "multiclass",
            "data": {"source": "none", "id": "id", "time": "t", "target": "y"},
            "learner": {"build": "none.py:none", "epochs": epochs, "shrink": {"keep": keep, "noise": noise}},
        }
    )


def network(seed: int, epochs: int) -> MLPClassifier:
    """No weight decay, no early stopping: trained until the rows are fitted, labels that are noise too."""
    return MLPClassifier(
        (100,),
        learning_rate_init=3e-3,
        alpha=0.0,
        batch_size=32,
        max_iter=epochs,
        tol=0.0,
        n_iter_no_change=epochs,
        random_state=seed,
    )


def frame(X: np.ndarray, y: np.ndarray) -> pd.DataFrame:
    """A canonical frame, one row an hour."""
    at = pd.to_datetime("2026-01-01") + pd.to_timedelta(np.arange(len(y)), unit="h")
    own = {"_id": [f"r{i}" for i in range(len(y))], "_time": at, "_label_time": at, "_target": y, "_holdout": False}
    return pd.DataFrame(own | {f"x{i}": X[:, i] for i in range(X.shape[1])})


def one_seed(setting: Setting, seed: int, epochs: int) -> dict[str, tuple[float, float, float]]:
    """Per arm: test accuracy, accuracy on the rows learned, CPU seconds of its last training."""
    rng = np.random.default_rng([seed, setting.rows])
    X, y = setting.load(return_X_y=True)
    X = X / X.max()
    order = rng.permutation(len(y))
    learn, test = order[: setting.rows], order[setting.rows :]
    labels = np.where(rng.uniform(size=len(learn)) < setting.noise, rng.choice(y, size=len(learn)), y[learn])
    rows, unseen = frame(X[learn], labels), frame(X[test], y[test])
    half, rest = rows.iloc[: len(rows) // 2], rows.iloc[len(rows) // 2 :]
    learner = SklearnPartial.of(network(0, 1), spec(1, 0, 1))
    before = learner.first(network(seed, epochs), half, spec(1, 0, epochs))
    replay = drawn(before.reservoir, len(rest), spec(1, 0, 1).learner.replay)

    def arm(name: str) -> Trained:
        if name == FRESH:
            return learner.first(network(seed + 1000, epochs), rows, spec(1, 0, epochs))
        if name == "warm, new rows only":
            return learner.update(before, rest, spec(1, 0, epochs))
        if name == "warm_replay":
            return learner.update(before, rest, spec(1, 0, epochs), How("warm_replay", replay))
        keep, noise = map(float, name.split()[1].split("/"))
        return learner.update(before, rest, spec(keep, noise, epochs), How("shrink_perturb", replay))

    found = {}
    for name in ARMS:
        started = time.process_time()
        trained = arm(name)
        seconds = time.process_time() - started
        found[name] = (accuracy(trained, unseen), accuracy(trained, rows), seconds)
    return found


def accuracy(trained: Trained, rows: pd.DataFrame) -> float:
    outcomes = trained.predict(rows)
    return float(np.mean(outcomes.prediction == outcomes.target))


def interval(values: np.ndarray) -> str:
    """Mean and Student's 95 % interval over seeds, in points."""
    half = student.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    return f"{100 * values.mean():+.2f} ± {100 * half:.2f}"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--epochs", type=int, default=150)
    asked = parser.parse_args()
    table = Table(title=f"Warm-start gap: {asked.seeds} seeds, {asked.epochs} epochs a stage, network of 100")
    for column in ("setting", "arm", "fits its rows", "final accuracy", "gap to fresh", "over warm_replay", "CPU s"):
        table.add_column(column, justify="left" if column in ("setting", "arm") else "right")
    for setting in SETTINGS:
        runs = [one_seed(setting, seed, asked.epochs) for seed in range(asked.seeds)]
        figures = {name: np.array([run[name] for run in runs]) for name in ARMS}
        for name, (test, fit, cpu) in ((name, each.T) for name, each in figures.items()):
            gap = "" if name == FRESH else interval(test - figures[FRESH][:, 0])
            over = interval(test - figures[WARM][:, 0]) if name.startswith("shrink") else ""
            first = setting.name if name == FRESH else ""
            table.add_row(first, name, f"{fit.mean():.3f}", f"{test.mean():.4f}", gap, over, f"{cpu.mean():.2f}")
        table.add_section()
    table.caption = "gap and over: points of accuracy, paired by seed, Student's 95 % intervals"
    Console(width=132).print(table)


if __name__ == "__main__":
    main()
