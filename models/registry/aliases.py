"""The aliases of a model, and which of them a version gets or loses. Values in, values out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast, get_args

from ...spec.values import Strategy
from .tags import VersionTags

CHAMPION, CHALLENGER, CANDIDATE = "champion", "challenger", "candidate"
BEHIND = f"{CANDIDATE}-"  # an alias for each strategy: the newest version that it made, such as candidate-warm


def alias_of(strategy: Strategy | None) -> str:
    """The alias of the newest version that *strategy* made; `candidate` for None."""
    return CANDIDATE if strategy is None else f"{BEHIND}{strategy}"


def behind(aliases: Mapping[str, str]) -> dict[Strategy, str]:
    """The version number of each strategy's newest version, by the aliases of a model.

    A registry that was written before strategies had aliases of their own has `candidate` alone, which is looked up by
    the caller.
    """
    own = {alias.removeprefix(BEHIND): number for alias, number in aliases.items() if alias.startswith(BEHIND)}
    return {cast(Strategy, strategy): number for strategy, number in own.items()}


def to_be_set(number: str, tags: VersionTags, aliases: Mapping[str, str]) -> list[str]:
    """The aliases that version *number* gets once it is registered; none that a newer one has."""
    gate, own = tags.gate, f"{BEHIND}{tags.strategy}"
    learned = gate in ("passed", "unproven", "background") and tags.strategy in get_args(Strategy)
    found = [own] if learned and int(number) > int(aliases.get(own, 0)) else []
    if gate in ("passed", "unproven") and int(number) > int(aliases.get(CANDIDATE, 0)):
        found.append(CANDIDATE)
    if not tags.unproven and _may_be_offered(number, aliases):
        found.append(CHALLENGER)
    return found


def _may_be_offered(number: str, aliases: Mapping[str, str]) -> bool:
    """Whether `challenger` may point at version *number*: neither it nor a newer one serves or was offered."""
    newest = max((int(aliases[alias]) for alias in (CHAMPION, CHALLENGER) if alias in aliases), default=0)
    return int(number) > newest


def pointing_at(number: str, aliases: Mapping[str, str]) -> list[str]:
    """The aliases that end when version *number* serves: it waits no longer."""
    waits = [alias for alias in aliases if alias in (CHALLENGER, CANDIDATE) or alias.startswith(BEHIND)]
    return [alias for alias in waits if aliases[alias] == number]
