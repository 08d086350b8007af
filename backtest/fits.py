"""Versions from scratch that several arms of one backtest need, fitted once."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import joblib
import pandas as pd

from ..loop.context import ModelContext
from ..models.ladder.run import first
from ..models.learning.how import Origin
from ..models.learning.trained import Trained
from ..spec.errors import RatoonError
from .cpu_clock import Spent
from .results import Cpu

Fit = tuple[Trained, int, Cpu]  # the version, its rows, and what reading and learning them cost


@dataclass(frozen=True)
class Fits:
    """Versions trained from scratch at a moment, on all history or on a stretch of *length*.

    Each is fitted once and kept in *folder* while the backtest runs, for the arms in other processes.
    """

    context: ModelContext
    stretch: timedelta
    folder: Path
    began: Trained  # the first version, by whose unit all arms of a clustering are measured

    def __call__(self, now: datetime, *, sliding: bool) -> Fit | None:
        """None where the rows cannot be learned from, such as rows of one class."""
        file = self.folder / f"{now:%Y%m%dT%H%M%S%f}-{'sliding' if sliding else 'all'}"
        if file.exists():
            found: Fit | None = joblib.load(file)
            return found
        fit = self._fit(now, sliding)
        self.folder.mkdir(parents=True, exist_ok=True)
        half = file.with_suffix(f".{os.getpid()}")
        joblib.dump(fit, half)
        half.replace(file)
        return fit

    def _fit(self, now: datetime, sliding: bool) -> Fit | None:
        since = now - self.stretch if sliding else None
        origin = Origin("scratch", since=since, champion=self.began)
        spent = Spent()
        with spent.counting():
            view = self.context.source.as_of(now)
            rows = pd.concat([view.learned(now, since=since), view.holdout(since)], ignore_index=True)
            try:
                trained, spent.learning = first(self.context.spec, rows.assign(_holdout=False), origin=origin)
            except RatoonError:
                return None
        return trained, len(rows), spent.cpu
