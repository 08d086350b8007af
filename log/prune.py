"""Letting go of what is older than the log keeps."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, delete, insert, select

from .append import TICK, store_clock
from .contents import pruned_until
from .engine import Partition
from .lookups import find_clock
from .tables import labels, predictions, prunes, sealed_rows, seals, waiting


def prune_before(
    connection: Connection, model: str, places: Sequence[Partition], until: datetime, now: datetime
) -> int:
    """Let go of all of a model that arrived before the day of *until*; how many rows of tables went.

    The locks of *places*, all partitions of the model, are held. Nothing is written before that day any more.
    """
    until = until.replace(hour=0, minute=0, second=0, microsecond=0)
    if until <= pruned_until(connection, model):
        return 0
    for place in places:
        clock = find_clock(connection, place)
        if clock.closed is None or clock.closed < until - TICK:
            clock.closed = until - TICK
            clock.arrival = max(clock.arrival, clock.closed)
            store_clock(connection, place, clock)
    connection.execute(insert(prunes).values(model=model, until=until, at=now))
    old = [
        delete(predictions).where(predictions.c.model == model, predictions.c.arrival < until),
        delete(labels).where(labels.c.model == model, labels.c.arrival < until),
        delete(waiting).where(waiting.c.model == model, waiting.c.received < until),
        delete(sealed_rows).where(sealed_rows.c.model == model, sealed_rows.c.day < until.date().isoformat()),
    ]
    return sum(connection.execute(each).rowcount for each in old)


def pruned_files(connection: Connection, folder: Path, model: str) -> list[Path]:
    """The files of sealed days that an earlier prune let go of: nobody has read them since."""
    query = select(seals.c.file).where(
        seals.c.model == model, seals.c.day < pruned_until(connection, model).date().isoformat()
    )
    return [folder / each for each in connection.execute(query).scalars()]
