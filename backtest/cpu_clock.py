"""What one look has cost: the CPU seconds of this process and all that it started."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ..system.usage import cpu_seconds
from .results import Cpu


@dataclass
class Spent:
    """What one look has cost so far: *total*, and of that *learning* and *judging*, in CPU seconds."""

    total: float = 0.0
    learning: float = 0.0
    judging: float = 0.0

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Count everything that the block runs, also where it raises."""
        began = cpu_seconds()
        try:
            yield
        finally:
            self.total += cpu_seconds() - began

    @property
    def cpu(self) -> Cpu:
        """The same as a value; what was neither learning nor judging was looking."""
        looking = max(0.0, self.total - self.learning - self.judging)
        return Cpu(learning=self.learning, judging=self.judging, looking=looking)
