"""What a process has used: CPU seconds, and the most memory it held."""

from __future__ import annotations

from ...spec.values import Value


class Used(Value):
    """Of one whole process, its imports included: *cpu_seconds* and, where it is known, *peak_memory_bytes*."""

    cpu_seconds: float
    peak_memory_bytes: int | None = None
