"""What goes into the log, and what comes out of it.

All times are naive UTC; aware ones are turned into it at the door.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from ..spec.errors import BadInput

Status = Literal["accepted", "repeated", "correction", "waiting"]
LONGEST = 500  # characters of an id, a version, an arm, a partition

WHOLE = ""  # the partition of a model that has only one


@dataclass(frozen=True, slots=True)
class Prediction:
    """One answer as it was served.

    *row_id* names the row, once for each model; *time* is when the answer was made, *version* what made it,
    *watermark* how far its training state had learned (None: unknown), *arm* the arm of an experiment. *features*
    are what the model was asked, by name: numbers, booleans, text or None. *prediction* is a number, a class, the
    positive class's probability, or anything else that JSON can hold.

    Raises BadInput for an id that is empty, too long or holds a NUL.
    """

    row_id: str
    time: datetime
    version: str
    features: Mapping[str, object] = field(default_factory=dict)
    prediction: object = None
    watermark: datetime | None = None
    arm: str = ""

    def __post_init__(self) -> None:
        check_text("row id", self.row_id)
        check_text("version", self.version)
        if self.arm:
            check_text("arm", self.arm)


@dataclass(frozen=True, slots=True)
class LabelEvent:
    """The news that the label of row *row_id* is *value*: a number, a boolean or text.

    *event_id* tells this news from others: what is sent twice under one event id, with one value, is kept once. Left
    out, it is the row's id. Raises BadInput for ids as `Prediction` does, and for a value that is no label.
    """

    row_id: str
    value: object
    event_id: str = ""

    def __post_init__(self) -> None:
        check_text("row id", self.row_id)
        if not self.event_id:
            object.__setattr__(self, "event_id", self.row_id)
        elif self.event_id is not self.row_id:
            check_text("event id", self.event_id)


@dataclass(frozen=True, slots=True)
class LoggedPrediction:
    """A prediction in the log: *position* grows within its partition, *arrival* is when it was written."""

    position: int
    arrival: datetime
    prediction: Prediction


@dataclass(frozen=True, slots=True)
class LoggedLabel:
    """A label in the log whose prediction is there as well.

    *position* and *arrival* grow within its partition. Of several labels of one row the one that came last counts.
    """

    position: int
    arrival: datetime
    event: LabelEvent


@dataclass(frozen=True, slots=True)
class LogSummary:
    """What the log holds of one model, all partitions together.

    *rows* predictions, the oldest of about *first_time*, the newest of *last_time* (None: all are sealed); *labels* of
    *labelled_rows* of them, each event counted; *corrections* are values beyond one for each row; *waiting* labels
    have no prediction yet, of which *orphans* have waited longer than is usual; *sealed_days* lie in files of
    *sealed_bytes*. *last_arrival* is of the newest label.
    """

    model: str
    rows: int
    labels: int
    labelled_rows: int
    corrections: int
    waiting: int
    orphans: int
    sealed_days: int
    sealed_bytes: int
    partitions: tuple[str, ...]
    first_time: datetime | None
    last_time: datetime | None
    last_arrival: datetime | None


def check_text(what: str, text: object) -> None:
    """BadInput unless *text* can name something in both databases."""
    if isinstance(text, str) and 0 < len(text) <= LONGEST and "\0" not in text:
        return
    shown = repr(text) if len(repr(text)) < 80 else repr(text)[:77] + "…"
    raise BadInput(
        f"{what}: found {shown}; expected text of 1 to {LONGEST} characters without a NUL. Nothing was written"
    )


def naive(moment: datetime) -> datetime:
    """The same moment as naive UTC."""
    return moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)


def utc_now() -> datetime:
    """The time by this machine's clock, as naive UTC."""
    return datetime.now(UTC).replace(tzinfo=None)
