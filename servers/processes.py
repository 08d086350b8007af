"""Processes that a `ratoon up` started, and all that those started, found by a mark in their environment.

Not by parent or group: Prefect's worker gives its runs sessions of their own, and whoever was killed with -9
leaves children that belong to nobody. The mark is inherited and stays.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from ..system.processes import ask_to_end, living

MARK = "RATOON_UP"
RUN = "PREFECT__FLOW_RUN_ID"


@dataclass(frozen=True)
class Found:
    """A living process: *mark* is the home it belongs to, *run* the Prefect run that it carries out."""

    pid: int
    parent: int
    mark: str | None
    run: str | None


def marked(home: Path) -> list[Found]:
    """The living processes of the installation in *home*, this one left out."""
    return [
        Found(each.pid, each.parent, each.environment.get(MARK), each.environment.get(RUN))
        for each in living()
        if each.environment.get(MARK) == str(home) and each.pid != os.getpid()
    ]


def end(find: Callable[[], Iterable[Found]], *, patience: float = 10.0) -> int:
    """Ask the processes that *find* lists to end, and kill those that have not after *patience* seconds.

    Listed again until none is left, since they may start others meanwhile. Returns how many there were.
    """
    asked: set[int] = set()
    until = time.monotonic() + patience
    while found := list(find()):
        late = time.monotonic() > until
        for each in found:
            if late or each.pid not in asked:
                ask_to_end(each.pid, at_once=late)
                asked.add(each.pid)
        time.sleep(0.1)
    return len(asked)
