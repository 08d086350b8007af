"""Looks at made streams of many kinds, and their signals as plain values: what an optimisation must leave alone.

Run as a script it writes `same_signals.json`, which `test_same_signals.py` holds every later version against.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
from sensor_stream import FEATURES, changed, pair, spec

from ratoon.data.metrics.metrics import METRICS, Outcomes, interval
from ratoon.data.window import Window
from ratoon.monitors.observe import observe
from ratoon.monitors.profile import kinds_of, profile
from ratoon.spec.model import Spec
from ratoon.spec.values import Signal, Span

FILE = Path(__file__).with_name("same_signals.json")
START = datetime(2026, 3, 1)
_OTHERS = (
    "scale",
    "swapped",
    "nulls",
    "holes",
    "multiplied",
)  # they have tests of their own

Row = list[object]


def looks() -> Iterator[tuple[str, list[Row]]]:
    """Each look's name and its signals of quality and drift, in their order."""
    for kind, columns in _SENSOR.items():
        reference, current = pair()
        yield f"sensor, {kind}", _rows(_sensor(reference, changed(current, **columns)))
    for rows in (0, 1, 25, 150):
        reference, current = pair(seed=4)
        yield (
            f"sensor, {rows} rows",
            _rows(_sensor(reference, replace(current, frame=current.frame.head(rows), rows=rows))),
        )
    for kind in _MIXED:
        reference, current = _mixed(kind)
        for known in (False, True):
            yield f"mixed, {kind}, {'with' if known else 'no'} history", _rows(_binary(reference, current, known=known))


_SENSOR: dict[str, dict[str, object]] = {
    "clean": {},
    "drifted": {"temp": lambda c: c + 8, "load": lambda c: c * 1.4},
    "empty columns": {"temp": np.nan, "weather": None},
    "infinite": {"temp": np.inf, "load": lambda c: c.where(c.index % 5 > 0, -np.inf)},
    "half missing": {"temp": lambda c: c.where(c.index % 2 > 0), "weather": lambda c: c.where(c.index % 3 > 0, None)},
    "other types": {"temp": "text", "weather": 3.0},
    "new categories": {"weather": lambda c: c.str.upper()},
    "constant": {"load": 1.0, "season": "winter"},
    "frozen": {"temp": lambda c: c.where(c.index < 200, 7.0)},
    "shuffled": {"temp": lambda c: c.sample(frac=1, random_state=1).to_numpy()},
    "late clock": {"_time": lambda c: c + pd.Timedelta(hours=6)},
    "dates only": {"_time": lambda c: c.dt.floor("D")},
    "shuffled labels": {"_target": lambda c: c.sample(frac=1, random_state=2).to_numpy()},
}
_MIXED = ("clean", "drifted", "odd categories", "copies", "one class", "late labels", "shifted rows", "sparse")


def _sensor(reference: Window, current: Window) -> tuple[Signal, ...]:
    accepted = interval(METRICS["mae"], Outcomes(np.zeros(200), np.random.default_rng(0).normal(0, 10, 200)))
    target = current.frame["_target"].to_numpy(dtype=float)
    outcomes = Outcomes(target, target + np.random.default_rng(1).normal(0, 10, len(target)))
    return observe(
        spec(),
        reference=reference,
        current=current,
        outcomes=outcomes if len(target) else None,
        accepted=accepted,
        performance_span=current.span,
        coverage=1.0,
        known=profile(reference, kinds_of(reference.frame, FEATURES)),
        pages=False,
    ).signals


def _binary(reference: Window, current: Window, *, known: bool) -> tuple[Signal, ...]:
    rng = np.random.default_rng(5)
    frame = current.frame[current.frame["_target"].notna()]
    target = frame["_target"].to_numpy()
    score = np.clip(0.3 * (target == "yes") + rng.uniform(0, 0.7, len(target)), 0, 1)
    said = np.where(score > 0.5, "yes", "no").astype(object)
    outcomes = Outcomes(target, said, score, ("no", "yes"))
    names = [c for c in reference.frame if c[0] != "_"]
    return observe(
        Spec.model_validate(
            {
                "model": "mixed",
                "task": "binary",
                "data": {"source": "x.parquet", "id": "i", "time": "t", "target": "y"},
                "learner": {"build": "training.py:build"},
            }
        ),
        reference=reference,
        current=current,
        outcomes=outcomes,
        accepted=interval(METRICS["accuracy"], Outcomes(np.r_[0, 1], np.r_[0, 1])),
        performance_span=current.span,
        coverage=1.0,
        known=profile(reference, kinds_of(reference.frame, names)) if known else None,
        pages=False,
    ).signals


