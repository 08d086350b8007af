"""What `ratoon check` found: one line of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Finding:
    """One thing that was checked."""

    status: Literal["ok", "warn", "fail"]
    what: str
    text: str
