"""Locks between the processes of one machine; the system drops one with its process, however that ends."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from ..spec.errors import Unavailable

__all__ = ["FileLock", "file_lock", "is_locked", "take"]


MOMENT = 0.3  # seconds: another that only looks holds the lock for less


@contextmanager
def file_lock(path: Path, seconds: float = 0.0) -> Iterator[bool]:
    """Lock *path*, which is made if it is not there, until the block ends; what the file holds stays.

    Yields whether this process has the lock: False if another, such as a suspended one, keeps it for *seconds*.
    Raises Unavailable, at once, for a folder or a pipe of that name, and for a file that cannot be opened or locked.
    """
    lock = take(path, seconds)
    try:
        yield lock is not None
    finally:
        if lock is not None:
            lock.release()


def is_locked(path: Path) -> bool:
    """Whether a living process holds the lock at *path*; False if there is none, or it is not this user's to open."""
    if not path.is_file():
        return False
    try:
        with file_lock(path, MOMENT) as free:
            return not free
    except Unavailable:
        return False


def take(path: Path, seconds: float = 0.0) -> FileLock | None:
    """The lock of *path*, for the caller to release; None if another process keeps it for *seconds*.

    Raises as `file_lock`, and FileNotFoundError if there is no such folder.
    """
    try:
        if path.exists() and not stat.S_ISREG(path.stat().st_mode):
            raise Unavailable(
                f"{path} is a lock file's name, and what is there is no file; nothing was changed. Move it away."
            )
        # Without flock, filelock would fall back to a marker file, which outlives a process that is killed.
        lock = FileLock(path, thread_local=False, fallback_to_soft=False)
        lock.acquire(timeout=seconds)
    except Timeout:
        return None
    except FileNotFoundError:
        raise
    except OSError as error:
        raise Unavailable(
            f"the lock {path} cannot be taken: {error.strerror or error}; nothing was changed. Give this user the "
            "right to write it, or put `stores.home` on a file system that has locks."
        ) from error
    return lock
