"""Streams that come inside the package `river`, written as Parquet with a spec; read without a network.

Shuttle (Statlog, 1993), Bananas, ImageSegments (Statlog), Phishing and TrumpApproval have no times: their rows count
as minutes in the order in which the package gives them. WaterFlow is hourly, in UTC.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

PACKAGED = ("shuttle", "bananas", "segments", "phishing", "trump", "water_flow")


def write_packaged(name: str, folder: Path) -> Path:
    """Write rows and spec of the stream into *folder*; the spec's path. Needs the extra `river`."""
    task, metric, looks, rows = _READ[name]()
    rows.insert(0, "seq", range(len(rows)))
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name}.parquet"
    rows.to_parquet(file, index=False)
    timed = "event_time" in rows
    every = f"{len(rows) // looks}{'h' if timed else 'm'}"
    spec = {
        "model": name.replace("_", "-"),
        "task": task,
        "data": {"source": str(file.resolve()), "id": "seq", "target": "target"}
        | ({"time": "event_time", "label_delay": "1h"} if timed else {"time": "seq", "time_unit": "1m"}),
        "learner": {"build": f"{Path(__file__).with_name('learners.py')}:sgd_{task}"},
        "monitors": {"window": every, "every": every, "performance": {"metric": metric, "min_labels": 30}},
        "review": "automatic",
    }
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(spec, sort_keys=False))
    return path


_Read = tuple[str, str, int, pd.DataFrame]  # task, metric, looks over the whole stream, rows


def _river(name: str) -> pd.DataFrame:
    from river import datasets

    pairs: Any = list(getattr(datasets, name)())
    return pd.DataFrame([features for features, _ in pairs]).assign(target=[target for _, target in pairs])


def _binary(name: str, metric: str, looks: int) -> _Read:
    rows = _river(name).rename(columns=lambda column: f"f_{column}" if str(column).isdigit() else column)
    return "binary", metric, looks, rows.assign(target=rows["target"].astype(int))


def _segments() -> _Read:
    return "multiclass", "accuracy", 24, _river("ImageSegments")


def _trump() -> _Read:
    return "regression", "mae", 24, _river("TrumpApproval").drop(columns="ordinal_date")


def _water_flow() -> _Read:
    rows = _river("WaterFlow")
    time = pd.to_datetime(rows.pop("Time"), utc=True).dt.tz_localize(None)
    rows = rows.assign(event_time=time.astype("datetime64[us]"), hour=time.dt.hour, weekday=time.dt.dayofweek)
    return "regression", "mae", 24, rows


_READ: dict[str, Callable[[], _Read]] = {
    "shuttle": lambda: _binary("Shuttle", "roc_auc", 36),
    "bananas": lambda: _binary("Bananas", "roc_auc", 30),
    "segments": _segments,
    "phishing": lambda: _binary("Phishing", "roc_auc", 18),
    "trump": _trump,
    "water_flow": _water_flow,
}
