"""What a training run gained or promised, read from the evidence that it landed with.

The evidence is JSON that the models' room wrote (race.Attempt, gate.GateResult); older ledgers may hold other
shapes, and a run that failed holds none. What is not there is no gain.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any


def gain(evidence: Mapping[str, Any]) -> float | None:
    """The gain on recent holdout rows of the attempt that passed the gate, else of the last that was judged."""
    gates = [_map(attempt, "gate") for attempt in _list(evidence, "attempts")]
    judged = [gate for gate in gates if _list(gate, "strata")]
    if not judged:
        return None
    chosen = next((gate for gate in judged if _through(gate)), judged[-1])
    recent = next(
        (each for each in _list(chosen, "strata") if isinstance(each, Mapping) and each.get("name") == "recent"), None
    )
    value = _map(recent, "gain").get("value")
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def promising(evidence: Mapping[str, Any]) -> bool:
    """Whether no candidate passed, and one of them was not refuted either: more rows may prove it."""
    return evidence.get("promising") is True


def _through(gate: Mapping[str, Any]) -> bool:
    """Whether every stratum and check let the candidate through; older ledgers hold no checks."""
    return all(_passed(each) for each in (*_list(gate, "strata"), *_list(gate, "checks")))


def _passed(verdict: Any) -> bool:
    return isinstance(verdict, Mapping) and verdict.get("verdict") in ("passed", "absent", "reported")


def _map(parent: Any, key: str) -> Mapping[str, Any]:
    found = parent.get(key) if isinstance(parent, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _list(parent: Any, key: str) -> list[Any]:
    found = parent.get(key) if isinstance(parent, Mapping) else None
    return found if isinstance(found, list) else []
