"""Who works at a model: a holder of one of its claims, and which holders on this machine are known to have ended."""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from filelock import FileLock

from ..ledger.claims import RENEWED_EVERY, new_holder
from ..ledger.ledger import Ledger
from ..spec.errors import RatoonError
from ..system.locks import MOMENT, file_lock, take
from .context import Stores

_REMEMBERED = 50  # holders that a lock file names: the claim is one of the last


@dataclass(frozen=True)
class Holder:
    """Who asks for a claim, and the holders that have ended for sure: nobody need wait for the leases of those."""

    name: str
    dead: frozenset[str]


@dataclass
class LockFile:
    """The lock file of one kind of claim on a model; it names the holders that had it.

    The ledger cannot tell a dead process from a slow one before its lease ends. The operating system can: it drops
    the lock with the process, however that ends, so that who gets it knows that all whom the file names are gone.
    If a living process has the lock the claim alone decides.
    """

    path: Path
    name: str = field(default_factory=new_holder)
    _lock: FileLock | None = None
    _dead: frozenset[str] = frozenset()

    def holder(self) -> Holder:
        """The holder as of now: the lock is asked for anew, unless this process has it already."""
        if self._lock is None:
            self._lock = take(self.path)
            if self._lock is not None:
                dead = _named(self.path)
                _write_names(self.path, [*dead, self.name])
                self._dead = frozenset(dead)
        return Holder(self.name, self._dead)

    def release(self) -> None:
        """Let others have the lock, if this process has it."""
        if self._lock is not None:
            self._lock.release()


@contextmanager
def lock_file(context: Stores, what: str) -> Iterator[LockFile]:
    """The lock file for the claims *what* of a model, which this process may have until the block ends."""
    file = LockFile(_path(context.stores.home, context.spec.model, what))
    try:
        yield file
    finally:
        file.release()


@contextmanager
def holding(context: Stores) -> Iterator[Holder]:
    """A holder for the claim on the model's training run, named in its lock file until the block ends."""
    with lock_file(context, "retrain") as file:
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
    claim = ledger.claims.find(model)
    return claim is not None and claim.held and claim.holder not in _ended(_path(home, model, "retrain"))


def _ended(lock: Path) -> list[str]:
    """The holders that the lock file names, if no living process has its lock."""
    if not lock.is_file():
        return []
    with file_lock(lock, MOMENT) as free:  # held while the names are read: who comes next would add its own
        return _named(lock) if free else []


def _named(lock: Path) -> list[str]:
    """The names begin at the second byte: on Windows nobody but its holder can read the first of a locked file.

    Elsewhere the first is read too, since 0.1 began there.
    """
    with suppress(FileNotFoundError), lock.open("rb") as file:
        file.seek(1 if sys.platform == "win32" else 0)
        return file.read().decode(errors="replace").replace("\0", " ").split()[-_REMEMBERED:]
    return []


def _write_names(lock: Path, names: Sequence[str]) -> None:
    """In the lock file itself, so that who removes it (as if on another machine) removes the names as well."""
    with suppress(FileNotFoundError), lock.open("r+b") as file:
        file.seek(1)
        file.write(("\n" + "\n".join(names) + "\n").encode())
        file.truncate()


def _path(home: Path, model: str, what: str) -> Path:
    return home / f"{what}-{re.sub(r'[^A-Za-z0-9_.-]', '_', model)}.lock"
