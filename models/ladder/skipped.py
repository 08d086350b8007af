"""Which strategies may not be tried now, and what may be spent on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from ...data.columns import LABEL_TIME
from ...spec.keys.learner import LearnerSpec
from ...spec.run_record import AttemptRecord
from ...spec.values import LadderRung
from ..learning.reservoir import replayed
from ..learning.trained import Trained
from .attempt import SCRATCH, Attempt


@dataclass(frozen=True)
class Outlook:
    """*resting*: rungs to pass over, with the reason. *expected*: CPU seconds that a rung should take, where known.

    *budget*: CPU seconds that this climb may spend on learning; None: as many as it takes.
    """

    resting: Mapping[LadderRung, str] = field(default_factory=dict)
    expected: Mapping[LadderRung, float] = field(default_factory=dict)
    budget: float | None = None

    def over(self, rung: LadderRung, spent: float) -> str | None:
        """Why *rung* is passed over after *spent* CPU seconds of this climb; None where nothing speaks against it."""
        if rung in self.resting:
            return self.resting[rung]
        if self.budget is None:
            return None
        left, next_ = self.budget - spent, self.expected.get(rung)
        if left <= 0:
            return f"the cost budget is spent ({self.budget:.2f} CPU s, all of it used)"
        if next_ is not None and next_ > left:
            return f"it would take about {next_:.2f} CPU s, and {left:.2f} are left of the cost budget"
        return None


OPEN = Outlook()


def expected(
    climbs: Sequence[Sequence[Attempt | AttemptRecord]], rows: Mapping[LadderRung, int]
) -> dict[LadderRung, float]:
    """CPU seconds for each rung on so many *rows*, by what a row took when the rung last learned, judged or not.

    *rows* as `Attempt.rows`: those that are replayed count too. To one significant digit: measured time differs a
    little from run to run, and a climb must not hang on that.
    """
    rates: dict[LadderRung, float] = {}
    for attempts in climbs:
        rates |= {a.rung: (a.cpu_seconds or 0.0) / a.rows for a in attempts if a.rows and a.error is None}  # type: ignore[misc]
    return {rung: float(f"{rate * rows[rung]:.0e}") for rung, rate in rates.items() if rung in rows}


def not_learned_by(base: Trained, unlearned: pd.DataFrame) -> pd.DataFrame:
    """Those of the rows *unlearned* (by the oldest of several versions) that *base* has not learned."""
    return unlearned[unlearned[LABEL_TIME] > pd.Timestamp(base.state.watermark)]


def rows_to_learn(
    champion: Trained, lines: Mapping[LadderRung, Trained], unlearned: pd.DataFrame, learner: LearnerSpec
) -> dict[LadderRung, int]:
    """How many rows each strategy that continues would learn: the new ones of its own line, and those it replays.

    *lines* and *unlearned* as `climb` takes them.
    """
    found: dict[LadderRung, int] = {}
    for rung in learner.rungs:
        if rung in SCRATCH:
            continue
        base = lines.get(rung, champion)
        new = len(not_learned_by(base, unlearned))
        again = replayed(rung, base.reservoir, new, learner, turn=base.state.updates) if new else ()
        found[rung] = new + len(again)
    return found
