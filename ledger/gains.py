"""What a training run gained, read from the evidence that it landed with.

The evidence is JSON that the models' room wrote (race.Attempt, gate.GateResult); older ledgers may hold other
shapes, and a run that failed holds none. What is not there is no gain.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any


def gain(evidence: Mapping[str, Any]) -> float | None:
    """The gain on recent holdout rows of the attempt that passed the gate, else of the last that was judged."""
    judged = [strata for attempt in _list(evidence, "attempts") if (strata := _list(_map(attempt, "gate"), "strata"))]
    if not judged:
        return None
    chosen = next((strata for strata in judged if all(_passed(each) for each in strata)), judged[-1])
    recent = next((each for each in chosen if isinstance(each, Mapping) and each.get("name") == "recent"), None)
    value = _map(recent, "gain").get("value")
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def _passed(stratum: Any) -> bool:
    return isinstance(stratum, Mapping) and stratum.get("verdict") in ("passed", "absent")


def _map(parent: Any, key: str) -> Mapping[str, Any]:
    found = parent.get(key) if isinstance(parent, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _list(parent: Any, key: str) -> list[Any]:
    found = parent.get(key) if isinstance(parent, Mapping) else None
    return found if isinstance(found, list) else []
