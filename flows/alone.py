"""One training process of a model at a time on a machine, and one sweep over its aliases."""

from __future__ import annotations

import fcntl
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..loop.care import Care, Kept


@contextmanager
def alone(care: Care) -> Iterator[bool]:
    """Hold the model's lock file; False where a living process holds it.

    The ledger's flight lets the *same* decision go on after a crash, and cannot tell a dead process from
    a living one. The operating system can: it drops the lock with the process, however that ends.
    """
    with _lock(care.stores.home, care.spec.model).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def somebody_trains(home: Path, model: str) -> bool:
    """Whether a living process of this machine holds the model's lock file."""
    lock = _lock(home, model)
    if not lock.exists():
        return False
    with lock.open("r") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


@contextmanager
def one_after_another(care: Kept) -> Iterator[None]:
    """Let one sweep of a model at a time look at its aliases; the next waits, and finds what the first did."""
    with _lock(care.stores.home, care.spec.model, "sweep").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _lock(home: Path, model: str, what: str = "retrain") -> Path:
    name = re.sub(r"[^A-Za-z0-9_.-]", "_", model)
    return home / f"{what}-{name}.lock"
