"""Versions that were loaded, kept in memory as long as they may be asked for again."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection

from ..learning.trained import Trained

# Beside those with an alias: one look may ask, in turn, for every version that served rows whose labels are late.
OTHERS = 32


class LoadedVersions:
    """Loaded versions by number: those that an alias points at, and the newest `OTHERS` beside them."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Trained] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, number: str) -> Trained | None:
        """The version as it was loaded; None if it is to be loaded (again)."""
        found = self._kept.get(number)
        if found is not None:
            self._kept.move_to_end(number)
        return found

    def keep(self, number: str, trained: Trained, named: Collection[str]) -> None:
        """Keep a version just loaded; *named*: the numbers that an alias points at."""
        self._kept[number] = trained
        others = [each for each in self._kept if each not in named]
        for each in others[:-OTHERS]:
            del self._kept[each]

    def forget(self, number: str) -> None:
        """Keep it no longer."""
        self._kept.pop(number, None)
