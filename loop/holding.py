"""Who works at a model: a holder of one of its claims, and which holders on this machine are known to have ended."""

from __future__ import annotations

import fcntl
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from ..ledger.claims import RENEWED_EVERY, new_holder
from ..ledger.ledger import Ledger
from ..spec.errors import RatoonError
from .context import Kept

_REMEMBERED = 50  # holders that a lock file names: the claim is one of the last


@dataclass(frozen=True)
class Holder:
    """Who asks for a claim, and the holders that have ended for sure: nobody need wait for the leases of those."""

    name: str
    dead: frozenset[str]


@dataclass
class LockFile:
    """The lock file of one kind of claim on a model, open; it names the holders that had it.

    The ledger cannot tell a dead process from a slow one before its lease ends. The operating system can: it drops
    the lock with the process, however that ends, so that who gets it knows that all whom the file names are gone.
    Where a living process has the lock the claim alone decides.
    """

    file: IO[str]
    name: str = field(default_factory=new_holder)
    _dead: frozenset[str] | None = None

    def holder(self) -> Holder:
        """The holder as of now: the lock is asked for anew, unless this process has it already."""
        if self._dead is None and _locked(self.file, fcntl.LOCK_EX):
            dead = _named(self.file)
            self.file.truncate(0)
            self.file.write("\n".join([*dead, self.name]) + "\n")
            self.file.flush()
            self._dead = frozenset(dead)
        return Holder(self.name, self._dead or frozenset())


@contextmanager
def lock_file(care: Kept, what: str) -> Iterator[LockFile]:
    """The lock file for the claims *what* of a model, which this process may have until the block ends."""
    with _path(care.stores.home, care.spec.model, what).open("a+", errors="replace") as file:
        yield LockFile(file)


@contextmanager
def holding(care: Kept) -> Iterator[Holder]:
    """A holder for the claim on the model's training run, named in its lock file until the block ends."""
    with lock_file(care, "retrain") as file:
        yield file.holder()


@contextmanager
def renewed(renew: Callable[[], bool]) -> Iterator[None]:
    """Call *renew* now and then from a thread until the block ends, or it says that the claim is lost."""
    ended = threading.Event()

    def renewing() -> None:
        while not ended.wait(RENEWED_EVERY.total_seconds()):
            try:
                if not renew():
                    return  # whoever asks next is told
            except RatoonError:  # the ledger is away: the lease may end, which the next question tells
                continue

    thread = threading.Thread(target=renewing, name="claim", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def somebody_trains(home: Path, ledger: Ledger, model: str) -> bool:
    """Whether the model's claim is held by a process that is not known to have ended."""
    claim = ledger.claim(model)
    return claim is not None and claim.held and claim.holder not in _ended(_path(home, model, "retrain"))


def _ended(lock: Path) -> list[str]:
    """The holders that the lock file names, if no living process has its lock."""
    if not lock.exists():
        return []
    with lock.open("r", errors="replace") as file:
        return _named(file) if _locked(file, fcntl.LOCK_SH) else []


def _locked(file: IO[str], kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _named(file: IO[str]) -> list[str]:
    file.seek(0)
    return file.read().split()[-_REMEMBERED:]


def _path(home: Path, model: str, what: str) -> Path:
    return home / f"{what}-{re.sub(r'[^A-Za-z0-9_.-]', '_', model)}.lock"
