"""A uniform schedule with as many runs as a policy had: the same ladder and gate, only without looking."""

from __future__ import annotations

from datetime import datetime

from ..loop.plan import Plan


def spread(plan: Plan, runs: int) -> tuple[datetime, ...]:
    """*runs* of the plan's looks, evenly spread: the middles of as many equal stretches."""
    count = len(plan.moments)
    runs = min(runs, count)
    return tuple(plan.moments[int((n + 0.5) * count / runs)] for n in range(runs))
