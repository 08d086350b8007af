"""What a training run is expected to cost: CPU seconds, and money by the spec's prices."""

from __future__ import annotations

from statistics import median

from ...spec.keys.rules import CostsSpec, Policy
from ...spec.values import History, PastUpdate

LAST = 5  # runs that the expectation is taken from


def expected_cpu_seconds(history: History, policy: Policy) -> float | None:
    """CPU seconds of the next run: as the spec says, else of the last runs, else of the first version.

    Measured seconds are rounded to one significant digit: two machines, or two replays on one, measure the
    same training some percent apart, and a decision must not hang on that. None where nothing is known.
    """
    if policy.costs is not None and policy.costs.cpu_seconds is not None:
        return policy.costs.cpu_seconds
    runs = sorted(history.updates, key=lambda u: (u.started_at, u.decision))
    taken = [u.cpu_seconds for u in runs if u.cpu_seconds > 0 and u.outcome not in ("running", "shadow")]
    if taken:
        return one_digit(median(taken[-LAST:]))
    return one_digit(history.first_cpu_seconds) if history.first_cpu_seconds > 0 else None


def cpu_seconds_of(run: PastUpdate, expected: float) -> float:
    """What *run* took, or may still take: nobody knows yet what a run without an end will have taken."""
    return expected if run.outcome == "running" else run.cpu_seconds


def price(costs: CostsSpec, cpu_seconds: float) -> float:
    """Money for one run of so many CPU seconds."""
    return cpu_seconds / 3600 * costs.cpu_hour + costs.run


def one_digit(value: float) -> float:
    """*value* to one significant digit: 1234 is 1000."""
    return float(f"{value:.0e}")
