"""The one lock over a model's alias `champion`: of promotions, of the first version, and of the sweep.

Registry (MLflow) and ledger are two stores, so that a move of the alias is two writes. Whoever makes both holds this
lock meanwhile, and so does whoever compares the two: no move is seen half done, and of two that are asked for at once
one comes after the other. It is a claim in the ledger with a lease, so that it holds on any number of machines; a
holder that died on this machine is known by its lock file, and nobody waits for its lease.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from ..ledger.claims import LEASE
from ..spec.errors import Refused
from ..spec.waiting import until
from .context import Stores
from .holding import LockFile, lock_file, renewed

LONGEST = 2 * LEASE.total_seconds()  # a holder that was suspended loses its lease within half of that


class Busy(Refused):
    """Another process has held the lock for longer than was waited."""


class Lock(Protocol):
    """Held by whoever moves the alias, or writes down who did."""

    def check(self) -> None:
        """Raises Refused if the lock was lost meanwhile, as to a process that slept through its lease."""


class Uncontested:
    """The lock of what nothing competes with: a backtest's registry, which is in memory."""

    def check(self) -> None:
        """Nothing can have come between."""


UNCONTESTED = Uncontested()


class ChampionLock:
    """The claim behind the lock; `check` as in `Lock`."""

    def __init__(self, context: Stores, file: LockFile) -> None:
        self._context = context
        self._file = file

    def take(self) -> bool:
        """Take the lock; False while another process has it."""
        holder = self._file.holder()
        return self._context.ledger.claims.claim_first(self._context.spec.model, holder.name, holder.dead)

    def renew(self) -> bool:
        """Keep the lock; False if another process has had it since, also one that gave it back."""
        return self._context.ledger.claims.renew_first(self._context.spec.model, self._file.name)

    def check(self) -> None:
        """Raises Busy if another process has had the lock since."""
        if not self.renew():
            raise Busy(_busy(self._context.spec.model))

    def release(self) -> None:
        """Let others have it."""
        self._context.ledger.claims.release_first(self._context.spec.model, self._file.name)


@contextmanager
def champion_lock(context: Stores, *, wait: float = LONGEST) -> Iterator[ChampionLock]:
    """Hold the model's lock until the block ends; not reentrant.

    Raises Busy if another process has it for *wait* seconds; nothing was changed then.
    """
    with lock_file(context, "champion") as file:
        lock = ChampionLock(context, file)
        if not until(lock.take, seconds=wait):
            raise Busy(_busy(context.spec.model))
        try:
            with renewed(lock.renew):
                yield lock
        finally:
            lock.release()


def _busy(model: str) -> str:
    return (
        f"Another process makes the first version of {model}, moves its alias `champion` or looks at it just now; this "
        "one changed nothing. Try again when that has ended"
    )
