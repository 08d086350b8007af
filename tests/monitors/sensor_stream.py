"""Seeded windows for the monitors' tests: an hourly sensor stream with a season, a calendar and categories."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from ratoon.data.window import Window
from ratoon.spec.model import Spec
from ratoon.spec.values import Span

START = datetime(2026, 1, 1)
FEATURES = ("hour", "month", "temp", "load", "rain", "weather", "season")
_OWN = ["_id", "_time", "_label_time", "_target", "_holdout"]


def stream(days: int = 365, *, seed: int = 0) -> pd.DataFrame:
    """Hourly rows from 2026-01-01: canonical columns and FEATURES."""
    rng = np.random.default_rng(seed)
    rows = days * 24
    times = pd.Series(pd.date_range(START + timedelta(hours=1), periods=rows, freq="h")).astype("datetime64[us]")
    day = np.arange(rows) / 24
    temp = 10 - 12 * np.cos(2 * np.pi * day / 365) + rng.normal(0, 3, rows) + 3 * np.sin(2 * np.pi * day)
    weather = rng.choice(["clear", "cloud", "rain", "storm"], rows, p=[0.6, 0.25, 0.145, 0.005])
    season = np.array(["winter", "spring", "summer", "autumn"])[((times.dt.month % 12) // 3).to_numpy()]
    return pd.DataFrame(
        {
            "_id": [f"r{i}" for i in range(rows)],
            "_time": times,
            "_label_time": times,
            "_target": 100 + 2 * temp + rng.normal(0, 10, rows),
            "_holdout": False,
            "hour": times.dt.hour.astype(float),
            "month": times.dt.month.astype(float),
            "temp": temp,
            "load": 40 + 8 * np.sin(2 * np.pi * day) + rng.normal(0, 2, rows),
            "rain": np.where(weather == "rain", rng.gamma(2, 2, rows), 0.0),
            "weather": weather.astype(object),
            "season": season.astype(object),
        }
    ).astype({"_id": object})


def window(frame: pd.DataFrame, start: int, days: int, name: str = "current") -> Window:
    """The rows of *days* days from day *start* of the stream."""
    span = Span(start=START + timedelta(days=start), end=START + timedelta(days=start + days))
    part = frame[(frame["_time"] > span.start) & (frame["_time"] <= span.end)].reset_index(drop=True)
    schema = {c: "float64" if part[c].dtype.kind == "f" else "string" for c in part.columns if c not in _OWN}
    return Window(name, span, part, rows=len(part), labelled=len(part), schema=schema)


def pair(*, start: int = 112, days: int = 14, seed: int = 0) -> tuple[Window, Window]:
    """Eight windows of reference, and the window after them."""
    frame = stream(seed=seed)
    return window(frame, start - 8 * days, 8 * days, "reference"), window(frame, start, days)


def changed(view: Window, **columns: object) -> Window:
    """The window with some columns replaced: by a value, an array, or a function of the column."""
    frame = view.frame.copy()
    for name, new in columns.items():
        frame[name] = new(frame[name]) if callable(new) else new
    return replace(view, frame=frame)


def spec(**monitors: object) -> Spec:
    return Spec.model_validate(
        {
            "model": "sensor",
            "task": "regression",
            "data": {"source": "x.parquet", "id": "i", "time": "t", "target": "y", "features": list(FEATURES)},
            "learner": {"build": "training.py:build"},
            "monitors": {"window": "14d", **monitors},
        }
    )
