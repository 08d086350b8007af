"""What a judgement costs beside the learning that it judges, and beside the bootstrap that it could be made of.

    python benchmarks/judging.py [--rows 300,1000,5000] [--repeats 5]

A champion (fitted on 2,000 made rows of 20 columns) and its update by 500 more are judged on as many recent and older
rows, by the default gate. CPU milliseconds, one thread, medians: `learning` of the update; `predicting` both strata by
both models, which every way of judging needs; `judge` as a whole; `bootstrap` of what `judge` answers in closed form:
1,000 to 5,000 resamples of the gain on both strata.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable
from pathlib import Path
from time import process_time

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table
from sklearn.linear_model import SGDClassifier, SGDRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from ratoon.data.metrics import paired
from ratoon.data.metrics.metrics import METRICS
from ratoon.models.families.choose import build, learner_for
from ratoon.models.gate import judge
from ratoon.spec.keys.gate import GateSpec
from ratoon.spec.model import Spec

COLUMNS = 20
CELLS = (("accuracy", "binary"), ("roc_auc", "binary"), ("mae", "regression"))
bootstrap = getattr(paired, "bootstrapped_gain", paired.paired_gain)


def classifier() -> object:
    return make_pipeline(StandardScaler(), SGDClassifier(loss="log_loss"))


def regressor() -> object:
    return make_pipeline(StandardScaler(), SGDRegressor())


def spec(task: str, metric: str) -> Spec:
    """The estimator is built from this very file."""
    found = Spec.model_validate(
        {
            "model": "judging",
            "task": task,
            "data": {"source": "made.parquet", "id": "id", "time": "time", "target": "y"},
            "learner": {"build": f"judging.py:{'regressor' if task == 'regression' else 'classifier'}"},
            "monitors": {"window": "7d", "performance": {"metric": metric}},
        }
    )
    found._path = Path(__file__)
    return found


def rows(n: int, task: str, seed: int, *, holdout: bool) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, COLUMNS))
    said = X[:, :5].sum(axis=1) * (1 + 0.1 * seed) + rng.normal(size=n) * 2
    time = (pd.Timestamp("2026-01-01") + pd.Timedelta(seed, "W") + pd.to_timedelta(np.arange(n), unit="min")).astype(
        "datetime64[us]"
    )
    frame = pd.DataFrame(X, columns=[f"x{i}" for i in range(COLUMNS)])
    ids = pd.Series([f"{seed}-{i}" for i in range(n)], dtype=object)
    frame.insert(0, "_id", ids)
    target = said if task == "regression" else (said > 0.8).astype(int)
    return frame.assign(_time=time, _label_time=time, _target=target, _holdout=holdout)


def cpu(call: Callable[[], object], repeats: int) -> float:
    """Median CPU milliseconds."""
    call()
    spent = []
    for _ in range(repeats):
        started = process_time()
        call()
        spent.append(process_time() - started)
    return 1000 * statistics.median(spent)


def measured(metric: str, task: str, n: int, repeats: int) -> tuple[float, float, float, float]:
    asked = spec(task, metric)
    estimator = build(asked)
    learner = learner_for(estimator, asked)
    champion = learner.first(estimator, rows(2000, task, 0, holdout=False), asked)
    new = rows(500, task, 1, holdout=False)
    candidate = learner.update(champion, new, asked)
    recent, anchor = rows(n, task, 1, holdout=True), rows(n, task, 0, holdout=True)
    models = (champion, candidate)

    def resampled() -> None:
        for frame in (recent, anchor):
            old, after = (each.predict(frame) for each in models)
            bootstrap(METRICS[metric], after, old, resamples=GateSpec().resamples)

    def predicting() -> float:
        return cpu(lambda: [each.predict(frame) for frame in (recent, anchor) for each in models], repeats)

    predicted = predicting()
    return (
        cpu(lambda: learner.update(champion, new, asked), repeats),
        predicted,
        cpu(lambda: judge(GateSpec(), metric, *models, recent, anchor, seed=0), repeats),
        cpu(resampled, max(1, repeats // 3)) - predicted,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", default="300,1000,5000")
    parser.add_argument("--repeats", type=int, default=5)
    asked = parser.parse_args()
    table = Table("metric", "rows", "learning", "predicting", "judge", "bootstrap", title="CPU ms, one thread")
    with threadpool_limits(limits=1):
        for metric, task in CELLS:
            for n in map(int, asked.rows.split(",")):
                found = measured(metric, task, n, asked.repeats)
                table.add_row(metric, f"{n:,}", *(f"{each:,.1f}" for each in found))
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
