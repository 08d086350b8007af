"""The holdout rows that a candidate is judged on: recent ones, and the anchor of older ones."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pandas as pd

from ...data.columns import ID, LABEL_TIME
from ...data.holdout import in_holdout
from ...data.view import View
from ...models.learning.state import TrainingState
from ...spec.duration import format_duration
from ...spec.model import Spec
from ..excluded import KeptOut, without

LATELY = 4  # windows that count as recent: a champion may be so old that most of what came since is history as well
ENOUGH = 4  # times `gate.min_rows`, that many recent rows at least, however long ago they came


def held_out(
    spec: Spec, view: View, champion: TrainingState, now: datetime, broken: KeptOut
) -> tuple[pd.DataFrame, pd.DataFrame, str | None]:
    """Recent and anchor holdout rows, and why the anchor holds none although there are older rows.

    Recent are rows newer than the champion's watermark whose labels came in the last four windows, or the newest that
    there are if these are few; all others are the anchor. With `gate.anchor.within`, which says itself how far back
    rows count, all newer ones are recent.

    `gate.anchor.within` counts back from *now*, so that an old champion's watermark moves to that stretch's far end:
    once too few of its rows lie behind the watermark to be judged, all that may be held against a candidate is recent.
    """
    most, within, watermark = spec.gate.sample, spec.gate.anchor.within, champion.watermark
    recent = without(view.holdout(watermark, limit=most), broken)
    passed = recent[:0]
    if within is None:
        recent, passed = _lately(spec, view, recent)
    since = min(now - within, watermark) if within is not None else None
    anchor = without(view.holdout(since, until=watermark, limit=most), broken)
    if champion.holdout is not None and champion.holdout < spec.data.holdout:  # some of these it learned
        anchor = anchor[[in_holdout(row, champion.holdout) for row in anchor[ID]]]
    if len(passed):
        anchor = pd.concat([anchor, passed], ignore_index=True).tail(most)
    if within is None or len(anchor) >= spec.gate.min_rows or len(anchor) + len(recent) < spec.gate.min_rows:
        return recent, anchor, None
    if len(view.holdout(None, until=since, limit=1)) == 0:
        return recent, anchor, None
    reason = (
        f"only {len(anchor)} holdout rows of the last {format_duration(within)} (gate.anchor.within) are older than "
        "the champion's watermark: that stretch is judged as recent"
    )
    return recent, anchor[:0], reason


def _lately(spec: Spec, view: View, rows: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The newest of *rows*, and those before them."""
    since = view.span_of(spec.monitors.window * LATELY, view.now).start
    newest = (rows[LABEL_TIME] > pd.Timestamp(since)).to_numpy()
    least = min(ENOUGH * spec.gate.min_rows, len(rows))
    if newest.sum() < least:
        newest = np.arange(len(rows)) >= len(rows) - least
    return rows[newest].reset_index(drop=True), rows[~newest].reset_index(drop=True)
