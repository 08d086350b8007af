"""What is asked of a run: which strategies, and on which rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import pandas as pd

from ...spec.values import Strategy
from ..gate import NO_TRIALS, Earlier


@dataclass(frozen=True)
class Asked:
    """Which strategies a run tries, and how.

    *order*: those that may win, the most promising first; left out: `learner.strategies`. *learn*: those that learn
    beside, whatever comes of the run, so that their next trial can tell what they are worth. *offer*: whether a gate
    judges them; a look that fires nothing only lets them learn. *proven*: those whose gain over the champion their
    trials have proven, so that the gate asks of the recent rows only that they show no loss. *earlier*: what older
    versions gained over newer ones on later rows, by which the gate prices what is lost on older ones.
    """

    order: tuple[Strategy, ...] | None = None
    learn: frozenset[Strategy] = frozenset()
    offer: bool = True
    proven: frozenset[Strategy] = frozenset()
    earlier: Earlier = NO_TRIALS


LADDER = Asked()


@dataclass(frozen=True)
class LadderRows:
    """The canonical frames of a run.

    *unlearned*: the rows newer than the oldest watermark among champion and lines. *scratch*: gives all labelled,
    non-holdout rows after a moment, read only if such a strategy is reached: after *since* for `scratch`, after
    *recent_since* for `scratch_recent`. *recent*, *anchor*: holdout rows, newer and older than its watermark;
    *older_rows*, *outdated*: as `gate.Circumstances` has them.
    """

    unlearned: pd.DataFrame
    scratch: Callable[[datetime | None], pd.DataFrame]
    recent: pd.DataFrame
    anchor: pd.DataFrame
    older_rows: int | None = None
    outdated: str | None = None
    since: datetime | None = None
    recent_since: datetime | None = None
