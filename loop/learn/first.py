"""The first version of a model, which no decision and no training run stands behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from ...models.ladder.climbing import first_apart
from ...models.ladder.race import first
from ...models.registry.evidence import Evidence
from ...models.registry.versions import UNCLAIMED, Claim, Version
from ...policy.decide import decision_id
from ...spec.errors import RegistryError
from ..champion_lock import Lock, champion_lock
from ..context import Care, Kept
from ..review.promote import Move, move_champion
from .referenced import referenced

_SOON = 10.0  # seconds: a sweep takes less, another first version more


def first_version(
    care: Care, now: datetime, flow_run: str = "", *, bounded: bool = False, claim: Claim = UNCLAIMED
) -> Version:
    """Fit on every labelled row outside the holdout, judge on the holdout, and register; *bounded* as in `ladder`."""
    view = care.source.as_of(now)
    rows, holdout = view.learned(now), view.holdout(None, limit=care.spec.gate.sample)
    used = None
    if bounded:
        trained, seconds, used = first_apart(care.spec, rows, holdout=holdout)
    else:
        trained, seconds = first(care.spec, rows, holdout=holdout)
    evidence = Evidence(
        decision=decision_id(care.spec.model, now, "first"),
        at=now,
        example=rows.head(5),
        reasons=("There was no champion yet.",),
        rows=len(rows),
        cpu_seconds=seconds,
        used=used,
        flow_run=flow_run,
        spec_path=str(care.spec.path),
    )
    return care.registry.register(referenced(care, view, trained), evidence, claim=claim)


def train_first(care: Care, now: datetime, fit: Callable[[Care, datetime, Claim], str]) -> str:
    """Let *fit* make the first version, and let it serve; its number.

    Raises RegistryError if the model has a champion, and Refused if another process makes one just now; then nothing
    was changed.
    """
    _refuse_foreign(care)
    with first_claim(care) as claim:
        version = fit(care, now, claim)
        claim.check()
        move_champion(care, version, Move("first", "the first version", "ratoon", now), claim)
    return version


def _refuse_foreign(care: Kept) -> None:
    serving = care.registry.champion()
    if serving is not None and not serving.meta.made_by_ratoon:
        raise RegistryError(
            f"{care.spec.model} has the champion v{serving.number}, which Ratoon did not make; nothing was "
            f"changed. Take it under care with `ratoon adopt {care.spec.path} --learned-until MOMENT`."
        )


class FirstClaim:
    """The claim on a model's first version: the lock over its champion, as the registry asks for it."""

    def __init__(self, care: Kept, lock: Lock) -> None:
        self._care = care
        self._lock = lock

    def check(self) -> None:
        """Raises Refused if the lock was lost, or if there is a champion by now."""
        self._lock.check()
        if (serving := self._care.registry.champion()) is not None:
            raise RegistryError(
                f"{self._care.spec.model} has the champion v{serving.number} already; nothing was changed. "
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
def first_claim(care: Kept) -> Iterator[FirstClaim]:
    """The claim on the first version of a model, kept until the block ends; see `FirstClaim.check`."""
    with champion_lock(care, wait=_SOON) as lock:
        claim = FirstClaim(care, lock)
        claim.check()
        yield claim
