"""Signals, histories and decisions to judge, made in the test and small enough to read."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from ratoon.policy.decide import decide
from ratoon.policy.rules.variables import nested
from ratoon.spec.keys.rules import Policy, Rule
from ratoon.spec.values import Decision, History, PastDecision, PastUpdate, Signal, Span

NOW = datetime(2026, 3, 1, 12)
WINDOW = Span(start=NOW - timedelta(days=7), end=NOW)


def signal(monitor: str, metric: str, status: str = "ok", **more: Any) -> Signal:
    return Signal.model_validate(
        {"monitor": monitor, "metric": metric, "status": status, "window": WINDOW, "rows": 1000, **more}
    )


def sound(**drop: Any) -> list[Signal]:
    """A window in which nothing moved; keywords change its `drop` signal."""
    return [
        signal("quality", "volume", value=1.0),
        signal("drift", "drift_score", column="day", value=0.02),
        signal("drift", "drift_share", value=0.0, threshold=0.3),
        signal("performance", "roc_auc", value=0.76, low=0.74, high=0.78, reference=0.77, rows=600),
        signal("performance", "drop", **{"value": 0.01, "low": -0.01, "high": 0.03, "rows": 600} | drop),
    ]


def harmful(drop: float = 0.05) -> list[Signal]:
    return sound(status="fail", value=drop, low=drop - 0.02, high=drop + 0.02, threshold=0.01)


def past(
    hours_ago: float,
    *matched: str,
    action: str = "hold",
    verdict: str = "harm",
    champion: str = "3",
    known: dict[str, Any] | None = None,
    **more: Any,
) -> PastDecision:
    """An earlier look; *known* are its facts by their dotted names."""
    at = NOW - timedelta(hours=hours_ago)
    facts = nested({"triage": verdict} | (known or {}))
    return PastDecision.model_validate(
        {"id": f"d{at:%m%d%H%M%S}", "at": at, "action": action, "verdict": verdict, "matched": matched}
        | {"champion": champion, "facts": facts}
        | more
    )


def run(hours_ago: float, outcome: str = "registered", decision: str | None = None, **more: Any) -> PastUpdate:
    at = NOW - timedelta(hours=hours_ago)
    return PastUpdate.model_validate(
        {"decision": decision or f"d{at:%m%d%H%M%S}", "started_at": at, "outcome": outcome} | more
    )


def history(**more: Any) -> History:
    return History.model_validate(
        {
            "model": "price",
            "champion": "3",
            "champion_trained_at": NOW - timedelta(days=30),
            "champion_since": NOW - timedelta(days=29),
            "new_rows": 500,
        }
        | more
    )


def policy(*rules: dict[str, Any] | Rule, **more: Any) -> Policy:
    """A policy in which one bad window is harm, unless *more* says otherwise."""
    return Policy.model_validate(
        {"rules": rules, "metric": "roc_auc", "every": "1d", "triage": {"persist": "1 of 1"}} | more
    )


def judge(
    signals: list[Signal], *rules: dict[str, Any] | Rule, past: History | None = None, now: datetime = NOW, **more: Any
) -> Decision:
    """Decide at *now* by a policy of the given rules and *more*."""
    return decide(signals, past or history(), policy(*rules, **more), now, model="price", window=WINDOW)


MAKERS: tuple[Callable[..., Any], ...] = (signal, sound, harmful, past, run, history, policy, judge)


@pytest.fixture
def made() -> SimpleNamespace:
    """The makers above, for tests: `made.harmful()`, `made.judge(…)`."""
    makers = {f.__name__: f for f in MAKERS}
    return SimpleNamespace(NOW=NOW, WINDOW=WINDOW, **makers)
