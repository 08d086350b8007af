"""What each way of learning on is worth by itself: every strategy serves at every look, without a gate.

    python benchmarks/ways.py [--only elec2,abrupt] [--learners lightgbm,sgd] [--arms warm,warm_blocks]
                              [--set blocks.count=8] [--thin 4] [--json FILE]

For each stream and family one row a strategy: the metric over all predictions pooled, its mean over the stretches
between two looks (ranks of different models have no common scale, so that the second is the fairer one for AUC), the
mean difference to the best strategy, stretch by stretch, with twice its standard error, and the CPU seconds of
learning, one thread, the first fit left out. `warm_blocks` and its defaults were chosen on these streams, none of
those that economy.py and policies.py report beside elec2, bike and us_births; README.md says which on which.

The made streams are seeded: `abrupt` (the relation changes twice), `gradual` (it turns slowly), `recurring` (two
relations by turns), `levels` (a number whose level and scale move), `classes` (seven classes of unequal size, whose
shares and centres move).
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
import pandas as pd
from economy import Asked, spec_of
from halves import STREAMS, Stream
from rich.console import Console
from rich.table import Table
from threadpoolctl import threadpool_limits

from ratoon.data.metrics.metrics import METRICS, Metric, Outcomes
from ratoon.data.source import open_source
from ratoon.loop.plan import plan
from ratoon.models.families.choose import build, learner_for
from ratoon.models.learning.how import How
from ratoon.models.learning.reservoir import beside, drawn
from ratoon.models.learning.trained import Trained
from ratoon.spec.errors import RatoonError
from ratoon.spec.model import Spec

TUNED_ON = ("elec2", "bike", "us_births")
LEARNERS = ("lightgbm", "xgboost", "sgd", "mlp")
ARMS = ("never", "warm", "warm_replay", "shrink_perturb", "warm_blocks", "scratch_recent", "scratch")
THIN = {"us_births": 8}
RECENT = 8  # looks that `scratch_recent` learns


@dataclass(frozen=True)
class Case:
    """A stream ready to be walked: its canonical rows (no holdout among them), by label time, and the looks."""

    spec: Spec
    rows: pd.DataFrame
    looks: tuple[datetime, ...]  # the first fit's moment first

    @property
    def metric(self) -> Metric:
        return METRICS[self.spec.metric]


@dataclass(frozen=True)
class Arm:
    """One strategy on one stream: the metric pooled and by stretch, and CPU seconds of learning."""

    pooled: float
    stretches: tuple[float, ...]
    cpu: float
    failed: int = 0  # updates that were refused

    @property
    def mean(self) -> float:
        return float(np.nanmean(self.stretches))


# Made streams: each gives features, labels and the task, for n rows that come in even time.


def _inputs(rng: np.random.Generator, n: int) -> pd.DataFrame:
    found = pd.DataFrame(rng.standard_normal((n, 8)), columns=[f"x{i}" for i in range(8)])
    found["k"] = rng.choice(list("abcdef"), n, p=[0.3, 0.25, 0.2, 0.15, 0.07, 0.03]).astype(object)
    return found


def _relation(X: pd.DataFrame, turn: Any) -> np.ndarray:
    """A score with an interaction, a threshold and a category; *turn*, in radians, mixes two such relations."""
    one = X.x0 + X.x1 * X.x2 + 1.5 * (X.x3 > 0.5) + X.k.map({"a": 0.8, "b": -0.6}).fillna(0.0)
    two = X.x4 - X.x1 * X.x5 + 1.5 * (X.x0 < -0.5) + X.k.map({"a": -0.8, "c": 0.9}).fillna(0.0)
    return np.asarray(np.cos(turn) * one + np.sin(turn) * two)


def _binary(turn_at: Callable[[np.ndarray], np.ndarray]) -> Callable[[int, int], tuple[pd.DataFrame, np.ndarray, str]]:
    def make(n: int, seed: int) -> tuple[pd.DataFrame, np.ndarray, str]:
        rng = np.random.default_rng(seed)
        X = _inputs(rng, n)
        score = 1.2 * _relation(X, turn_at(np.arange(n) / n)) - 0.5
        return X, (rng.random(n) < 1 / (1 + np.exp(-score))).astype(int), "binary"

    return make


def _levels(n: int, seed: int) -> tuple[pd.DataFrame, np.ndarray, str]:
    rng = np.random.default_rng(seed)
    X, at = _inputs(rng, n), np.arange(n) / n
    grows = np.exp(1.2 * at) * (1 + 0.3 * np.sin(9 * at))
    y = grows * (40 + 10 * _relation(X, 0.8 * at)) + 4 * rng.standard_normal(n)
    return X, y, "regression"


def _classes(n: int, seed: int) -> tuple[pd.DataFrame, np.ndarray, str]:
    rng = np.random.default_rng(seed)
    at = np.arange(n) / n
    shares = np.array([0.36, 0.3, 0.14, 0.1, 0.05, 0.03, 0.02])
    moved = np.log(shares)[None, :] + 0.8 * np.sin(6 * at[:, None] + np.arange(7))
    y = (moved + rng.gumbel(size=moved.shape)).argmax(axis=1)
    centres, drift = rng.standard_normal((7, 8)), rng.standard_normal((7, 8))
    X = _inputs(rng, n)
    numbers = 1.1 * (centres[y] + np.sin(3 * at)[:, None] * drift[y]) + X.iloc[:, :8]
    return numbers.assign(x6=numbers.x6 * numbers.x5, k=X.k), y, "multiclass"


MADE: Mapping[str, Callable[[int, int], tuple[pd.DataFrame, np.ndarray, str]]] = {
    "abrupt": _binary(lambda at: np.select([at < 0.5, at < 0.75], [0.0, 1.4], 2.4)),
    "gradual": _binary(lambda at: 2.5 * at),
    "recurring": _binary(lambda at: np.where((at * 10).astype(int) % 2 == 0, 0.0, 1.4)),
    "levels": _levels,
    "classes": _classes,
}
ROWS: dict[str, int] = {}


def case_of(name: str, learner: str, folder: Path, options: dict[str, Any], thin: int = 1) -> Case:
    """The stream *name* with the family *learner*, whose spec has *options* in `learner` set; every *thin*-th row."""
    if name in MADE:
        X, y, task = MADE[name](ROWS.get(name, 24_000), 11)
        at = pd.to_datetime("2026-01-01") + pd.to_timedelta(np.arange(len(y)) * 15, unit="min")
        ids = [f"r{i}" for i in range(len(y))]
        own = {"_id": ids, "_time": at, "_label_time": at + timedelta(days=1), "_target": y, "_holdout": False}
        kind = "regression" if task == "regression" else "binary"
        read = {
            "model": name,
            "task": task,
            "data": {"source": "none", "id": "id", "time": "t", "target": "y"},
            "learner": {"build": f"learners.py:{learner}_{kind}", **options},
        }
        spec = Spec.model_validate(read)
        spec._path = Path(__file__).with_name("ways.yaml")  # no file: `learners.py` is looked for beside it
        rows = pd.DataFrame(own | {column: X[column] for column in X})
        first = at[0] + (at[-1] - at[0]) / 3
        looks = pd.date_range(first, at[-1], periods=22)
        moments = tuple(each.to_pydatetime() for each in looks)
    else:
        stream: Stream = STREAMS[name]
        spec = spec_of(stream, learner, folder, Asked(whole=True))
        made = {"build": spec.learner.build, **options}
        path = spec.path
        spec = spec.model_copy(update={"learner": type(spec.learner).model_validate(made)})
        spec._path = path
        with open_source(spec) as source:
            planned = plan(source, name, None, None, stream.every or spec.monitors.every)
            extent = source.extent()
            assert extent is not None
            rows = source.as_of(extent.end + timedelta(days=3650)).learned(extent.end + timedelta(days=3650))
        moments = (planned.start, *planned.moments)
        rows = rows.iloc[:: thin * THIN.get(name, 1)]
    return Case(spec, rows.sort_values(["_label_time", "_id"]).reset_index(drop=True), moments)


def how_of(strategy: Any, champion: Trained, new: int, spec: Spec) -> How:
    """The rows that a strategy adds, as the ladder draws them."""
    learner, turn = spec.learner, champion.state.updates
    if strategy == "warm":
        return How()
    if strategy == "warm_blocks":
        return How(strategy, beside(champion.reservoir, new, learner.replay, learner.blocks, turn=turn))
    return How(strategy, drawn(champion.reservoir, new, learner.replay, turn=turn))


def walk(case: Case, arm: str) -> Arm | None:
    """Serve the stream with *arm*; None where the family does not have it."""
    spec, rows = case.spec, case.rows
    arrived, asked = rows["_label_time"].to_numpy(), rows["_time"].to_numpy()
    learner = learner_for(build(spec), spec)
    if not arm.startswith("scratch") and arm != "never" and arm not in learner.strategies:
        return None
    learned = np.datetime64(case.looks[0])
    served = learner.first(build(spec), rows[arrived <= learned], spec)
    cpu, failed, answers = 0.0, 0, []
    for number, (look, until) in enumerate(zip(case.looks, (*case.looks[1:], None), strict=True)):
        now = np.datetime64(look)
        new = rows[(arrived > learned) & (arrived <= now)]
        if number and len(new) and arm != "never":
            began = process_time()
            try:
                if arm == "scratch":
                    served = learner.first(build(spec), rows[arrived <= now], spec)
                elif arm == "scratch_recent":
                    since = np.datetime64(case.looks[max(0, number - RECENT)])
                    if number < RECENT:
                        since = now - RECENT * (now - np.datetime64(case.looks[number - 1]))
                    served = learner.first(build(spec), rows[(arrived > since) & (arrived <= now)], spec)
                else:
                    served = learner.update(served, new, spec, how_of(arm, served, len(new), spec))
                learned = now
            except RatoonError as error:
                failed += 1
                if failed == 1:
                    print(f"{spec.model} {arm}: {error}", file=sys.stderr)
            cpu += process_time() - began
        ahead = rows[(asked > now) & (asked <= np.datetime64(until))] if until else rows[:0]
        if len(ahead):
            answers.append(served.predict(ahead).on(_classes_of(case)))
    metric = case.metric
    return Arm(metric(_pooled(answers)), tuple(metric(each) for each in answers), cpu, failed)


def _classes_of(case: Case) -> tuple[Any, ...]:
    return () if case.spec.task == "regression" else tuple(np.unique(case.rows["_target"]).tolist())


def _pooled(answers: list[Outcomes]) -> Outcomes:
    target, prediction = (np.concatenate([getattr(a, k) for a in answers]) for k in ("target", "prediction"))
    scores = [a.score for a in answers if a.score is not None]
    return Outcomes(target, prediction, np.concatenate(scores) if scores else None, answers[0].classes)


def against(metric: Metric, arm: Arm, best: Arm) -> tuple[float, float]:
    """How much better than *best* it is, stretch by stretch, and twice the standard error of that."""
    sign = 1 if metric.greater_is_better else -1
    gain = sign * (np.array(arm.stretches) - np.array(best.stretches))
    gain = gain[np.isfinite(gain)]
    return float(gain.mean()), float(2 * gain.std(ddof=1) / np.sqrt(len(gain)))


def show(name: str, learner: str, metric: Metric, arms: Mapping[str, Arm], console: Console) -> None:
    """One row for each arm; the best by stretch has nothing to be compared with."""
    best = (max if metric.greater_is_better else min)(arms.values(), key=lambda arm: arm.mean)
    table = Table(title=f"{name}, {learner} ({metric.name})")
    for column in ("strategy", "pooled", "by stretch", "against the best", "CPU s", "refused"):
        table.add_column(column, no_wrap=True)
    for arm, found in arms.items():
        gain, error = against(metric, found, best)
        compared = "best" if found is best else f"{gain:+.4g} ± {error:.2g}"
        table.add_row(
            arm, f"{found.pooled:.4g}", f"{found.mean:.4g}", compared, f"{found.cpu:.2f}", str(found.failed or "")
        )
    console.print(table)


def _options(given: list[str]) -> dict[str, Any]:
    """`blocks.count=8` and the like, as the spec's `learner` part."""
    found: dict[str, Any] = {}
    for each in given:
        path, _, value = each.partition("=")
        *above, key = path.split(".")
        part = found
        for step in above:
            part = part.setdefault(step, {})
        part[key] = json.loads(value) if value[:1].isdigit() or value in ("null", "true", "false") else value
    return found


