"""Named corruptions of a clean window: what goes wrong in pipelines, by family, kind and column.

Each takes a window and a seeded generator and gives the window as the monitors would have met it.
"""

from __future__ import annotations

from collections.abc import Iterator

from corrupted_columns import of_columns
from corrupted_labels import of_labels
from corrupted_rows import of_rows
from corruption import Corruption


def corruptions() -> Iterator[Corruption]:
    """All of them, in a fixed order. Two of one name differ by their column alone, and are one kind."""
    yield from of_columns()
    yield from of_rows()
    yield from of_labels()


def kinds() -> tuple[str, ...]:
    """The names of all kinds, each once."""
    return tuple(dict.fromkeys(each.name for each in corruptions()))


__all__ = ["Corruption", "corruptions", "kinds"]
