"""A trial within one evaluation: the background candidate learns the older half of the new rows, and is judged by the
younger half.

Without it a change is learned at the evaluation that sees it, and proven at the next one at the earliest. It is
progressive validation (Blum, Kalai and Langford, COLT 1999) in two blocks instead of one: no row is predicted by who
has learned it. What learned the half is thrown away; what a run offers learns all rows, and has the gate before it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import pandas as pd

from ...data.columns import ID, LABEL_TIME, TIME
from ...data.view import View
from ...models.families.choose import named_own
from ...models.ladder.asked import LadderRows
from ...models.ladder.attempt import SCRATCH
from ...models.ladder.step import Step
from ...models.learning.trained import Trained
from ...models.subprocesses.remote import RemoteEstimator
from ...spec.model import Spec
from ...spec.values import Strategy
from ..champion import Champion
from ..excluded import KeptOut, without

LEAST = 20  # rows of a half: of fewer an update learns little, and they tell little
MOST = 20_000  # rows, of which the newest are taken: it learns in the monitor's own process, without limits of its own


@dataclass(frozen=True)
class Halved:
    """*trained* has learned the new rows whose labels came by *cut*, and none of *rows*, which came later."""

    trained: Trained
    cut: datetime
    rows: pd.DataFrame


def halved(
    spec: Spec, view: View, champion: Champion, line: Trained | None, background: Strategy, broken: KeptOut
) -> Halved | None:
    """Continue *line*, the background candidate (left out: *champion*), on the older half of what it has not learned.

    None where nothing may learn in this process (shadow mode, a learner of the team's own, models that run in a process
    of their own), where *background* learns from scratch, where rows are too few, or where it cannot learn them.
    """
    base = line or champion.trained
    if spec.mode == "shadow" or spec.learner.unproven == "drop" or background in SCRATCH:
        return None
    if isinstance(base.estimator, RemoteEstimator) or named_own(spec.learner.family):
        return None
    rows = without(view.unlearned(base.state.watermark), broken).sort_values([LABEL_TIME, ID], kind="stable")
    rows = rows.tail(MOST)
    if len(rows) < 2 * LEAST:
        return None
    cut = rows[LABEL_TIME].iloc[len(rows) // 2 - 1]
    older = rows[rows[LABEL_TIME] <= cut]  # labels that came together are learned together
    younger = pd.concat([rows[rows[LABEL_TIME] > cut], without(view.holdout(cut.to_pydatetime()), broken)])
    if len(younger) < LEAST:
        return None
    none = rows.iloc[:0]
    given = LadderRows(unlearned=older, scratch=lambda after: none, recent=none, anchor=none)
    step = Step(champion.trained, spec, given, {background: line} if line is not None else {})
    if step.over(background, None) is not None:
        return None
    _, trained = step.up(background)
    if trained is None:
        return None
    in_time = younger.sort_values([TIME, ID], kind="stable", ignore_index=True)
    return Halved(trained, cut.to_pydatetime(), in_time)
