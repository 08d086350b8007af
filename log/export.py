"""The log of one model as two Parquet files, which `data` can point at and `ratoon log import` takes back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from ..spec.errors import BadInput
from .entries import LoggedLabel, LoggedPrediction
from .sealed import ARROW
from .values import Kind, as_kind

if TYPE_CHECKING:
    from .log import Log

ROWS, LABELS = "rows.parquet", "labels.parquet"
_PAGE = 10_000
_TIME = pa.timestamp("us")
_OWN = {
    "row_id": pa.string(),
    "time": _TIME,
    "version": pa.string(),
    "watermark": _TIME,
    "arm": pa.string(),
}


def export_log(log: Log, model: str, folder: Path) -> tuple[int, int]:
    """Write `rows.parquet` and `labels.parquet` of *model* into *folder*: how many rows and labels each has.

    The files are whole or not there. Raises BadInput if the log holds nothing of the model, a feature has the name of
    a column of the log's own, or a file is there already.
    """
    columns, places = log.columns(model), log.partitions(model)
    if not places:
        raise BadInput(f"the log holds nothing of {model!r}; nothing was written")
    served: dict[str, Kind] = {"prediction": columns.prediction}
    taken = sorted({*_OWN, *served} & set(columns.features))
    if taken:
        raise BadInput(f"the feature {taken[0]!r} has the name of a column of the log's own; nothing was written")
    kinds = {**served, **columns.features}
    schema = pa.schema({**_OWN, **{name: ARROW[kind] for name, kind in kinds.items()}})
    told = pa.schema(
        {"row_id": pa.string(), "event_id": pa.string(), "label_time": _TIME, "label": ARROW[columns.label]}
    )
    folder.mkdir(parents=True, exist_ok=True)
    rows = ([_row(each, kinds) for each in page] for page in _rows(log, model, places))
    labels = ([_label(each, columns.label) for each in page] for page in _labels(log, model, places))
    return _write(folder / ROWS, schema, rows), _write(folder / LABELS, told, labels)


def _rows(log: Log, model: str, places: tuple[str, ...]) -> Iterator[list[LoggedPrediction]]:
    for place in places:
        position = 0
        while page := log.predictions_after(model, position, _PAGE, place):
            yield page
            position = page[-1].position


def _labels(log: Log, model: str, places: tuple[str, ...]) -> Iterator[list[LoggedLabel]]:
    for place in places:
        position = 0
        while page := log.labels_after(model, position, _PAGE, place):
            yield page
            position = page[-1].position


def _row(logged: LoggedPrediction, kinds: dict[str, Kind]) -> dict[str, object]:
    row = logged.prediction
    own = {name: getattr(row, name) for name in _OWN}
    values = {**row.features, "prediction": row.prediction}
    return {**own, **{name: as_kind(values.get(name), kind) for name, kind in kinds.items()}}


def _label(logged: LoggedLabel, kind: Kind) -> dict[str, object]:
    event = logged.event
    value = as_kind(event.value, kind)
    return {"row_id": event.row_id, "event_id": event.event_id, "label_time": logged.arrival, "label": value}


def _write(file: Path, schema: pa.Schema, pages: Iterator[list[dict[str, Any]]]) -> int:
    if file.exists():
        raise BadInput(f"{file} is there already; nothing was written over it. Remove it, or name another folder")
    part, count = file.with_name(f".{file.name}.part"), 0
    try:
        with pq.ParquetWriter(part, schema, compression="zstd") as writer:
            for page in pages:
                writer.write_table(pa.Table.from_pylist(page, schema=schema))
                count += len(page)
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)
    return count
