"""Made streams with known truth: each world is a seeded generator of rows, and the moments at which it changed.

    python benchmarks/made.py WORLD SEED FOLDER      # writes WORLD-SEED.parquet and WORLD-SEED.yaml

Every world has 20,000 rows over 300 days, six numbers and a group of four levels as features, and a label time.
What a seed draws is the concept, when it changes, how fast, and how late labels come: another seed is another stream
of the same kind. Seeds 0, 2 and 3 are for tuning, seed 1 for reporting (`halves.py`).
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from numpy.typing import NDArray

Array = NDArray[Any]

START = datetime(2024, 1, 1)
DAYS = 300.0
EVERY = "8d"  # between looks: some 530 rows
NUMBERS = tuple(f"x{n}" for n in range(1, 7))
GROUPS = ("a", "b", "c", "d")


@dataclass(frozen=True)
class Made:
    """*rows* with id `seq`, `event_time`, `label_time`, features and `target`; *changes* are when the world changed.

    Gradual changes stand with their start and their end.
    """

    rows: pd.DataFrame
    task: str
    metric: str
    changes: tuple[datetime, ...] = ()


class World:
    """The features of *n* rows in the order of time, and a concept to label them by."""

    def __init__(self, rng: np.random.Generator, n: int) -> None:
        self.rng, self.n = rng, n
        self.days = np.sort(rng.uniform(0, DAYS, n))
        self.numbers = rng.normal(size=(n, len(NUMBERS)))
        self.group = rng.integers(0, len(GROUPS), n)

    def concept(self) -> Callable[[Array], Array]:
        """A function that is drawn anew at each call: from row numbers, shape (k,), to scores of variance near 2."""
        slopes = self.rng.normal(size=len(NUMBERS))
        slopes *= 1.1 / np.linalg.norm(slopes)
        bend, levels = self.rng.normal(0, 0.6), self.rng.normal(0, 0.6, len(GROUPS))
        first, second = self.rng.choice(len(NUMBERS), 2, replace=False)

        def scores(rows: Array) -> Array:
            x = self.numbers[rows]
            return np.asarray(x @ slopes + bend * x[:, first] * x[:, second] + levels[self.group[rows]])

        return scores

    @property
    def all(self) -> Array:
        return np.arange(self.n)

    def day(self, low: float, high: float) -> float:
        """A day at a share of the stream's time between *low* and *high*."""
        return float(self.rng.uniform(low, high) * DAYS)

    def hit(self, scores: Array) -> Array:
        """0 or 1 by the logistic of *scores*, shape (n,)."""
        return (self.rng.random(self.n) < 1 / (1 + np.exp(-1.6 * scores))).astype(np.int64)

    def made(
        self,
        target: Array,
        *,
        task: str = "binary",
        metric: str = "roc_auc",
        delay: Array | None = None,
        changes: tuple[float, ...] = (),
        more: dict[str, Array] | None = None,
    ) -> Made:
        """The rows; *delay* in days, left out: some hours."""
        late = delay if delay is not None else self.rng.uniform(0.1, 0.5, self.n)
        begin = pd.Timestamp(START)
        rows = pd.DataFrame({"seq": self.all, "event_time": begin + pd.to_timedelta(self.days, unit="D")})
        rows["label_time"] = begin + pd.to_timedelta(self.days + late, unit="D")
        rows = rows.assign(**{name: self.numbers[:, n] for n, name in enumerate(NUMBERS)})
        rows["group"] = np.asarray(GROUPS)[self.group]
        rows = rows.assign(**(more or {}), target=target)
        rows[["event_time", "label_time"]] = rows[["event_time", "label_time"]].astype("datetime64[us]")
        return Made(rows, task, metric, tuple(START + timedelta(days=day) for day in changes))


def calm(world: World) -> Made:
    """Nothing changes: nothing is worth learning but more rows of the same."""
    return world.made(world.hit(world.concept()(world.all)))


def calm_regression(world: World) -> Made:
    """Nothing changes, and the target is a number."""
    noise = world.rng.normal(0, 0.7, world.n)
    return world.made(10 + 3 * world.concept()(world.all) + noise, task="regression", metric="mae")


def abrupt(world: World) -> Made:
    """One concept until a day, another from then on."""
    day, before, after = world.day(0.45, 0.7), world.concept()(world.all), world.concept()(world.all)
    return world.made(world.hit(np.where(world.days < day, before, after)), changes=(day,))


def gradual(world: World) -> Made:
    """One concept turns into another over a third of the time or more."""
    start, end = world.day(0.35, 0.5), world.day(0.85, 1.0)
    share = np.clip((world.days - start) / (end - start), 0, 1)
    before, after = world.concept()(world.all), world.concept()(world.all)
    return world.made(world.hit((1 - share) * before + share * after), changes=(start, end))


