"""What a process has used: CPU seconds, and the most memory it held."""

from __future__ import annotations

from pathlib import Path

from ...spec.values import Value


class Used(Value):
    """Of one whole process, its imports included: *cpu_seconds* and, where it is known, *peak_memory_bytes*."""

    cpu_seconds: float
    peak_memory_bytes: int | None = None


def peak_memory(pid: int | str = "self") -> int | None:
    """The most memory that a process has held at once, in bytes (VmHWM, Linux); None where that cannot be read.

    `getrusage` will not do: its `ru_maxrss` begins with what the *parent* held when it started the process.
    """
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return None
    found = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(found[0]) * 1024 if found else None
