"""The first version of a model, which no decision and no training run stands behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from ...models.ladder.apart import first_apart
from ...models.ladder.run import first
from ...models.registry.evidence import Evidence
from ...models.registry.versions import UNCLAIMED, Claim, Version
from ...policy.decide import decision_id
from ...spec.errors import RegistryError
from ..champion_lock import Lock, champion_lock
from ..context import ModelContext, Stores
from ..review.promote import Move, move_champion
from .referenced import referenced

_SOON = 10.0  # seconds: a sweep takes less, another first version more


def first_version(
    context: ModelContext, now: datetime, flow_run: str = "", *, bounded: bool = False, claim: Claim = UNCLAIMED
) -> Version:
    """Fit on every labelled row outside the holdout, judge on the holdout, and register; *bounded* as in `ladder`."""
    view = context.source.as_of(now)
    rows, holdout = view.learned(now), view.holdout(None, limit=context.spec.gate.sample)
    used = None
    if bounded:
        trained, seconds, used = first_apart(context.spec, rows, holdout=holdout)
    else:
        trained, seconds = first(context.spec, rows, holdout=holdout)
    evidence = Evidence(
        decision=decision_id(context.spec.model, now, "first"),
        at=now,
        example=rows.head(5),
        reasons=("There was no champion yet.", *context.notes),
        rows=len(rows),
        cpu_seconds=seconds,
        used=used,
        flow_run=flow_run,
        spec_path=str(context.spec.path),
    )
    return context.registry.register(referenced(context, view, trained), evidence, claim=claim)


def train_first(context: ModelContext, now: datetime, fit: Callable[[ModelContext, datetime, Claim], str]) -> str:
    """Let *fit* make the first version, and let it serve; its number.

    Raises RegistryError if the model has a champion, and Refused if another process makes one just now; then nothing
    was changed.
    """
    _refuse_foreign(context)
    with first_claim(context) as claim:
        version = fit(context, now, claim)
        claim.check()
        move_champion(context, version, Move("first", "the first version", "ratoon", now), claim)
    return version


def _refuse_foreign(context: Stores) -> None:
    serving = context.registry.champion()
    if serving is not None and not serving.meta.made_by_ratoon:
        raise RegistryError(
            f"{context.spec.model} has the champion v{serving.number}, which Ratoon did not make; nothing was "
            f"changed. Take it under care with `ratoon adopt {context.spec.path} --learned-until MOMENT`."
        )


class FirstClaim:
    """The claim on a model's first version: the lock over its champion, as the registry asks for it."""

    def __init__(self, context: Stores, lock: Lock) -> None:
        self._care = context
        self._lock = lock

    def check(self) -> None:
        """Raises Refused if the lock was lost, or if there is a champion by now."""
        self._lock.check()
        if (serving := self._care.registry.champion()) is not None:
            raise RegistryError(
                f"{self._care.spec.model} has the champion v{serving.number} already; nothing was changed. "
                "Continue it with `ratoon retrain`, or from scratch with `ratoon retrain --strategy scratch`."
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
def first_claim(context: Stores) -> Iterator[FirstClaim]:
    """The claim on the first version of a model, kept until the block ends; see `FirstClaim.check`."""
    with champion_lock(context, wait=_SOON) as lock:
        claim = FirstClaim(context, lock)
        claim.check()
        yield claim
