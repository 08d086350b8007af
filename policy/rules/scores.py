"""How often acting, and waiting, turned out right: what rules may learn from the ledger."""

from __future__ import annotations

from collections.abc import Sequence

from ...spec.values import FIRING, History, PastDecision

LAST = 20  # scored acts, and scored waits, that the shares are over
ACTS = FIRING | {"roll_back"}
_WORTH = {"right": 1.0, "even": 0.5, "wrong": 0.0}


def scores(history: History) -> dict[str, float | None]:
    """The shares that were right, and over how many; without one scored decision there is no share.

    What could not be told (`even` on no rows) is left out: too few labels, or an act in shadow mode.
    """
    looks = sorted(history.decisions, key=lambda d: (d.at, d.id))
    scored = [d for d in looks if d.score is not None and (d.score.verdict != "even" or d.score.rows > 0)]
    acts = [d for d in scored if d.action in ACTS][-LAST:]
    waits = [d for d in scored if d.action not in ACTS][-LAST:]
    return {
        "score.acting": _share(acts),
        "score.acted": len(acts),
        "score.waiting": _share(waits),
        "score.waited": len(waits),
    }


def _share(decisions: Sequence[PastDecision]) -> float | None:
    worth = [_WORTH[d.score.verdict] for d in decisions if d.score is not None]
    return sum(worth) / len(worth) if worth else None