def _mixed(kind: str) -> tuple[Window, Window]:
    reference = _window("reference", START, 56, 4_000, seed=1)
    current = _window("current", START + timedelta(days=56), 7, 900, seed=2)
    frame = current.frame.copy()
    rng = np.random.default_rng(3)
    if kind == "drifted":
        frame["n0"] += 1.5
        frame["c1"] = np.where(rng.random(len(frame)) < 0.5, "a", frame["c1"]).astype(object)
    elif kind == "odd categories":
        frame["c0"] = [f"new {i % 7}" if i % 4 else each for i, each in enumerate(frame["c0"])]
        frame["c2"] = [None if i % 5 else each for i, each in enumerate(frame["c2"])]
        frame["c3"] = "1.0"
    elif kind == "copies":
        half = len(frame) // 2
        frame = pd.concat([frame.head(half), frame.head(half).assign(_id=[f"k{i}" for i in range(half)])])
        frame = frame.sort_values(["_time", "_id"], kind="stable", ignore_index=True)
    elif kind == "one class":
        frame["_target"] = "yes"
    elif kind == "late labels":
        frame["_target"] = frame["_target"].where(frame.index % 3 == 0, None)
        frame["_label_time"] = frame["_label_time"].where(frame.index % 3 == 0)
    elif kind == "shifted rows":
        for name in ("n1", "c1"):
            frame[name] = frame[name].shift(40, fill_value=frame[name].iloc[0])
    elif kind == "sparse":
        frame["n2"] = frame["n2"].where(rng.random(len(frame)) < 0.1)
        frame["c4"] = frame["c4"].where(rng.random(len(frame)) < 0.01, None)
    return reference, replace(current, frame=frame, rows=len(frame), labelled=int(frame["_target"].notna().sum()))


def _window(name: str, start: datetime, days: int, rows: int, *, seed: int) -> Window:
    """Numbers and categories that go with each other and with the label, some missing, some of few values."""
    rng = np.random.default_rng(seed)
    passed = np.sort(rng.integers(1, days * 86_400_000_000, rows)).astype("timedelta64[us]")
    base = rng.normal(size=rows)
    day = passed.astype(np.int64) / 86_400_000_000
    columns: dict[str, object] = {
        "n0": base + 0.3 * rng.normal(size=rows),
        "n1": np.exp(base) + 0.1 * rng.random(rows),
        "n2": np.where(rng.random(rows) < 0.1, np.nan, 3 * np.sin(2 * np.pi * day) + rng.normal(size=rows)),
        "n3": rng.poisson(3, rows).astype(float),
        "n4": np.where(rng.random(rows) < 0.7, 0.0, rng.gamma(2.0, 2.0, rows)),
        "n5": np.round(base, 1),
        "c0": np.array(list("abcdefgh"), dtype=object)[np.clip((base * 1.5 + 4).astype(int), 0, 7)],
        "c1": np.array(["a", "b", "c"], dtype=object)[rng.integers(0, 3, rows)],
        "c2": np.array([f"city {i}" for i in range(60)], dtype=object)[rng.geometric(0.1, rows) % 60],
        "c3": np.array([str(i) for i in range(5)], dtype=object)[rng.integers(0, 5, rows)],
        "c4": np.where(rng.random(rows) < 0.2, None, np.where(base > 0, "high", "low")).astype(object),
        "c5": np.array([f"user {i}" for i in rng.integers(0, 3_000, rows)], dtype=object),
    }
    times = np.datetime64(start, "us") + passed
    frame = pd.DataFrame(
        {
            "_id": pd.Series([f"{name}{i}" for i in range(rows)], dtype=object),
            "_time": times,
            "_label_time": times + np.timedelta64(1, "h"),
            "_target": np.where(base + 0.5 * rng.normal(size=rows) > 0, "yes", "no").astype(object),
            "_holdout": False,
            **columns,
        }
    )
    schema = {c: "float64" if c[0] == "n" else "string" for c in columns}
    span = Span(start=start, end=start + timedelta(days=days))
    return Window(name, span, frame, rows=rows, labelled=rows, schema=schema)


def _rows(signals: tuple[Signal, ...]) -> list[Row]:
    kept = [s for s in signals if s.monitor in ("quality", "drift") and s.metric not in _OTHERS]
    return [[s.metric, s.column, s.status, s.value, s.reference, s.threshold] for s in kept]


if __name__ == "__main__":
    FILE.write_text(json.dumps(dict(looks()), indent=None, separators=(",", ":")).replace("]],", "]],\n") + "\n")
