"""Which strategies may not be tried now, and what may be spent on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from ...data.columns import LABEL_TIME
from ...spec.keys.learner import LearnerSpec
from ...spec.run_record import AttemptRecord
from ...spec.values import Strategy
from ..learning.reservoir import replayed
from ..learning.trained import Trained
from .attempt import SCRATCH, Attempt


@dataclass(frozen=True)
class SkippedStrategies:
    """*resting*: strategies to pass over, with the reason. *expected*: CPU seconds that a strategy should take, where
    known.

    *budget*: CPU seconds that this run may spend on learning; None: as many as it takes.
    """

    resting: Mapping[Strategy, str] = field(default_factory=dict)
    expected: Mapping[Strategy, float] = field(default_factory=dict)
    budget: float | None = None

    def over(self, strategy: Strategy, spent: float) -> str | None:
        """Why *strategy* is passed over after *spent* CPU seconds of this run; None where nothing speaks against it."""
        if strategy in self.resting:
            return self.resting[strategy]
        if self.budget is None:
            return None
        left, next_ = self.budget - spent, self.expected.get(strategy)
        if left <= 0:
            return f"the cost budget is spent ({self.budget:.2f} CPU s, all of it used)"
        if next_ is not None and next_ > left:
            return f"it would take about {next_:.2f} CPU s, and {left:.2f} are left of the cost budget"
        return None


OPEN = SkippedStrategies()


def expected(runs: Sequence[Sequence[Attempt | AttemptRecord]], rows: Mapping[Strategy, int]) -> dict[Strategy, float]:
    """CPU seconds for each strategy on so many *rows*, by what a row took when the strategy last learned, judged or
    not.

    *rows* as `Attempt.rows`: those that are replayed count too. To one significant digit: measured time differs a
    little from run to run, and a run must not hang on that.
    """
    rates: dict[Strategy, float] = {}
    for attempts in runs:
        rates |= {a.strategy: (a.cpu_seconds or 0.0) / a.rows for a in attempts if a.rows and a.error is None}  # type: ignore[misc]
    return {strategy: float(f"{rate * rows[strategy]:.0e}") for strategy, rate in rates.items() if strategy in rows}


def not_learned_by(base: Trained, unlearned: pd.DataFrame) -> pd.DataFrame:
    """Those of the rows *unlearned* (by the oldest of several versions) that *base* has not learned."""
    return unlearned[unlearned[LABEL_TIME] > pd.Timestamp(base.state.watermark)]


def rows_to_learn(
    champion: Trained, lines: Mapping[Strategy, Trained], unlearned: pd.DataFrame, learner: LearnerSpec
) -> dict[Strategy, int]:
    """How many rows each strategy that continues would learn: the new ones of its own line, and those it replays.

    *lines* and *unlearned* as `run_ladder` takes them.
    """
    found: dict[Strategy, int] = {}
    for strategy in learner.strategies:
        if strategy in SCRATCH:
            continue
        base = lines.get(strategy, champion)
        new = len(not_learned_by(base, unlearned))
        again = replayed(strategy, base.reservoir, new, learner, turn=base.state.updates) if new else ()
        found[strategy] = new + len(again)
    return found
