"""Reading the log after a position, and what it holds, in one transaction of the caller's."""

from __future__ import annotations

import json
from pathlib import Path

from sqlalchemy import Connection, select

from .engine import Partition
from .entries import LabelEvent, LoggedLabel, LoggedPrediction, Prediction
from .sealed import read_predictions
from .tables import clocks, labels, predictions, seals


def labels_after(connection: Connection, place: Partition, position: int, limit: int) -> list[LoggedLabel]:
    """The next labels of a partition; sealed ones stay in their table as well, until they are pruned."""
    table = labels
    query = (
        select(table.c.n, table.c.arrival, table.c.row_id, table.c.value, table.c.event_id)
        .where(table.c.model == place[0], table.c.partition == place[1], table.c.n > position)
        .order_by(table.c.n)
        .limit(limit)
    )
    return [
        LoggedLabel(n, arrival, LabelEvent(row_id, json.loads(value), event_id))
        for n, arrival, row_id, value, event_id in connection.execute(query)
    ]


def predictions_after(
    connection: Connection, folder: Path | None, place: Partition, position: int, limit: int
) -> list[LoggedPrediction]:
    """The next predictions of a partition, from sealed files first."""
    found: list[LoggedPrediction] = []
    if folder is not None:
        query = (
            select(seals.c.file)
            .where(
                seals.c.model == place[0],
                seals.c.partition == place[1],
                seals.c.kind == "predictions",
                seals.c.last_n > position,
            )
            .order_by(seals.c.first_n)
        )
        for file in connection.execute(query).scalars():
            if len(found) >= limit:
                return found
            found += read_predictions(folder / file, position, limit - len(found))
    table = predictions
    query_tail = (
        select(table)
        .where(table.c.model == place[0], table.c.partition == place[1], table.c.n > position)
        .order_by(table.c.n)
        .limit(limit - len(found))
    )
    for row in connection.execute(query_tail):
        served = None if row.prediction is None else json.loads(row.prediction)
        prediction = Prediction(
            row.row_id, row.time, row.version, json.loads(row.features), served, row.watermark, row.arm
        )
        found.append(LoggedPrediction(row.n, row.arrival, prediction))
    return found


def partitions_of(connection: Connection, model: str) -> tuple[str, ...]:
    """The partitions that a model has, sorted."""
    query = select(clocks.c.partition).where(clocks.c.model == model).order_by(clocks.c.partition)
    return tuple(connection.execute(query).scalars())


def models_of(connection: Connection) -> tuple[str, ...]:
    """The models that have anything in the log, sorted."""
    return tuple(connection.execute(select(clocks.c.model).distinct().order_by(clocks.c.model)).scalars())
