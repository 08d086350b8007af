"""Versions kept in memory, for a backtest: the registry's behaviour without its files."""

from __future__ import annotations

import copy
from dataclasses import replace

from ...spec.errors import RegistryError
from ...spec.model import Spec
from ...spec.values import LadderRung
from ..learning.trained import Trained
from . import card
from .evidence import Evidence
from .versions import (
    BEHIND,
    CANDIDATE,
    CHALLENGER,
    CHAMPION,
    DECISION,
    UNCLAIMED,
    Claim,
    Version,
    behind,
    pointing_at,
    to_be_set,
)


class Shelf:
    """The versions of one model, numbered as the registry would number them. Gone with the process."""

    uri = "memory"

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.model = spec.model
        self._kept: dict[str, tuple[Version, Trained]] = {}
        self._aliases: dict[str, str] = {}

    def versions(self) -> tuple[Version, ...]:
        """All versions, newest first."""
        return tuple(self.version(number) for number in reversed(self._kept))

    def champion(self) -> Version | None:
        """The version that serves; None before the first training."""
        return self.version(self._aliases[CHAMPION]) if CHAMPION in self._aliases else None

    def challenger(self) -> Version | None:
        """The version that waits for review."""
        return self.version(self._aliases[CHALLENGER]) if CHALLENGER in self._aliases else None

    def candidates(self) -> dict[LadderRung, Version]:
        """The newest version that each strategy made."""
        return {strategy: self.version(number) for strategy, number in behind(self._aliases).items()}

    def version(self, ref: str | int) -> Version:
        """The version of a number or an alias; RegistryError where there is none."""
        number = self._aliases.get(str(ref), str(ref))
        if number not in self._kept:
            raise RegistryError(f"model {self.model!r} has no version or alias {ref!r}; nothing was changed")
        aliases = tuple(sorted(alias for alias, target in self._aliases.items() if target == number))
        return self._kept[number][0].model_copy(update={"aliases": aliases})

    def rejected(self) -> tuple[Version, ...]:
        """Nobody reviews a backtest's versions one by one."""
        return ()

    def of_decision(self, decision: str) -> Version | None:
        """The version registered for *decision*, if there is one."""
        numbers = [number for number, (version, _) in self._kept.items() if version.decision == decision]
        return self.version(numbers[0]) if numbers else None

    def load(self, ref: str | int = CHAMPION) -> Trained:
        """The version with its training state."""
        return self._kept[self.version(ref).number][1]

    def page(self, number: str) -> str | None:
        """There is no page to look at."""
        return None

    def register(self, trained: Trained, evidence: Evidence, *, claim: Claim = UNCLAIMED) -> Version:
        """Keep a copy of *trained* once for `evidence.decision`, and offer it as the registry would."""
        known = self.of_decision(evidence.decision)
        if known is None:
            number = str(len(self._kept) + 1)
            kept = replace(trained, estimator=copy.deepcopy(trained.estimator), version=number)
            tags = {DECISION: evidence.decision, **card.tags(trained.state, evidence)}
            self._kept[number] = (Version(model=self.model, number=number, tags=tags, created=evidence.at), kept)
            known = self.version(number)
        return self.offer(known, claim=claim)

    def offer(self, version: Version, *, claim: Claim = UNCLAIMED) -> Version:
        """Point `candidate` at *version*, and `challenger` too where its gate passed it; no newer one's alias moves."""
        self._aliases |= dict.fromkeys(to_be_set(version, self._aliases), version.number)
        return self.version(version.number)

    def discard(self, number: str) -> None:
        """Nothing competes with a backtest's versions."""

    def let_go(self, strategy: LadderRung | None = None) -> None:
        """The next update, of *strategy* or of the candidate, goes on from the champion."""
        gone = self._aliases.pop(f"{BEHIND}{strategy}" if strategy else CANDIDATE, None)
        if strategy and gone is not None and self._aliases.get(CANDIDATE) == gone:
            del self._aliases[CANDIDATE]

    def flag(self, number: str | None, text: str) -> None:
        """Nobody else moves a backtest's aliases."""

    def promote(self, ref: str | int) -> str | None:
        """Let a version serve; the former champion's number."""
        number = self.version(ref).number
        former = self._aliases.get(CHAMPION)
        self._aliases[CHAMPION] = number
        for alias in pointing_at(number, self._aliases):
            del self._aliases[alias]
        return former
