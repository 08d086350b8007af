"""The living processes, found by their environment; and how a process is ended with all that it started."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass

import psutil


@dataclass(frozen=True)
class Living:
    """A process that lives, and the environment that it was started with."""

    pid: int
    parent: int
    environment: Mapping[str, str]


def living() -> Iterator[Living]:
    """Every process whose environment this user may read; zombies, and what ends meanwhile, left out."""
    for process in psutil.process_iter():
        try:
            if process.status() != psutil.STATUS_ZOMBIE:
                yield Living(process.pid, process.ppid(), process.environ())
        except (psutil.Error, OSError):
            continue


def ask_to_end(pid: int, *, at_once: bool = False) -> None:
    """Send SIGTERM, or with *at_once* what cannot be put off; nothing if the process has ended."""
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        if at_once:
            process.kill()
        else:
            process.terminate()


def kill_with_children(pid: int) -> None:
    """Kill the process, which leads a session of its own, and what it has started.

    If it has ended already, its children are found by their group; Windows has no groups, so that there only those
    of a living process are.
    """
    if sys.platform != "win32":
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
        return
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        for each in (*process.children(recursive=True), process):
            with suppress(psutil.Error):
                each.kill()


def own_uid() -> int:
    """The user's number, as files name their owner; on Windows, where files name none, 0 for everybody."""
    return 0 if sys.platform == "win32" else os.geteuid()
