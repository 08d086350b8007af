"""Processes that a `ratoon up` started, and all that those started, found by a mark in their environment.

Not by parent or group: Prefect's worker gives its runs sessions of their own, and whoever was killed with -9
leaves children that belong to nobody. The mark is inherited and stays. Linux: it is read from /proc.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

MARK = "RATOON_UP"
RUN = "PREFECT__FLOW_RUN_ID"
_PROC = Path("/proc")


@dataclass(frozen=True)
class Found:
    """A living process: *mark* is the home it belongs to, *run* the Prefect run that it carries out."""

    pid: int
    parent: int
    mark: str | None
    run: str | None


def shows_processes() -> bool:
    """Whether this system shows processes and their environments in /proc; else every run would seem dead."""
    return (_PROC / str(os.getpid()) / "environ").is_file()


def living() -> list[Found]:
    """Every process whose environment this user may read."""
    return [found for pid in _pids() if (found := _read(pid)) is not None]


def marked(home: Path) -> list[Found]:
    """The living processes of the installation in *home*, this one left out."""
    return [found for found in living() if found.mark == str(home) and found.pid != os.getpid()]


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
                _send(each.pid, signal.SIGKILL if late else signal.SIGTERM)
                asked.add(each.pid)
        time.sleep(0.1)
    return len(asked)


def _send(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _pids() -> list[int]:
    if not _PROC.is_dir():
        return []
    return [int(each.name) for each in _PROC.iterdir() if each.name.isdigit()]


def _read(pid: int) -> Found | None:
    """None for one that has ended, is a zombie, or is somebody else's."""
    try:
        raw = (_PROC / str(pid) / "environ").read_bytes()
        state = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except (OSError, IndexError):
        return None
    if state[0] in "ZX":
        return None
    known = dict(pair.split("=", 1) for pair in raw.decode(errors="replace").split("\0") if "=" in pair)
    return Found(pid, int(state[1]), known.get(MARK), known.get(RUN))
