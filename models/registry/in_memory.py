"""Versions kept in memory, for a backtest: the registry's behaviour without its files."""

from __future__ import annotations

import copy
from contextlib import AbstractContextManager
from dataclasses import replace

from ...spec.errors import RegistryError
from ...spec.model import Spec
from ...spec.values import Strategy
from ..learning.trained import Trained
from . import card
from .aliases import CHAMPION
from .evidence import Evidence
from .offers import Offers
from .reads import Reads
from .tags import CAUGHT, MAX_CHARACTERS, VersionTags
from .versions import UNCLAIMED, Claim, Version


class _Kept:
    """The versions, tags and aliases themselves: a `VersionSource` and an `AliasWriter`."""

    def __init__(self, model: str) -> None:
        self.model = model
        self.by_number: dict[str, Version] = {}
        self._aliases: dict[str, str] = {}
        self._made = 0

    def aliases(self) -> dict[str, str]:
        return dict(self._aliases)

    def versions(self, *, number: str | None = None, tag: tuple[str, str] | None = None) -> list[Version]:
        if number is not None:
            return [self.by_number[number]] if number in self.by_number else []
        found = list(reversed(self.by_number.values()))
        return found if tag is None else [each for each in found if each.tags.get(tag[0]) == tag[1]]

    def add(self, version: Version) -> Version:
        """Number *version* as the registry would: the number of one that was deleted is not given again."""
        self._made += 1
        made = version.model_copy(update={"number": str(self._made)})
        self.by_number[made.number] = made
        return made

    def set_alias(self, alias: str, number: str) -> None:
        self._known(number)
        self._aliases[alias] = number

    def delete_alias(self, alias: str) -> None:
        self._aliases.pop(alias, None)

    def discard(self, number: str) -> None:
        self._known(number)
        del self.by_number[number]
        self._aliases = {alias: target for alias, target in self._aliases.items() if target != number}

    def change(self, number: str, key: str, value: str, description: str | None = None) -> None:
        version = self._known(number)
        update = {"tags": {**version.tags, key: value[:MAX_CHARACTERS]}}
        text = {} if description is None else {"description": description}
        self.by_number[number] = version.model_copy(update={**update, **text})

    def _known(self, number: str) -> Version:
        if number not in self.by_number:
            raise RegistryError(f"model {self.model!r} has no version {number!r} in memory. Nothing was changed")
        return self.by_number[number]


class InMemoryRegistry:
    """The versions of one model, numbered as the registry would number them. Gone with the process.

    See `Versions` for the methods; a contract suite holds them equal to MLflow's.
    """

    uri = "memory"

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.model = spec.model
        self._kept = _Kept(spec.model)
        self._loaded: dict[str, Trained] = {}
        self._reads = Reads(spec, self.uri, self._kept)
        self._offers = Offers(spec.model, self._reads, self._kept)

    def one_read(self) -> AbstractContextManager[None]:
        """Within the block each thing is read once."""
        return self._reads.one_read()

    def refresh(self) -> None:
        """Forget what was read within `one_read`."""
        self._reads.refresh()

    def versions(self) -> tuple[Version, ...]:
        """All versions, newest first."""
        return self._reads.versions()

    def champion(self) -> Version | None:
        """The version that serves; None before the first training."""
        return self._reads.champion()

    def challenger(self) -> Version | None:
        """The version that waits for review."""
        return self._reads.challenger()

    def candidates(self) -> dict[Strategy, Version]:
        """The newest version that each strategy made."""
        return self._reads.candidates()

    def version(self, ref: str | int) -> Version:
        """The version of a number or an alias; RegistryError if there is none."""
        return self._reads.version(ref)

    def rejected(self) -> tuple[Version, ...]:
        """The versions that a reviewer rejected, by the tag `review`; the oldest first."""
        return self._reads.rejected()

    def of_decision(self, decision: str) -> Version | None:
        """The version registered for *decision*, if there is one."""
        return self._reads.of_decision(decision)

    def load(self, ref: str | int = CHAMPION) -> Trained:
        """The version with its training state."""
        return self._loaded[self.version(ref).number]

    def page(self, number: str) -> str | None:
        """There is no page to look at."""
        return None

    def register(self, trained: Trained, evidence: Evidence, *, claim: Claim = UNCLAIMED) -> Version:
        """Keep a copy of *trained* once for `evidence.decision`, and offer it as the registry would."""
        self.refresh()
        known = self.of_decision(evidence.decision)
        if known is None:
            claim.check()
            tags = VersionTags.of(trained.state, evidence).to_mlflow()
            known = self._kept.add(Version(model=self.model, number="0", tags=tags, created=evidence.at))
            estimator = copy.deepcopy(trained.estimator)
            self._loaded[known.number] = replace(trained, estimator=estimator, version=known.number)
            self.refresh()
        return self.offer(known, claim=claim)

    def offer(self, version: Version, *, claim: Claim = UNCLAIMED) -> Version:
        """Point `candidate` at *version*, and `challenger` too if its gate passed it; no newer one's alias moves."""
        return self._offers.offer(version, claim=claim)

    def discard(self, number: str) -> None:
        """Delete a version that was never offered."""
        self._offers.discard(number)
        if number not in self._kept.by_number:
            self._loaded.pop(number, None)

    def let_go(self, strategy: Strategy | None = None) -> None:
        """The next update, of *strategy* or of the candidate, goes on from the champion."""
        self._offers.let_go(strategy)

    def flag(self, number: str | None, text: str) -> None:
        """Say on the version that the alias was caught there; the model itself has no page."""
        text = " ".join(text.split())
        if number is not None:
            self._kept.change(number, CAUGHT, text, card.caught(text, self.version(number).description))
            self.refresh()

    def set_tag(self, number: str, key: str, value: str) -> None:
        """Set one tag of a version; RegistryError if there is none."""
        self._kept.change(number, key, value)
        self.refresh()

    def promote(self, ref: str | int) -> str | None:
        """Let a version serve; the former champion's number. What is in memory needs no verifying."""
        return self._offers.promote(ref, lambda number: None)
