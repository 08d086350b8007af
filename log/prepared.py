"""What a caller hands in, checked and written as text before any lock is taken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from ..spec.errors import BadInput
from .engine import Partition
from .entries import WHOLE, LabelEvent, Prediction, check_text, naive
from .values import Kind, feature_text, label_text, prediction_text


class Row(NamedTuple):
    """A prediction as its table holds it, but for its arrival."""

    row_id: str
    time: datetime
    version: str
    watermark: datetime | None
    arm: str
    features: str
    prediction: str | None


class Event(NamedTuple):
    """A label as its table holds it, but for its arrival."""

    event_id: str
    row_id: str
    value: str


Column = tuple[str, str, Kind]  # role, name, kind


@dataclass(frozen=True, slots=True)
class HandIn:
    """What one caller hands in for one partition; *columns* are the kinds of its values, in order."""

    model: str
    partition: str
    rows: tuple[Row, ...] = ()
    events: tuple[Event, ...] = ()
    columns: tuple[Column, ...] = ()

    @property
    def place(self) -> Partition:
        return self.model, self.partition

    def __len__(self) -> int:
        return len(self.rows) + len(self.events)


def prepared_predictions(model: str, rows: Sequence[Prediction], partition: str = WHOLE) -> HandIn:
    """*rows* ready to be written. Raises BadInput for a name or a value that the log cannot hold."""
    _check_place(model, partition)
    kinds: dict[tuple[str, Kind], None] = {}
    served: set[Kind] = set()
    found = []
    for row in rows:
        kind, prediction = prediction_text(row.prediction)
        if kind is not None:
            served.add(kind)
        found.append(
            Row(
                row.row_id,
                naive(row.time),
                row.version,
                None if row.watermark is None else naive(row.watermark),
                row.arm,
                feature_text(row.features, kinds),
                prediction,
            )
        )
    columns = [("feature", name, kind) for name, kind in kinds] + [("prediction", "", kind) for kind in served]
    return HandIn(model, partition, tuple(found), (), tuple(columns))


def prepared_labels(model: str, events: Sequence[LabelEvent], partition: str = WHOLE) -> HandIn:
    """*events* ready to be written. Raises BadInput for a name or a value that the log cannot hold."""
    _check_place(model, partition)
    kinds: set[Kind] = set()
    found = []
    for event in events:
        kind, value = label_text(event.value)
        kinds.add(kind)
        found.append(Event(event.event_id, event.row_id, value))
    return HandIn(model, partition, (), tuple(found), tuple(("label", "", kind) for kind in kinds))


def _check_place(model: str, partition: str) -> None:
    check_text("model", model)
    if partition != WHOLE:
        check_text("partition", partition)
    if "/" in partition or partition.startswith("."):
        raise BadInput(f"partition: found {partition!r}; expected no `/`, and no `.` at the start. Nothing was written")
