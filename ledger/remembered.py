"""What one open ledger has read before: rows never change, so that they are parsed once.

A backtest asks for the past at each of hundreds of moments, and most of it is the past that it saw before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

from ..spec.values import PastDecision
from .entries import Promotion, UpdateRow

Key = TypeVar("Key")
Held = TypeVar("Held")

MOST = 20_000  # of one kind: beyond it all are forgotten, and read again where they are asked for


class ReadOnce(Generic[Key, Held]):
    """Values by key; what is missing is read at once for all keys that miss it."""

    def __init__(self) -> None:
        self._kept: dict[Key, Held] = {}

    def all(self, keys: Iterable[Key], read: Callable[[list[Key]], Iterable[tuple[Key, Held]]]) -> list[Held]:
        """The value of each of *keys*, in their order; *read* gives those that are not here yet."""
        wanted = list(keys)
        found = {key: self._kept[key] for key in wanted if key in self._kept}
        if missing := [key for key in wanted if key not in found]:
            fresh = dict(read(missing))
            if len(self._kept) + len(fresh) > MOST:
                self._kept = {}
            self._kept.update(fresh)
            found |= fresh
        return [found[key] for key in wanted]


class Remembered:
    """One open ledger's entries: decisions as the past sees them, with and without score; runs; promotions."""

    def __init__(self) -> None:
        self.decisions: ReadOnce[str, PastDecision] = ReadOnce()
        self.scored: ReadOnce[str, PastDecision] = ReadOnce()
        self.ended: ReadOnce[tuple[str, int], tuple[UpdateRow, float | None]] = ReadOnce()  # each with its gain
        self.promotions: ReadOnce[int, Promotion] = ReadOnce()
