"""The variables for people: what a rule may use, and what each is worth now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .variables import VARIABLES, value_of


@dataclass(frozen=True)
class Explained:
    """One variable: *value* is None where no facts were given or it has no value in this window."""

    name: str
    type: str
    meaning: str
    value: object = None


def explain(seen: Mapping[str, object] | None = None) -> tuple[Explained, ...]:
    """All documented variables in their documented order, with their values in *seen* (`Decision.facts`)."""
    return tuple(
        Explained(name, each.type, each.meaning, value_of(name, seen) if seen is not None else None)
        for name, each in VARIABLES.items()
    )
