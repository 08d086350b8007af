"""What one job in a process of its own may take."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from ...spec.model import Spec


@dataclass(frozen=True)
class Limits:
    """What one job may take, and the name of what limits its time."""

    wall: timedelta
    threads: int = 1
    memory: int | None = None  # bytes of private writable memory (RLIMIT_DATA); not on Linux: of resident memory
    named: str = "learner.limits.wall"

    @classmethod
    def of(cls, spec: Spec) -> Limits:
        """As the spec says; a training never outlives the moment at which its run is given up."""
        own = spec.learner.limits
        if spec.abandon_after < own.wall:
            return cls(spec.abandon_after, spec.learner.threads, own.memory, "abandon_after")
        return cls(own.wall, spec.learner.threads, own.memory)
