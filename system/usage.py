"""What processes use: CPU seconds and memory."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from time import process_time

import psutil


def cpu_seconds() -> float:
    """CPU seconds of all threads of this process, of its children that have ended, and of those that run.

    What a child that runs has used passes to the ended ones when it ends, so that the sum never falls; on Windows,
    which does not pass it on, what ended children have used is not counted.
    """
    ended = os.times()
    running = 0.0
    for child in _children():
        with suppress(psutil.Error):  # it ended meanwhile
            used = child.cpu_times()
            running += used.user + used.system + getattr(used, "children_user", 0) + getattr(used, "children_system", 0)
    return process_time() + ended.children_user + ended.children_system + running


def _children() -> list[psutil.Process]:
    """The children of this process; on Linux without a look at every process of the machine."""
    if sys.platform != "linux":
        return psutil.Process().children()
    found = []
    for task in Path("/proc/self/task").glob("*/children"):
        with suppress(OSError, psutil.Error):  # a thread, or a child, that has just ended
            found += [psutil.Process(int(pid)) for pid in task.read_text().split()]
    return found


def peak_memory(pid: int | None = None) -> int | None:
    """The most memory that the process has held at once, in bytes; None if that cannot be read.

    *pid* left out: of this one. On macOS, which keeps no peak of another process, what it holds now: ask again and
    again for the most. Linux has its peak in /proc, and psutil does not read it; `getrusage` will not do, since its
    `ru_maxrss` begins with what the *parent* held when it started the process.
    """
    if sys.platform == "linux":
        return _linux_peak(pid)
    try:
        memory = psutil.Process(pid).memory_info()
    except psutil.Error:
        return None
    return int(getattr(memory, "peak_wset", memory.rss))


def _linux_peak(pid: int | None) -> int | None:
    try:
        status = Path(f"/proc/{pid or 'self'}/status").read_text()
    except OSError:
        return None
    found = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(found[0]) * 1024 if found else None


class Meter:
    """What a child *process* uses, looked at again and again while it runs; `has_ended` reaps it.

    *cpu_seconds* are exact once it has ended, those of its own children included; on Windows they are of the process
    alone, as of the last look. *peak_memory* is the most that was seen, in bytes, None if it could not be read.
    """

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self.cpu_seconds = 0.0
        self.peak_memory: int | None = None

    def has_ended(self) -> bool:
        """Look once; whether the process has ended."""
        seen = peak_memory(self._process.pid)
        self.peak_memory = max(self.peak_memory or 0, seen or 0) or None
        if sys.platform == "win32":
            with suppress(psutil.Error):
                times = psutil.Process(self._process.pid).cpu_times()
                self.cpu_seconds = times.user + times.system
            return self._process.poll() is not None
        ended, status, used = os.wait4(self._process.pid, os.WNOHANG)
        if not ended:
            return False
        self._process.returncode = os.waitstatus_to_exitcode(status)
        self.cpu_seconds = used.ru_utime + used.ru_stime
        return True
