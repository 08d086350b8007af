"""What could not be measured, as findings of their own: that nothing was found is no health then.

A champion that cannot predict, labels that no longer come, screens that broke off, and a measure that has been missing
look after look. Each says nothing while all is well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from ..data.columns import LABEL_TIME, TIME
from ..data.window import Window
from ..spec.duration import format_duration
from .columns.screens import FEW, Finding, surely_above

UNSCREENED = "unscreened"
_UNANSWERED = 0.01  # share of rows that a champion may leave without a number
_HANDFUL = 5
_ROSE = 0.1  # share of rows without a recorded prediction, over the reference's
_SILENCES = 3.0  # times the longest that the reference went without a label
_REFERENCE = 100  # rows of a window, from which on a reference without any is missed


@dataclass(frozen=True)
class Answered:
    """What was asked of the champion, or of the recorded predictions, for the window: of *rows* rows *unanswered* have
    none, for *reason*. *usual* is the share without one that is ordinary."""

    rows: int
    unanswered: int
    reason: str
    usual: float = 0.0
    recorded: bool = False


@dataclass(frozen=True)
class Arrivals:
    """When labels came last (None: none since the reference began), at the moment *now*; *due* of the *rows* of the
    window that is judged should have their label by now and have none."""

    now: datetime
    newest: datetime | None
    rows: int
    due: int


def unpredicted(answered: Answered | None) -> list[Finding]:
    """Rows of the window that the champion cannot predict, or that have no recorded prediction."""
    if answered is None or not answered.rows or not answered.unanswered:
        return []
    share = answered.unanswered / answered.rows
    if answered.recorded:
        limit = min(max(_ROSE, answered.usual + _ROSE), 1.0)
        sure = surely_above(share, answered.rows, limit)
    else:
        limit = _UNANSWERED
        sure = share >= 1 or (share > limit and answered.unanswered >= _HANDFUL)
    if answered.recorded and not sure:
        return []
    note = f"{answered.unanswered:,} of {answered.rows:,} rows that were asked have no prediction: {answered.reason}"
    return [Finding("unpredicted", None, "fail" if sure else "warn", share, answered.usual, limit, note)]


def silent_labels(arrivals: Arrivals | None, reference: Window, current: Window) -> list[Finding]:
    """No label has come for far longer than the reference ever went without one, while rows wait for theirs."""
    if arrivals is None or arrivals.due < FEW:
        return []
    frame = reference.frame
    came = np.sort(frame[LABEL_TIME].dropna().to_numpy(dtype="datetime64[us]"))
    if len(came) < FEW:
        return []
    took = pd.Timedelta((frame[LABEL_TIME] - frame[TIME]).median()).to_pytimedelta()
    longest = timedelta(microseconds=int(np.diff(came).astype(np.int64).max(initial=0)))
    usual = max(longest, took, current.span.length / 4 / _SILENCES)
    newest = arrivals.newest if arrivals.newest is not None else came[-1].astype(datetime)
    silent = arrivals.now - newest
    if silent <= _SILENCES * usual:
        return []
    note = (
        f"the last label came {_told(silent)} ago, {newest:%Y-%m-%d %H:%M}, and {arrivals.due:,} rows are due; in the "
        f"reference labels were never more than {_told(longest)} apart"
    )
    hours = (silent / timedelta(hours=1), usual / timedelta(hours=1))
    return [Finding("label_silence", None, "fail", hours[0], hours[1], _SILENCES * hours[1], note)]


def unscreened(findings: Sequence[Finding], reference: Window, current: Window) -> list[Finding]:
    """Screens that broke off, and a window, or a reference, without rows of which no other screen speaks."""
    told = {f.metric for f in findings if f.status == "fail"}
    if not current.rows:
        if "volume" in told:
            return []
        return [
            Finding(UNSCREENED, None, "fail", 1.0, 0.0, note="the window has no rows, so that nothing was screened")
        ]
    if not len(reference.frame) and current.rows >= _REFERENCE and "reference" not in told:
        note = f"the reference window, {reference.span}, has no rows, so that no column was screened"
        return [Finding(UNSCREENED, None, "warn", 1.0, 0.0, note=note)]
    broken = [f for f in findings if f.status == "unknown" and f.broke_off]
    if not broken:
        return []
    names = dict.fromkeys(f.metric if f.column is None else f"{f.metric} of {f.column!r}" for f in broken)
    first = next(iter(broken))
    note = (
        f"{len(broken)} of {len(findings)} screens broke off: {', '.join([*names][:4])}; {first.note}. "
        f"Mend the data, or switch it off: `monitors.quality: {{{_key(first.metric)}: off}}`"
    )
    return [Finding(UNSCREENED, None, "fail", len(broken) / len(findings), 0.0, note=note)]


def _key(metric: str) -> str:
    return {"missing_share": "missing"}.get(metric, metric)


def _told(time: timedelta) -> str:
    """A length of time in whole units that a person reads."""
    step = timedelta(days=1) if time >= timedelta(days=2) else timedelta(hours=1)
    return format_duration(max(time // step, 1) * step) if time >= timedelta(hours=1) else "an hour"
