"""A training run's claim on its model, as the registry asks for it: kept alive while it trains, asked before it offers.

The registry (MLflow) and the ledger are two stores, so that no transaction spans both. What a process offers is
therefore written into the ledger first, under its write lock and only through the claim; a version that another
process made for the same decision is found there, and the one that came second is deleted before anybody saw it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager

from ...ledger.claims import RENEWED_EVERY, lost
from ...ledger.ledger import Flight, Ledger
from ...models.registry.versions import Version, Versions
from ...spec.errors import RatoonError, Refused, RegistryError
from ..context import Kept


class Claim:
    """What a flight may still do; see `models.versions.Claim` for what each method promises."""

    def __init__(self, ledger: Ledger, flight: Flight) -> None:
        self._ledger = ledger
        self._flight = flight

    def check(self) -> None:
        """Raises Refused unless the flight still holds its claim."""
        if not self._ledger.in_the_air(self._flight):
            raise Refused(lost(self._flight))

    def offer(self, decision: str, version: str) -> str:
        """The version that *decision* offers: *version*, unless another process offered one before."""
        return self._ledger.offer(self._flight, decision, version)

    def take_back(self, decision: str, version: str) -> bool:
        """Whether *version* will never be offered, so that it may be deleted."""
        return self._ledger.take_back(self._flight.model, decision, version, self._flight.holder)

    def newest_offered(self) -> str | None:
        """The highest number that any decision of the model's offered for review; a strategy's own are not."""
        offers = self._ledger.offers(self._flight.model)
        return max((number for decision, number in offers.items() if ":" not in decision), key=int, default=None)


@contextmanager
def kept_alive(ledger: Ledger, flight: Flight) -> Iterator[Claim]:
    """The claim of *flight*, its lease renewed by a thread until the block ends."""
    with _renewed(lambda: ledger.renew(flight)):
        yield Claim(ledger, flight)


class FirstClaim:
    """The claim on a model's first version, which no decision and no flight stands behind."""

    def __init__(self, care: Kept, holder: str, dead: Collection[str] = ()) -> None:
        self._care = care
        self._holder = holder
        self._dead = dead

    def check(self) -> None:
        """Raises Refused where another process makes the first version, or there is one."""
        model = self._care.spec.model
        if not self._care.ledger.claim_first(model, self._holder, self._dead):
            raise Refused(f"Another process makes the first version of {model} just now; this one changed nothing.")
        if (serving := self._care.registry.champion()) is not None:
            raise RegistryError(
                f"{model} has the champion v{serving.number} already; nothing was changed. "
                "Continue it with `ratoon retrain`, or from scratch with `ratoon retrain --rung scratch`."
            )

    def offer(self, decision: str, version: str) -> str:
        """*version*, unless another process was faster, which raises Refused."""
        self.check()
        return version

    def take_back(self, decision: str, version: str) -> bool:
        """Nobody can have offered it."""
        return True

    def newest_offered(self) -> str | None:
        """There is no other."""
        return None


@contextmanager
def first_claim(care: Kept, holder: str, dead: Collection[str]) -> Iterator[FirstClaim]:
    """The claim on the first version of a model, kept alive until the block ends; see `FirstClaim.check`."""
    claim, model = FirstClaim(care, holder, dead), care.spec.model
    claim.check()
    with _renewed(lambda: care.ledger.claim_first(model, holder)):
        yield claim
    care.ledger.release_first(model, holder)


@contextmanager
def _renewed(renew: Callable[[], bool]) -> Iterator[None]:
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


def take_back_doubles(ledger: Ledger, registry: Versions, model: str) -> list[str]:
    """Delete versions whose decision offered another one; their numbers.

    Such a version was made by a process that had lost its claim, and that died before it took the version back.
    """
    by_decision: dict[str, list[Version]] = {}
    for version in registry.versions():
        if version.decision is not None and not version.aliases and not version.meta.taken_back:
            by_decision.setdefault(version.decision, []).append(version)
    offers = ledger.offers(model)
    doubles = [
        (decision, version.number)
        for decision, versions in by_decision.items()
        for version in versions
        if offers.get(decision) not in (None, version.number)
    ]
    gone = []
    for decision, number in doubles:
        if ledger.take_back(model, decision, number, "sweep"):
            registry.discard(number)
            gone.append(number)
    return gone
