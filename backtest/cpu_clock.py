"""The CPU seconds that this process and all that it started have used."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from time import process_time

from .results import Cpu


def cpu_seconds() -> float:
    """CPU seconds of all threads of this process, of its children that have ended, and (Linux) of those that run.

    What a child that runs has used passes to the ended ones when it ends, so that the sum never falls.
    """
    ended = os.times()
    return process_time() + ended.children_user + ended.children_system + sum(map(_of_process, _children()))


def _children() -> list[int]:
    found: list[int] = []
    for task in Path("/proc/self/task").glob("*/children"):
        with suppress(OSError):  # a thread that has just ended
            found += [int(pid) for pid in task.read_text().split()]
    return found


def _of_process(pid: int) -> float:
    """User and system time of the process and its ended children: fields 14 to 17 of /proc/PID/stat (proc(5))."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:  # it ended meanwhile
        return 0.0
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


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
