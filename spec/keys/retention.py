"""How long what can be made again, or that nobody needs any more, is kept."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, Field

from ..duration import Duration
from ..size import Size
from .part import Part


def _a_day_at_least(value: timedelta) -> timedelta:
    if value < timedelta(days=1):
        raise ValueError("expected a day or more, such as 90d: what is younger may be in use")
    return value


Age = Annotated[Duration, AfterValidator(_a_day_at_least)]


class RetentionSpec(Part):
    """Ages from which `ratoon prune` removes things; in the spec, the scheduled monitor does so once in *every*.

    Never removed: the ledger, versions and their files, and what a reviewer or a roll-back may still need.
    """

    every: Age = Field(timedelta(days=1), description="How often the scheduled monitor removes what is too old")
    snapshots: Age | None = Field(
        timedelta(days=365), description="Evidently's snapshots of windows; null: kept for ever"
    )
    html: Age | None = Field(
        timedelta(days=365), description="HTML reports in the run of a version; null: kept for ever"
    )
    logs: Age | None = Field(timedelta(days=90), description="Logs of `ratoon up`; null: kept for ever")
    log_size: Size = Field(
        50 * 2**20,
        ge=2**20,
        description="A log that grew beyond this, such as 50MB, is cut to its newest tenth, whatever its age",
    )
    runs: Age | None = Field(
        timedelta(days=365), description="Ended runs of this model's flows in Prefect; null: kept for ever"
    )
    caches: Age | None = Field(
        timedelta(days=90), description="What is computed again when it is missing; null: kept for ever"
    )
    champions: int = Field(
        5, ge=2, le=10_000, description="Evidence of so many last champions is kept, whatever its age"
    )
