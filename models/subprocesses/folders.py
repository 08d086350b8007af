"""The private folders of trainings in processes of their own: locked while a training lives, swept afterwards."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

from ...spec.errors import RatoonError
from ...system.locks import FileLock, take
from ...system.processes import own_uid

PREFIX, LOCK = "ratoon-training-", "lock"
LOCKED_WITHIN = 10.0  # seconds: a sweep holds the lock of a folder that it removes for moments


def locked_folder() -> tuple[Path, FileLock]:
    """A new folder, locked for as long as this process lives."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX))
        with suppress(FileNotFoundError):  # swept by another process in the moment before it was locked
            lock = take(folder / LOCK, seconds=LOCKED_WITHIN)
            if lock is not None:
                return folder, lock


def sweep() -> None:
    """Remove the folders of trainings whose flow was killed together with them: nobody holds their lock.

    Only this user's: in a temp folder that users share, somebody may have put a link or a pipe under such a name.
    """
    for path in Path(tempfile.gettempdir()).glob(f"{PREFIX}*/{LOCK}"):
        with suppress(OSError, RatoonError):
            if path.parent.is_symlink() or path.parent.stat().st_uid != own_uid():
                continue
            lock = take(path)
            if lock is not None:
                shutil.rmtree(path.parent, ignore_errors=True)
                lock.release()
