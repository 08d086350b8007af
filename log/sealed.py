"""Sealed days as Parquet: one row for each prediction or label, one column for each feature.

A feature's column is its name with `feature:` before it, so that none hides the log's own. Predictions and labels keep
their JSON text, since their kinds may differ from day to day.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from .entries import LoggedPrediction, Prediction
from .values import Kind, as_kind

FEATURE = "feature:"
ARROW: dict[Kind, pa.DataType] = {
    "boolean": pa.bool_(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "text": pa.string(),
    "json": pa.string(),
}
_TIME = pa.timestamp("us")
_OWN = {
    "n": pa.int64(),
    "row_id": pa.string(),
    "time": _TIME,
    "arrival": _TIME,
    "version": pa.string(),
    "watermark": _TIME,
    "arm": pa.string(),
    "prediction": pa.string(),
}
LABELS = pa.schema(
    {"n": pa.int64(), "event_id": pa.string(), "row_id": pa.string(), "arrival": _TIME, "value": pa.string()}
)


def predictions_table(rows: Iterable[Any], kinds: Mapping[str, Kind]) -> pa.Table:
    """Rows of `log_predictions` as Arrow, with the features in *kinds*."""
    listed = list(rows)
    own = {name: pa.array([getattr(row, name) for row in listed], kind) for name, kind in _OWN.items()}
    features = [json.loads(row.features) for row in listed]
    return pa.table({**own, **{FEATURE + name: _column(features, name, kind) for name, kind in kinds.items()}})


def labels_table(rows: Iterable[Any]) -> pa.Table:
    """Rows of `log_labels` as Arrow."""
    return pa.Table.from_pylist([{name: getattr(row, name) for name in LABELS.names} for row in rows], schema=LABELS)


def _column(rows: Sequence[Mapping[str, object]], name: str, kind: Kind) -> pa.Array:
    return pa.array([as_kind(row.get(name), kind) for row in rows], ARROW[kind])


def read_predictions(file: Path, position: int, limit: int) -> list[LoggedPrediction]:
    """The first *limit* predictions of a sealed file after *position*."""
    table = pq.read_table(file, filters=pc.field("n") > position).sort_by("n").slice(0, limit)
    features = [name for name in table.column_names if name.startswith(FEATURE)]
    return [_prediction(row, features) for row in table.to_pylist()]


def _prediction(row: dict[str, Any], features: list[str]) -> LoggedPrediction:
    arrival: datetime = row["arrival"]
    prediction = Prediction(
        row["row_id"],
        row["time"],
        row["version"],
        {name.removeprefix(FEATURE): row[name] for name in features},
        None if row["prediction"] is None else json.loads(row["prediction"]),
        row["watermark"],
        row["arm"],
    )
    return LoggedPrediction(row["n"], arrival, prediction)
