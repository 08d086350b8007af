"""Who trains a model: its claim in the ledger, and which of its holders on this machine are known to have ended."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from ..ledger.claims import new_holder
from ..ledger.ledger import Ledger
from ..loop.context import Care, Kept
from ..system.locks import file_lock
from .prefect.engine import get_run_logger

SWEEP_SECONDS = 60.0  # a sweep takes some; one beside another may say a thing twice
_REMEMBERED = 50  # holders that a lock file names: the claim is one of the last


@dataclass(frozen=True)
class Holder:
    """Who asks for a claim, and the holders that have ended for sure: nobody need wait for the leases of those."""

    name: str
    dead: frozenset[str]


@contextmanager
def holding(care: Care) -> Iterator[Holder]:
    """A holder for the model's claim, named in the model's lock file until the block ends.

    The ledger cannot tell a dead process from a slow one before its lease ends. The operating system can: it drops
    the lock with the process, however that ends, so that who gets it knows that all whom the file names are gone.
    Where a living process has the lock the claim alone decides.
    """
    name = new_holder()
    lock = _lock(care.stores.home, care.spec.model)
    with file_lock(lock) as held:
        if not held:
            yield Holder(name, frozenset())
            return
        dead = _named(lock)
        _write_names(lock, [*dead, name])
        yield Holder(name, frozenset(dead))


def somebody_trains(home: Path, ledger: Ledger, model: str) -> bool:
    """Whether the model's claim is held by a process that is not known to have ended."""
    claim = ledger.claim(model)
    return claim is not None and claim.held and claim.holder not in _ended(_lock(home, model))


def _ended(lock: Path) -> list[str]:
    """The holders that the lock file names, if no living process has its lock."""
    if not lock.is_file():
        return []
    with file_lock(lock) as free:  # held while the names are read: who comes next would add its own
        return _named(lock) if free else []


def _named(lock: Path) -> list[str]:
    """The names begin at the second byte: on Windows nobody but its holder can read the first of a locked file."""
    with suppress(FileNotFoundError), lock.open("rb") as file:
        file.seek(1)
        return file.read().decode(errors="replace").split()[-_REMEMBERED:]
    return []


def _write_names(lock: Path, names: Sequence[str]) -> None:
    """In the lock file itself, so that who removes it (as if on another machine) removes the names as well."""
    with suppress(FileNotFoundError), lock.open("r+b") as file:
        file.seek(1)
        file.write(("\n" + "\n".join(names) + "\n").encode())
        file.truncate()


@contextmanager
def one_after_another(care: Kept) -> Iterator[None]:
    """Let one sweep of a model at a time look at its aliases; the next waits, and finds what the first did.

    Not for ever: a sweep is safe beside another, which may be suspended in the middle of it.
    """
    lock = _lock(care.stores.home, care.spec.model, "sweep")
    with file_lock(lock, SWEEP_SECONDS) as held:
        if not held:
            get_run_logger().warning(
                "Another process has held %s for %g s; is it suspended? Going on beside it.", lock, SWEEP_SECONDS
            )
        yield


def _lock(home: Path, model: str, what: str = "retrain") -> Path:
    name = re.sub(r"[^A-Za-z0-9_.-]", "_", model)
    return home / f"{what}-{name}.lock"
