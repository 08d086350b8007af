"""What the log holds of a model, in numbers."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, func, select

from .contents import SealedDay, sealed_days
from .entries import LogSummary
from .reads import partitions_of
from .tables import labels, predictions, sealed_rows, waiting


def summary_of(connection: Connection, model: str, waited_since: datetime) -> LogSummary:
    """All of a model's partitions together; labels that wait since before *waited_since* are orphans."""
    sealed = sealed_days(connection, model)
    by_row = (
        select(func.count().label("events"), func.count(labels.c.value.distinct()).label("kinds"))
        .where(labels.c.model == model)
        .group_by(labels.c.row_id)
        .subquery()
    )
    events, rows, corrections = connection.execute(
        select(func.sum(by_row.c.events), func.count(), func.sum(by_row.c.kinds - 1)).select_from(by_row)
    ).one()
    tail, first, last = connection.execute(
        select(func.count(), func.min(predictions.c.time), func.max(predictions.c.time)).where(
            predictions.c.model == model
        )
    ).one()
    ids = connection.execute(select(func.count()).where(sealed_rows.c.model == model)).scalar_one()
    waits = select(func.count()).where(waiting.c.model == model)
    newest = connection.execute(select(func.max(labels.c.arrival)).where(labels.c.model == model)).scalar()
    return LogSummary(
        model=model,
        rows=tail + ids,
        labels=int(events or 0),
        labelled_rows=rows,
        corrections=int(corrections or 0),
        waiting=connection.execute(waits).scalar_one(),
        orphans=connection.execute(waits.where(waiting.c.received < waited_since)).scalar_one(),
        sealed_days=len({each.day for each in sealed}),
        sealed_bytes=sum(each.bytes for each in sealed),
        partitions=partitions_of(connection, model),
        first_time=_first(first, sealed),
        last_time=last,
        last_arrival=newest,
    )


def _first(tail: datetime | None, sealed: list[SealedDay]) -> datetime | None:
    """About when the first row came: of sealed days, their start."""
    return datetime.fromisoformat(sealed[0].day) if sealed else tail
