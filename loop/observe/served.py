"""What was served on rows with labels, each by the version of its moment: what harm is judged on.

A champion that lives shorter than its labels take is never judged by its own rows. So a row is judged by the version
that served when it was predicted, or by the prediction that the data recorded, whichever version serves now.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
import pandas as pd

from ...data.columns import HOLDOUT, LABEL_TIME, PREDICTION, TARGET, TIME
from ...data.metrics.metrics import Outcomes, join
from ...data.served import served_outcomes
from ...models.learning.trained import Trained
from ...spec.errors import RatoonError
from ...spec.model import Spec
from ..champion import Champion
from ..context import ModelContext


@dataclass(frozen=True)
class Term:
    """*version* served from *since* on, until the next term."""

    version: str
    since: datetime


@dataclass(frozen=True)
class Answers:
    """*outcomes* of *rows*, in the order of time, None where there are none; *note* says which rows were left out, and
    why."""

    outcomes: Outcomes | None
    note: str = ""
    rows: pd.DataFrame | None = None


def terms(context: ModelContext, champion: Champion, now: datetime) -> tuple[Term, ...]:
    """Which version served from when on, by all that the ledger knows of *now*, oldest first; *champion* ends it."""
    moves = [Term(p.version, p.at) for p in context.ledger.promotions.of(context.spec.model) if p.at <= now]
    if not moves or moves[-1].version != champion.version:
        moves.append(Term(champion.version, champion.since))
    return tuple(each for n, each in enumerate(moves) if n == 0 or each.version != moves[n - 1].version)


def answers(context: ModelContext, champion: Champion, rows: pd.DataFrame, now: datetime) -> Answers:
    """What was served on the labelled *rows*: as the data recorded it, else by the version of each row's moment.

    A version is asked only for rows that it has not learned. Only versions that served these rows are loaded; rows of
    one that cannot be loaded, or cannot predict them, are left out.
    """
    spec = context.spec
    if spec.data.prediction is not None:
        known = rows[rows[PREDICTION].notna() & rows[TARGET].notna()]
        found = served_outcomes(known, spec.task, champion.trained.state.classes, spec.data.positive)
        return Answers(found, rows=known)

    def load(version: str) -> Trained:
        return champion.trained if version == champion.version else context.registry.load(version)

    return by_terms(spec, terms(context, champion, now), rows, load)


def by_terms(spec: Spec, served: Sequence[Term], rows: pd.DataFrame, load: Callable[[str], Trained]) -> Answers:
    """As `answers`, for *served*, oldest first; the first one stands for the time before it as well.

    A row at the moment of a promotion was served by the old version. Scores of several versions have no common scale:
    `Outcomes.part` tells them apart.
    """
    parts: list[Outcomes] = []
    judged: list[pd.DataFrame] = []
    left: list[str] = []
    for term, mine in _shares(served, rows):
        if mine.empty:
            continue
        try:
            trained = load(term.version)
            unlearned = mine[not_learned(trained, mine, spec)]
            if len(unlearned) < len(mine):
                left.append(f"{len(mine) - len(unlearned)} rows that v{term.version} has learned")
            if len(unlearned):
                parts.append(trained.predict(unlearned))
                judged.append(unlearned)
        except (RatoonError, ValueError) as error:
            left.append(f"{len(mine)} rows that v{term.version} served: {_short(error)}")
    note = f"left out: {'; '.join(left)}" if left else ""
    if not parts:
        return Answers(None, note)
    if len(parts) == 1:
        return Answers(parts[0], note, judged[0])
    part = np.repeat(np.arange(len(parts)), [len(each) for each in parts])
    return Answers(replace(join(parts), part=part), note, pd.concat(judged))


def not_learned(trained: Trained, rows: pd.DataFrame, spec: Spec) -> pd.Series:
    """Which of the labelled *rows* a version has not learned: a mask in their order.

    Labels that came after its watermark, and holdout rows where the holdout was the same. Where its watermark counts
    label arrivals by another `data.mature_after`, only rows predicted after it are sure.
    """
    state = trained.state
    moment = LABEL_TIME if state.mature_after == spec.data.matured else TIME
    later = rows[moment] > pd.Timestamp(state.watermark)
    held = state.strategy != "adopted" and state.holdout in (None, spec.data.holdout)
    return later | rows[HOLDOUT].astype(bool) if held else later


def _shares(served: Sequence[Term], rows: pd.DataFrame) -> list[tuple[Term, pd.DataFrame]]:
    ends = [each.since for each in served[1:]]
    place = np.searchsorted(np.asarray(ends, dtype="datetime64[us]"), rows[TIME].to_numpy(), side="left")
    return [(term, rows[place == n]) for n, term in enumerate(served)]


def _short(error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 160 else f"{text[:160]}…"
