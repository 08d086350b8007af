"""A training run's claim on its model, as the registry asks for it: kept alive while it trains, asked before it offers.

The registry (MLflow) and the ledger are two stores, so that no transaction spans both. What a process offers is
therefore written into the ledger first, under its write lock and only through the claim; a version that another
process made for the same decision is found there, and the one that came second is deleted before anybody saw it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ...ledger.claims import lost
from ...ledger.ledger import Ledger, TrainingRun
from ...models.registry.versions import Version, Versions
from ...spec.errors import Refused
from ..holding import renewed


class Claim:
    """What a run may still do; see `models.registry.versions.Claim` for what each method promises."""

    def __init__(self, ledger: Ledger, run: TrainingRun) -> None:
        self._ledger = ledger
        self._run = run

    def check(self) -> None:
        """Raises Refused unless the run still holds its claim."""
        if not self._ledger.runs.is_claimed(self._run):
            raise Refused(lost(self._run))

    def offer(self, decision: str, version: str) -> str:
        """The version that *decision* offers: *version*, unless another process offered one before."""
        return self._ledger.offers.record(self._run, decision, version)

    def take_back(self, decision: str, version: str) -> bool:
        """Whether *version* will never be offered, so that it may be deleted."""
        return self._ledger.offers.withdraw(self._run.model, decision, version, self._run.holder)

    def newest_offered(self) -> str | None:
        """The highest number that any decision of the model's offered for review; a strategy's own are not."""
        offers = self._ledger.offers.of(self._run.model)
        return max((number for decision, number in offers.items() if ":" not in decision), key=int, default=None)


@contextmanager
def kept_alive(ledger: Ledger, run: TrainingRun) -> Iterator[Claim]:
    """The claim of *run*, its lease renewed by a thread until the block ends."""
    with renewed(lambda: ledger.runs.renew(run)):
        yield Claim(ledger, run)


def take_back_doubles(ledger: Ledger, registry: Versions, model: str) -> list[str]:
    """Delete versions whose decision offered another one; their numbers.

    Such a version was made by a process that had lost its claim, and that died before it took the version back.
    """
    by_decision: dict[str, list[Version]] = {}
    for version in registry.versions():
        if version.decision is not None and not version.aliases and not version.meta.taken_back:
            by_decision.setdefault(version.decision, []).append(version)
    offers = ledger.offers.of(model)
    doubles = [
        (decision, version.number)
        for decision, versions in by_decision.items()
        for version in versions
        if offers.get(decision) not in (None, version.number)
    ]
    gone = []
    for decision, number in doubles:
        if ledger.offers.withdraw(model, decision, number, "sweep"):
            registry.discard(number)
            gone.append(number)
    return gone
