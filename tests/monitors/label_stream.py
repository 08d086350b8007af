"""Labelled windows of three tasks beside what a fair champion says of them, and ways in which labels go wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

import numpy as np
import pandas as pd

from ratoon.data.metrics.metrics import METRICS, Interval, Outcomes, interval
from ratoon.monitors.labels.judged import Judged, WindowBefore
from ratoon.monitors.performance.performance import Accepted

START = datetime(2026, 3, 1)
DAYS, A_DAY = 7, 150
SITES = ("north", "south", "east", "west")
METRIC = {"binary": "roc_auc", "multiclass": "accuracy", "regression": "mae"}


@dataclass(frozen=True)
class Labels:
    """Rows of one window with labels, and what a champion says of the rows."""

    task: str
    frame: pd.DataFrame
    prediction: np.ndarray
    score: np.ndarray | None
    classes: tuple[object, ...]

    def outcomes(self, target: pd.Series) -> Outcomes:
        return Outcomes(target.to_numpy(), self.prediction, self.score, self.classes)


@cache
def window(task: str, number: int, *, seed: int = 0, turn: float = 0.0, prior: float = 0.0) -> Labels:
    """Window *number*: labels go with `a` and, by the hour, with `b`; *turn* moves the relation, *prior* the rate."""
    rng = np.random.default_rng([seed, number])
    n = DAYS * A_DAY
    at = pd.Series(pd.date_range(START + number * timedelta(DAYS), periods=n, freq=timedelta(days=1) / A_DAY))
    hour = np.sin(2 * np.pi * np.arange(n) / A_DAY)
    a, b, c = rng.normal(size=n), hour + rng.normal(0, 1, n), rng.normal(size=n)
    site = rng.choice(SITES, n, p=[0.3, 0.3, 0.25, 0.15]).astype(object)
    known = 1.5 * a + b
    z = np.cos(turn) * known + np.sin(turn) * 2 * c + prior
    frame = pd.DataFrame({"_id": [f"{number}-{i}" for i in range(n)], "_time": at.astype("datetime64[us]")})
    shop = np.where(np.arange(n) % 25 == 0, "kiosk", "hall").astype(object)
    frame = frame.assign(a=a, b=b, c=c, site=site, shop=shop)
    noisy = known + rng.normal(0, 0.3, n)
    if task == "regression":
        return Labels(task, frame.assign(_target=100 + 20 * z + rng.normal(0, 12, n)), 100 + 20 * noisy, None, ())
    if task == "binary":
        y = rng.uniform(size=n) < 1 / (1 + np.exp(-(2 * z - 1)))
        score = 1 / (1 + np.exp(-(2 * noisy - 1)))
        return Labels(task, frame.assign(_target=y.astype(float)), (score > 0.5).astype(float), score, (0.0, 1.0))
    centres = np.array([-2.0, 0.0, 2.0])
    names = np.array(["low", "middle", "top"], dtype=object)
    score = np.exp(-((noisy[:, None] - centres) ** 2))
    score /= score.sum(axis=1, keepdims=True)
    y = names[np.argmin(np.abs((z + rng.normal(0, 0.6, n))[:, None] - centres), axis=1)]
    return Labels(task, frame.assign(_target=y), names[score.argmax(axis=1)], score, tuple(names))


@cache
def accepted_at_first(task: str) -> Interval:
    first = window(task, 90)
    return interval(METRICS[METRIC[task]], first.outcomes(first.frame["_target"]))


def judged(now: Labels, target: pd.Series, before: list[tuple[Labels, pd.Series]]) -> Judged:
    """*now* with the labels *target*, after the windows *before* (the newest first), and accepted as at first."""
    metric, was = METRICS[METRIC[now.task]], accepted_at_first(now.task)
    earlier = tuple(
        WindowBefore(each.frame.assign(_target=y), each.outcomes(y), each.frame.assign(_target=y)) for each, y in before
    )
    accepted = Accepted(was.value, was.low, was.high, was.rows)
    rows = now.frame.assign(_target=target)
    return Judged(now.task, metric.name, now.outcomes(target), accepted, 0, lambda: earlier, rows)


Fault = Callable[[Labels, Labels, np.random.Generator], pd.Series]


def turned(y: pd.Series, task: str, where: np.ndarray) -> pd.Series:
    if task == "multiclass":
        return y.where(~where, y.map({"low": "top", "top": "low", "middle": "middle"}))
    return y.where(~where, 1 - y if task == "binary" else 200 - y)


def in_group(*sites: str) -> Fault:
    return lambda now, _, rng: turned(now.frame["_target"], now.task, now.frame["site"].isin(sites).to_numpy())


def above(share: float) -> Fault:
    """Turned round where a number is large."""
    return lambda now, _, rng: turned(
        now.frame["_target"], now.task, (now.frame["c"] > now.frame["c"].quantile(1 - share)).to_numpy()
    )


def default(share: float, value: object) -> Fault:
    return lambda now, _, rng: now.frame["_target"].mask(rng.uniform(size=len(now.frame)) < share, value)


def site_default(site: str, value: object) -> Fault:
    return lambda now, _, rng: now.frame["_target"].mask(now.frame["site"] == site, value)


def shifted(rows: int) -> Fault:
    return lambda now, _, rng: pd.Series(np.roll(now.frame["_target"].to_numpy(), rows))


def within_a_day(now: Labels, _: Labels, rng: np.random.Generator) -> pd.Series:
    days = now.frame["_time"].dt.floor("D")
    return now.frame["_target"].groupby(days).transform(lambda c: rng.permutation(c.to_numpy()))


def permuted(now: Labels, _: Labels, rng: np.random.Generator) -> pd.Series:
    return pd.Series(rng.permutation(now.frame["_target"].to_numpy()))


def last_week_s(now: Labels, before: Labels, rng: np.random.Generator) -> pd.Series:
    return before.frame["_target"].copy()


def unit(value: str, factor: float, of: str = "site") -> Fault:
    return lambda now, _, rng: now.frame["_target"].where(now.frame[of] != value, now.frame["_target"] * factor)


def named(**names: str) -> Fault:
    return lambda now, _, rng: now.frame["_target"].replace(names)
