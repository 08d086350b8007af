"""The log's part of the spec: how long what was served and labelled stays where."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from ..duration import Duration
from .part import Part
from .retention import Age


class LogSpec(Part):
    """How the log of predictions and labels is kept; `stores.log` says where."""

    seal_after: Duration = Field(
        timedelta(days=1),
        description="A day goes into a Parquet file so long after its end, and is read at that format's speed from "
        "then on; only for a log in SQLite",
    )
    keep: Age | None = Field(None, description="How long rows and labels are kept; left out: for ever")
    orphan_after: Age = Field(
        timedelta(days=7), description="A label that has waited so long for its prediction is counted as an orphan"
    )
