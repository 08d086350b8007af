"""A climb for tests, whose rows are given one by one."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from ratoon.models.ladder import climbing, race
from ratoon.models.ladder.race import LadderRows, Race

_ROWS = {each.name for each in fields(LadderRows)}


def _split(given: dict[str, Any]) -> dict[str, Any]:
    rows = {name: value for name, value in given.items() if name in _ROWS}
    return {"rows": LadderRows(**rows), **{name: value for name, value in given.items() if name not in _ROWS}}


def climb(champion: Any, spec: Any, **given: Any) -> Race:
    """As race.climb, with the fields of LadderRows among *given*."""
    return race.climb(champion, spec, **_split(given))


def run_ladder_apart(champion: Any, spec: Any, **given: Any) -> Race:
    """As climbing.run_ladder_apart, with the fields of LadderRows among *given*."""
    return climbing.run_ladder_apart(champion, spec, **_split(given))
