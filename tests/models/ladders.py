"""A run of the ladder for tests, whose rows are given one by one."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from ratoon.models.ladder import apart, run
from ratoon.models.ladder.run import LadderResult, LadderRows

_ROWS = {each.name for each in fields(LadderRows)}


def _split(given: dict[str, Any]) -> dict[str, Any]:
    rows = {name: value for name, value in given.items() if name in _ROWS}
    return {"rows": LadderRows(**rows), **{name: value for name, value in given.items() if name not in _ROWS}}


def run_ladder(champion: Any, spec: Any, **given: Any) -> LadderResult:
    """As run.run_ladder, with the fields of LadderRows among *given*."""
    return run.run_ladder(champion, spec, **_split(given))


def run_ladder_apart(champion: Any, spec: Any, **given: Any) -> LadderResult:
    """As apart.run_ladder_apart, with the fields of LadderRows among *given*."""
    return apart.run_ladder_apart(champion, spec, **_split(given))
