"""See what happened in the registry since Ratoon last looked; a task of whichever flow looks."""

from __future__ import annotations

from datetime import datetime

from ..loop.context import Stores
from ..loop.retention import prune_if_due
from ..loop.review import sweep as reviews
from ..loop.tend_log import tend_log
from .prefect.engine import NO_CACHE, task
from .prefect.old_runs import prune_all


@task(retries=2, retry_delay_seconds=5, cache_policy=NO_CACHE)
def sweep(context: Stores, now: datetime) -> tuple[str, ...]:
    """Write down what reviewers did, catch a champion that nobody approved, remove what is too old; in words."""
    return (*reviews.sweep(context, now), *prune_if_due(context, prune_all), *tend_log(context))
