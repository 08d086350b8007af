"""What a registry is asked about its versions, whatever holds them: MLflow, its SQLite file, or memory."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol, TypeVar, cast, get_args

from ...spec.errors import RegistryError
from ...spec.model import Spec
from ...spec.values import Strategy
from .aliases import CANDIDATE, CHALLENGER, CHAMPION, behind
from .tags import DECISION, REJECTED, REVIEW
from .versions import Version

T = TypeVar("T")


class VersionSource(Protocol):
    """Where versions are read from. What it returns needs no aliases; `Reads` adds them."""

    def aliases(self) -> dict[str, str]:
        """Each alias with the number it points to; none before the first version."""

    def versions(self, *, number: str | None = None, tag: tuple[str, str] | None = None) -> Sequence[Version]:
        """The versions, newest first: all, the one of a *number* if there is one, or those with a *tag*."""


class Reads:
    """The versions and aliases of one model. Each question reads afresh, but within `one_read`."""

    def __init__(self, spec: Spec, uri: str, source: VersionSource) -> None:
        self._spec = spec
        self._uri = uri
        self.source = source
        self._kept: dict[Hashable, object] | None = None
        self._depth = 0

    @contextmanager
    def one_read(self) -> Iterator[None]:
        """Within the block everything is read once, until `refresh`."""
        self._depth += 1
        if self._kept is None:
            self._kept = {}
        try:
            yield
        finally:
            self._depth -= 1
            if self._depth == 0:
                self._kept = None

    def refresh(self) -> None:
        """Forget what was read."""
        if self._kept is not None:
            self._kept = {}

    def aliases(self) -> dict[str, str]:
        """Each alias with the number it points to."""
        return dict(self._once("aliases", self.source.aliases))

    def versions(self) -> tuple[Version, ...]:
        """All versions, newest first."""
        return self._named(self._once("versions", self.source.versions))

    def version(self, ref: str | int) -> Version:
        """The version of a number or an alias; RegistryError with the next step if there is none."""
        number = self.aliases().get(str(ref), str(ref))
        if number.isdigit() and (found := self._numbered(number)):
            return self._named(found)[0]
        known = ", ".join(each.number for each in self.versions()) or "none"
        raise RegistryError(
            f"model {self._spec.model!r} has no version or alias {ref!r} in {self._uri} (versions: {known}). "
            + (f"Train a first version: ratoon train {self._spec.path}" if known == "none" else "Nothing was changed")
        )

    def champion(self) -> Version | None:
        """The version that serves; None before the first training, or if its version was deleted."""
        return self._of(CHAMPION)

    def challenger(self) -> Version | None:
        """The version that waits for review."""
        return self._of(CHALLENGER)

    def candidates(self) -> dict[Strategy, Version]:
        """The newest version that each strategy made; of an older registry the one with the alias `candidate`."""
        aliases = self.aliases()
        found = {strategy: self.version(number) for strategy, number in behind(aliases).items()}
        if not found and CANDIDATE in aliases:
            old = self.version(aliases[CANDIDATE])
            if old.strategy in get_args(Strategy):
                found[cast(Strategy, old.strategy)] = old
        return found

    def rejected(self) -> tuple[Version, ...]:
        """The versions that a reviewer rejected, by the tag `review` with the value `rejected`; the oldest first."""
        return tuple(each.model_copy(update={"aliases": ()}) for each in self._tagged(REVIEW, REJECTED))

    def of_decision(self, decision: str) -> Version | None:
        """The version registered for *decision*, if there is one: the first that was not taken back."""
        made = [each for each in self._tagged(DECISION, decision) if not each.meta.taken_back]
        return self._named(made[:1])[0] if made else None

    def _of(self, alias: str) -> Version | None:
        number = self.aliases().get(alias)
        return None if number is None else self.version(number)

    def _numbered(self, number: str) -> Sequence[Version]:
        if (everything := self._everything()) is not None:
            return [each for each in everything if each.number == number]
        return self._once(("number", number), lambda: self.source.versions(number=number))

    def _tagged(self, key: str, value: str) -> list[Version]:
        """Those with a tag, the oldest first."""
        everything = self._everything()
        if everything is None:
            everything = self._once((key, value), lambda: self.source.versions(tag=(key, value)))
        found = [each for each in everything if each.tags.get(key) == value]
        return sorted(found, key=lambda each: int(each.number))

    def _everything(self) -> Sequence[Version] | None:
        """All versions, if they were read within this block."""
        return cast("Sequence[Version] | None", self._kept.get("versions")) if self._kept else None

    def _named(self, versions: Sequence[Version]) -> tuple[Version, ...]:
        """*versions* with their aliases."""
        if not versions:
            return ()
        by_number: dict[str, list[str]] = {}
        for alias, number in sorted(self.aliases().items()):
            by_number.setdefault(number, []).append(alias)
        return tuple(each.model_copy(update={"aliases": tuple(by_number.get(each.number, ()))}) for each in versions)

    def _once(self, what: Hashable, read: Callable[[], T]) -> T:
        if self._kept is None:
            return read()
        if what not in self._kept:
            self._kept[what] = read()
        return cast(T, self._kept[what])
