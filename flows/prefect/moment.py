"""The moment a flow looks at: given, else scheduled, else now; always naive UTC inside."""

from __future__ import annotations

from datetime import datetime

from ...loop.moment import as_utc, wall_clock
from .engine import flow_run


def moment_of(at: datetime | None) -> datetime:
    """The moment to judge.

    A scheduled run judges the moment it was scheduled for, so that a late or repeated start makes the
    same decision; a run by hand judges now, or the *at* it was given.
    """
    if at is not None:
        return as_utc(at)
    if flow_run.id is not None and "auto-scheduled" in flow_run.tags:
        return as_utc(flow_run.scheduled_start_time)
    return wall_clock()