def main() -> None:
    """Walk each stream with each family and strategy, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default=",".join((*TUNED_ON, *MADE)), help="streams by name, with commas between")
    parser.add_argument("--learners", default=",".join(LEARNERS), help="families by name, with commas between")
    parser.add_argument("--arms", default=",".join(ARMS), help="strategies by name, with commas between")
    parser.add_argument("--set", nargs="+", default=[], help="keys of the spec's `learner`, such as blocks.count=8")
    parser.add_argument("--thin", type=int, default=1, help="take every so-manieth row of the real streams")
    parser.add_argument("--json", type=Path, help="write the figures to this file too")
    given = parser.parse_args()
    found: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder, threadpool_limits(limits=1):
        for name in given.only.split(","):
            for learner in given.learners.split(","):
                case = case_of(name, learner, Path(folder), _options(given.set), given.thin)
                walked = {arm: walk(case, arm) for arm in given.arms.split(",")}
                arms = {arm: result for arm, result in walked.items() if result is not None}
                if not arms:
                    continue
                show(name, learner, case.metric, arms, Console(width=110))
                sys.stdout.flush()
                figures = {arm: {"mean": one.mean, **vars(one)} for arm, one in arms.items()}
                found.append({"stream": name, "learner": learner, "metric": case.metric.name, "arms": figures})
                if given.json:
                    given.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
