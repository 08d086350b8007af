"""Which version waits and which serves: the writes of aliases, alike for MLflow and for versions in memory."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from ...spec.errors import AliasMoved, Refused, RegistryError, Unavailable
from ...spec.values import Strategy
from .aliases import CANDIDATE, CHALLENGER, CHAMPION, alias_of, pointing_at, to_be_set
from .reads import Reads
from .versions import UNCLAIMED, Claim, Version


class AliasWriter(Protocol):
    """Where aliases are written. Its methods raise NotAllowed or RegistryError if that is refused."""

    def set_alias(self, alias: str, number: str) -> None:
        """Point *alias* at version *number*."""

    def delete_alias(self, alias: str) -> None:
        """Take *alias* away."""

    def discard(self, number: str) -> None:
        """Delete a version that was never offered, or mark it as taken back."""


class Offers:
    """Moves the aliases of one model. What it decides by is read afresh, whatever was read before."""

    def __init__(self, model: str, reads: Reads, writes: AliasWriter) -> None:
        self._model = model
        self._reads = reads
        self._writes = writes

    def offer(
        self, version: Version, *, claim: Claim = UNCLAIMED, before: Callable[[Version], None] = lambda version: None
    ) -> Version:
        """See `Versions.offer`. *before* is called with the version that is offered, before any alias moves."""
        decision = version.decision or version.number
        try:
            offered = claim.offer(decision, version.number)
        except Unavailable:  # nobody knows who holds the claim: what was made is left for the next try
            raise
        except Refused:
            self._take_back(claim, decision, version)
            raise
        if offered != version.number:
            self._take_back(claim, decision, version)
            version = self._reads.version(offered)
        before(version)
        claim.check()
        moved = to_be_set(version.number, version.meta, self._fresh())
        for alias in moved:
            self._writes.set_alias(alias, version.number)
        try:
            claim.check()
        except Refused:  # it slept between looking and setting: what others did meanwhile stands
            self._yield_to(claim.newest_offered(), version, moved)
            raise
        self._reads.refresh()
        return self._reads.version(version.number)

    def discard(self, number: str) -> None:
        """See `Versions.discard`."""
        with suppress(RegistryError):  # it was never offered: an account that may not delete it leaves it as it is
            self._writes.discard(number)
        self._reads.refresh()

    def let_go(self, strategy: Strategy | None = None) -> None:
        """See `Versions.let_go`. If the account may not, the alias stays: the ledger knows that the line has ended."""
        aliases, own = self._fresh(), alias_of(strategy)
        for alias in {own, CANDIDATE} if own in aliases and aliases.get(CANDIDATE) == aliases[own] else {own}:
            if alias in aliases:
                with suppress(RegistryError):
                    self._writes.delete_alias(alias)
        self._reads.refresh()

    def promote(self, ref: str | int, verify: Callable[[str], None]) -> str | None:
        """See `Versions.promote`. *verify* raises unless the version of a number loads and predicts as it did."""
        self._reads.refresh()
        number = self._reads.version(ref).number
        former = self._reads.aliases().get(CHAMPION)
        verify(number)
        self._refuse_moved(former, number)
        self._writes.set_alias(CHAMPION, number)
        found = self._fresh()
        if found.get(CHAMPION) != number:
            raise RegistryError(
                f"the alias champion of {self._model!r} points to {found.get(CHAMPION)}, not to {number}: someone else "
                "moved it at the same moment. Look at the registry before you promote again"
            )
        for alias in pointing_at(number, found):
            with suppress(RegistryError):  # it serves already: the next offer mends the pointers
                self._writes.delete_alias(alias)
        self._reads.refresh()
        return former

    def _refuse_moved(self, former: str | None, number: str) -> None:
        """Look again, since loading takes seconds: what was asked for was to replace *former*."""
        found = self._fresh().get(CHAMPION)
        if found not in (former, number):
            there, then = (f"v{each}" if each else "no version" for each in (found, former))
            raise AliasMoved(
                f"the alias champion of {self._model!r} points to {there} by now, and to {then} when v{number} was "
                f"to be promoted: somebody else moved it. It stays there. Look at the registry, and if v{number} is "
                "still wanted, promote it again"
            )

    def _take_back(self, claim: Claim, decision: str, version: Version) -> None:
        if claim.take_back(decision, version.number):
            self.discard(version.number)

    def _yield_to(self, newest: str | None, version: Version, moved: list[str]) -> None:
        """Let the aliases *moved* to *version* go if it serves by now, or a newer one was offered meanwhile."""
        aliases = self._fresh()
        serves = aliases.get(CHAMPION) == version.number
        late = newest is not None and int(newest) > int(version.number)
        waiting = moved if serves else [alias for alias in moved if late and alias in (CHALLENGER, CANDIDATE)]
        for alias in waiting:
            if aliases.get(alias) == version.number:
                self._writes.delete_alias(alias)
        self._reads.refresh()
        if newest is not None and late and aliases.get(CHAMPION) != newest:
            self.offer(self._reads.version(newest))

    def _fresh(self) -> dict[str, str]:
        self._reads.refresh()
        return self._reads.aliases()