def recurring(world: World) -> Made:
    """Two regimes take turns; the first training has seen both."""
    length = world.day(0.1, 0.15)
    odd = (world.days // length).astype(int) % 2 == 1
    one, other = world.concept()(world.all), world.concept()(world.all)
    turns = np.arange(length, DAYS, length)
    return world.made(world.hit(np.where(odd, other, one)), changes=tuple(float(each) for each in turns))


def prior_shift(world: World) -> Made:
    """The share of positives grows from about 0.2 to 0.55, while rows of a class look as they always did."""
    start, end = world.day(0.35, 0.5), world.day(0.7, 0.9)
    share = 0.2 + 0.35 * np.clip((world.days - start) / (end - start), 0, 1)
    target = (world.rng.random(world.n) < share).astype(np.int64)
    away = world.rng.normal(size=len(NUMBERS))
    world.numbers += 1.2 * np.outer(target, away / np.linalg.norm(away))
    return world.made(target, metric="log_loss", changes=(start, end))


def growing_scale(world: World) -> Made:
    """Amounts and their errors grow without end, four- to eightfold over the stream: no change of the concept."""
    level = np.exp(np.log(world.rng.uniform(4, 8)) * world.days / DAYS)
    size = level * np.exp(world.rng.normal(0, 0.3, world.n))
    target = 100 * size * np.exp(0.25 * world.concept()(world.all) + world.rng.normal(0, 0.15, world.n))
    return world.made(target, task="regression", metric="mae", more={"amount": size})


def late_labels(world: World) -> Made:
    """As *abrupt*, with labels 30 to 45 days late: longer than a champion that is renewed at every look lives."""
    day, before, after = world.day(0.45, 0.6), world.concept()(world.all), world.concept()(world.all)
    delay = world.rng.uniform(30, 40) + world.rng.uniform(0, 5, world.n)
    return world.made(world.hit(np.where(world.days < day, before, after)), delay=delay, changes=(day,))


def label_dependent_delay(world: World) -> Made:
    """Nothing changes, but positives are known at once and negatives after weeks: labels that came early are biased.

    Among the positives those with a large first number come first.
    """
    target = world.hit(world.concept()(world.all) - 0.8)
    early = world.rng.exponential(1.0, world.n) + 4 / (1 + np.exp(2 * world.numbers[:, 0]))
    delay = np.where(target == 1, early, world.rng.uniform(18, 25) + world.rng.uniform(0, 5, world.n))
    return world.made(target, metric="log_loss", delay=delay)


def new_regime(world: World) -> Made:
    """Four classes; from a day on they are told apart in another way, and the rarest becomes common."""
    day = world.day(0.45, 0.65)
    before = np.column_stack([world.concept()(world.all) for _ in range(4)]) - [0, 0, 0, 1.2]
    after = np.column_stack([world.concept()(world.all) for _ in range(4)]) - [0, 0, 0.8, 0]
    scores = 1.6 * np.where((world.days < day)[:, None], before, after)
    drawn = np.argmax(scores + world.rng.gumbel(size=scores.shape), axis=1)  # softmax, by the Gumbel trick
    return world.made(drawn.astype(np.int64), task="multiclass", metric="accuracy", changes=(day,))


LEARNERS = Path(__file__).with_name("learners.py")

WORLDS: dict[str, Callable[[World], Made]] = {
    each.__name__: each
    for each in (
        calm, calm_regression, abrupt, gradual, recurring, prior_shift, growing_scale, late_labels,
        label_dependent_delay, new_regime,
    )
}  # fmt: skip


def made(name: str, seed: int, rows: int = 20_000) -> Made:
    """The stream of world *name*; equal arguments give equal rows."""
    rng = np.random.default_rng([seed, zlib.crc32(name.encode())])
    return WORLDS[name](World(rng, rows))


def write_made(name: str, seed: int, folder: Path, *, rows: int = 20_000, build: str = f"{LEARNERS}:sgd") -> Path:
    """Write the rows and a spec with Ratoon's defaults into *folder*; the spec's path.

    *build*: the file of build functions and the family's name, to which the task is added.
    """
    found = made(name, seed, rows)
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name}-{seed}.parquet"
    found.rows.to_parquet(file, index=False)
    spec = {
        "model": f"{name.replace('_', '-')}-{seed}",
        "task": found.task,
        "data": {
            "source": str(file.resolve()), "id": "seq", "time": "event_time", "target": "target",
            "label_time": "label_time",
        },
        "learner": {"build": f"{build}_{found.task}"},
        "monitors": {
            "window": EVERY, "every": EVERY,
            "performance": {"metric": found.metric, "min_labels": 200},
        },
        "review": "automatic",
    }  # fmt: skip
    path = folder / f"{name}-{seed}.yaml"
    path.write_text(yaml.safe_dump(spec, sort_keys=False))
    return path


if __name__ == "__main__":
    print(write_made(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])))
