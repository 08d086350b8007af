"""How far outside a value lies counts, from a handful of rows on; heavy tails, growth and resting columns do not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from numpy.random import Generator
from sensor_stream import changed, pair

from ratoon.data.metrics.metrics import METRICS, Outcomes, interval
from ratoon.data.window import Window
from ratoon.monitors.labels.judged import Judged
from ratoon.monitors.quality import Quality
from ratoon.spec.keys.watching import QualitySpec
from ratoon.spec.values import Signal, Span

START = datetime(2026, 1, 1)
Draw = Callable[[Generator, int, float], np.ndarray]

KINDS: dict[str, Draw] = {
    "normal": lambda rng, n, day: rng.normal(30, 8, n),
    "uniform": lambda rng, n, day: rng.uniform(0, 60, n),
    "whole": lambda rng, n, day: rng.poisson(30, n).astype(float),
    "amounts": lambda rng, n, day: rng.lognormal(3, 1, n),
    "rests": lambda rng, n, day: np.where(rng.random(n) < 0.85, 0.0, rng.gamma(2, 4, n)),
    "small": lambda rng, n, day: rng.normal(0, 1e-4, n),
}
HEAVY: dict[str, Draw] = {
    "lognormal": lambda rng, n, day: rng.lognormal(0, 2, n),
    "pareto": lambda rng, n, day: rng.pareto(1.2, n),
    "student": lambda rng, n, day: rng.standard_t(2, n),
    "grows": lambda rng, n, day: rng.normal(100, 10, n) * (1 + day / 20),
    "counter": lambda rng, n, day: 1000 * day + rng.normal(0, 10, n),
    "storms": lambda rng, n, day: np.where(rng.random(n) < 0.97, 0.0, rng.gamma(1, 8, n)),
    **KINDS,
}
FAULTS: dict[str, tuple[float, Callable[[np.ndarray], np.ndarray]]] = {
    "-999 in 4 %": (0.04, lambda v: np.full_like(v, -999.0)),
    "-9999 in 0.5 %": (0.005, lambda v: np.full_like(v, -9999.0)),
    "2**31 in 1 %": (0.01, lambda v: np.full_like(v, 2.0**31)),
    "a million times in 0.5 %": (0.005, lambda v: 1e6 * (np.abs(v) + 1.0)),
    "minus a million times in 1 %": (0.01, lambda v: -1e6 * (np.abs(v) + 1.0)),
}


def window(draw: Draw, name: str, start: int, days: int, rows: int, seed: int) -> Window:
    rng = np.random.default_rng(seed)
    passed = np.sort(rng.uniform(0, days, rows))
    values = np.concatenate([draw(rng, int((passed.astype(int) == d).sum()), start + d) for d in range(days)])
    times = pd.Timestamp(START) + pd.to_timedelta(start + passed, unit="D")
    span = Span(start=START + timedelta(days=start), end=START + timedelta(days=start + days))
    frame = pd.DataFrame(
        {"_id": [f"{name}{i}" for i in range(rows)], "_time": times.astype("datetime64[us]"), "_target": 0.0,
         "_label_time": pd.NaT, "_holdout": False, "x": values}
    )  # fmt: skip
    return Window(name, span, frame, rows=rows, labelled=rows, schema={"x": "float64"})


def signals(draw: Draw, seed: int, fault: str | None = None) -> list[Signal]:
    reference, current = window(draw, "r", 0, 56, 8000, seed), window(draw, "c", 56, 7, 2000, seed + 100)
    if fault is not None:
        share, worth = FAULTS[fault]
        hit = np.random.default_rng(seed).random(2000) < share
        current.frame.loc[hit, "x"] = worth(current.frame.loc[hit, "x"].to_numpy())
    return Quality(QualitySpec(), ("x",))(reference, current)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_few_rows_far_outside_are_a_fault(kind: str, fault: str) -> None:
    assert [s for s in signals(KINDS[kind], 1, fault) if s.status == "fail" and s.column == "x"]


@pytest.mark.parametrize("kind", HEAVY)
def test_heavy_tails_and_growth_are_none(kind: str) -> None:
    failed = [
        (seed, s.note)
        for seed in range(20)
        for s in signals(HEAVY[kind], seed)
        if s.status == "fail" and s.metric == "out_of_range"
    ]

    assert failed == []


@pytest.mark.parametrize("rows", [1, 4])
def test_one_row_is_worth_a_look(rows: int) -> None:
    reference, current = window(KINDS["normal"], "r", 0, 56, 8000, 1), window(KINDS["normal"], "c", 56, 7, 2000, 2)
    current.frame.loc[: rows - 1, "x"] = -9999.0

    found = [s for s in Quality(QualitySpec(), ("x",))(reference, current) if s.metric == "out_of_range"]

    assert [s.status for s in found] == ["warn"]
    assert str(rows) in found[0].note


@pytest.mark.parametrize(
    ("share", "factor", "status"), [(0.02, 1e6, {"fail"}), (0.02, -1e4, {"fail"}), (0.0, 1.0, set())]
)
def test_labels_far_outside_are_a_fault_of_a_regression(share: float, factor: float, status: set[str]) -> None:
    reference, current = pair()
    hit = np.random.default_rng(0).random(len(current.frame)) < share
    broken = changed(current, _target=lambda c: c.where(~hit, c * factor))
    said = current.frame["_target"].to_numpy() + np.random.default_rng(1).normal(0, 10, len(hit))
    outcomes = Outcomes(broken.frame["_target"].to_numpy(), said)
    judged = Judged("regression", "mae", outcomes, interval(METRICS["mae"], outcomes))

    found = Quality(QualitySpec(), ("temp", "load"), judged=judged)(reference, broken)

    assert {s.status for s in found if s.metric == "label_range"} == status
