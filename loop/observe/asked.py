"""Whether champion and labels answer at all: the champion's predictions for a window, and when labels came last."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pandas as pd

from ...data.columns import PREDICTION, TARGET, TIME
from ...data.metrics.metrics import Outcomes
from ...data.view import View
from ...data.window import Window
from ...models.learning.trained import NotFinite, Trained
from ...monitors.unmeasured import Answered, Arrivals
from ...spec.errors import RatoonError
from ...spec.model import Spec

_ROWS = 2_000  # rows, evenly spaced, that are asked whether they can be predicted


def answered(
    spec: Spec, trained: Trained, reference: Window, current: Window, scored: Outcomes | None
) -> Answered | None:
    """What the champion, or the recorded predictions, leave without an answer in the *current* window.

    *scored* is what it said of all of them, where it was asked already.
    """
    frame = current.frame
    if not len(frame):
        return None
    if spec.data.prediction is not None:
        usual = _absent(reference.frame)
        missing = int(frame[PREDICTION].isna().sum())
        return Answered(len(frame), missing, f"`{spec.data.prediction}` is empty", usual, recorded=True)
    if scored is not None:
        return Answered(len(scored), 0, "")
    few = frame if len(frame) <= _ROWS else frame.iloc[np.linspace(0, len(frame) - 1, _ROWS).astype(int)]
    try:
        trained.score(few)
    except NotFinite as error:
        return Answered(len(few), int(error.rows.sum()), _short(error))
    except (RatoonError, ValueError) as error:
        return Answered(len(few), len(few), _short(error))
    return Answered(len(few), 0, "")


def arrivals(view: View, reference: Window, judged: Window, delay: timedelta) -> Arrivals:
    """When labels came last, and how many rows of the window *judged* are due: *delay* old, and without a label."""
    frame = judged.frame
    old = frame[TIME] <= pd.Timestamp(view.now - delay)
    due = int((old & frame[TARGET].isna()).sum())
    newest = view.last_label(reference.span.start) if due else None  # nobody asks where none is due
    return Arrivals(view.now, newest, judged.rows, due)


def _absent(frame: pd.DataFrame) -> float:
    return float(frame[PREDICTION].isna().mean()) if len(frame) and PREDICTION in frame else 1.0


def _short(error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 300 else f"{text[:300]}…"
