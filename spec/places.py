"""Paths that people write, also those that the system refuses: they are nowhere, and raise nothing."""

from __future__ import annotations

import os
from pathlib import Path


def real(path: Path) -> Path:
    """The path without links, `~` and `..`; links that end nowhere, such as one to itself, stay as they are."""
    try:
        return Path(os.path.realpath(path.expanduser()))
    except (ValueError, RuntimeError):  # a NUL in it; a `~name` of nobody's
        return path


def is_a_file(path: Path) -> bool:
    """Whether a plain file is there. No, too, for names that are too long and folders that may not be looked into."""
    return os.path.isfile(path)  # noqa: PTH113 - Path.is_file raises for them
