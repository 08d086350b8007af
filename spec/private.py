"""What Ratoon keeps is for its owner only: rows, models, logs and passwords, whatever the umask says."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import BadInput

_OTHERS = 0o077
_lock = threading.Lock()
_within = 0
_before = 0


def private_folder(folder: Path) -> None:
    """Make *folder* (0700), and those above it as the umask says; one that is there already keeps its mode.

    Raises BadInput where no folder can be there; a full disk is no fault of the name, and its OSError goes through.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise BadInput(
            f"the folder {folder} cannot be made: {error.strerror}. Nothing was changed. Give this user the right to, "
            "or name another place by `stores` in the spec."
        ) from error


@contextmanager
def private_files() -> Iterator[None]:
    """Until the end, whatever this process and its children make is for its owner only (files 0600, folders 0700).

    The umask is the whole process's: of several that overlap, in threads too, the last one out sets it back.
    """
    global _within, _before
    with _lock:
        if _within == 0:
            _before = os.umask(_OTHERS)
            os.umask(_before | _OTHERS)
        _within += 1
    try:
        yield
    finally:
        with _lock:
            _within -= 1
            if _within == 0:
                os.umask(_before)


@contextmanager
def shared_files() -> Iterator[None]:
    """Within `private_files`: what is made for people at a place that they named, as their own umask says."""
    with _lock:
        kept = os.umask(_before) if _within else None
    try:
        yield
    finally:
        if kept is not None:
            os.umask(kept)
