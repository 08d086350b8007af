"""Matured rows beside what the champion said of them: what the screens of labels judge."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from ...data.metrics.metrics import Metric, Outcomes
from ...spec.keys.watching import Task
from ..performance.performance import Accepted


@dataclass(frozen=True)
class WindowBefore:
    """The labelled rows of a window before, beside what was served on them, in time order."""

    frame: pd.DataFrame
    outcomes: Outcomes | None
    rows: pd.DataFrame | None = None  # those of *outcomes*, in their order


@dataclass(frozen=True)
class Judged:
    """Matured rows beside what the champion said, in time order, and what it was accepted with.

    *rows* are those of *outcomes*, in their order, with their features. *before* gives the three windows before, the
    newest first; it is asked only where a fault was found, or performance fell, since what was there in the newest two
    is the world as it is now.
    """

    task: Task
    metric: Metric | str
    outcomes: Outcomes | None
    accepted: Accepted | None
    seed: int = 0
    before: Callable[[], tuple[WindowBefore, ...]] = tuple
    rows: pd.DataFrame | None = None
