"""What a metric is: its value, its rows' terms, and how it is resampled."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .outcomes import Array, Outcomes

MANY = 100  # telling rows, from which on a mean of them is normal enough
_MANY_OF_A_CLASS = 20  # the same for an area, which is a mean over pairs: smoother than one over rows

Draw = Callable[[Array], float]  # row numbers, shape (n,) → the metric on those rows
Each = Callable[[Outcomes], Array]  # what every row adds to a mean, shape (n,)
Influence = Callable[[Outcomes], Array | None]  # the rows' terms, see influence.py; None without a value


@dataclass(frozen=True)
class Metric:
    """One metric: how it is computed, which way is better, and whether a margin is a share of it.

    *prepare* does once what every resample of the same outcomes would do again, and returns what is left.
    *needs_score* says that it is undefined if a model gives no scores. *each* is what a row adds, if the metric is a
    mean over rows or rises with one; *influence* gives the rows' terms if a metric that is no mean has such.
    *of_classes* says that it is silent on rows of one class only, *ranks* that it compares pairs of rows of two
    classes by their order, and *two_classes* that it has no value for more classes where the task is binary.
    *bounds* are the least and most that it can be. *fault* says in words why it has no value, if it can tell.
    """

    name: str
    function: Callable[[Outcomes], float]
    greater_is_better: bool
    relative: bool  # margins and tolerances are a share of the champion's value
    prepare: Callable[[Outcomes], Draw]
    needs_score: bool = False
    each: Each | None = None
    of_classes: bool = False
    influence: Influence | None = None
    ranks: bool = False
    two_classes: bool = False
    bounds: tuple[float, float] = (0.0, math.inf)
    fault: Callable[[Outcomes], str | None] = lambda outcomes: None

    def __call__(self, outcomes: Outcomes) -> float:
        """The metric's value; NaN where it is undefined (no rows, or one class only for roc_auc)."""
        if len(outcomes) == 0:
            return float("nan")
        return float(self.function(outcomes))

    def gain(self, candidate: float, champion: float) -> float:
        """How much better *candidate* is: positive is better, in the metric's unit."""
        return candidate - champion if self.greater_is_better else champion - candidate

    def terms(self, outcomes: Outcomes) -> Array | None:
        """Each row's term, shape (n,), whose mean is the value and whose variance tells the value's (influence.py).

        None where the metric has no finite value, or no such form.
        """
        if len(outcomes) == 0 or (self.needs_score and outcomes.score is None):
            return None
        of_rows: Influence | None = self.influence or self.each
        found = None if of_rows is None else of_rows(outcomes)
        if found is None:
            return None
        found = found.astype(np.float64)
        return found if np.isfinite(found).all() else None

    def row_gains(self, candidate: Outcomes, champion: Outcomes) -> Array | None:
        """What each row adds to the gain, shape (n,), where the metric has it; positive is better."""
        if self.each is None:
            return None
        new, old = (self.each(each).astype(np.float64) for each in (candidate, champion))
        return np.asarray(new - old if self.greater_is_better else old - new)

    @property
    def is_mean(self) -> bool:
        """Whether the metric is the mean of what each row adds."""
        return self.each is not None and self.influence is None

    @property
    def needs_probability(self) -> bool:
        """Whether scores must be probabilities: an order alone is enough to rank by."""
        return self.needs_score and not self.ranks

    @property
    def many(self) -> int:
        """From how many telling rows on the metric is as good as normal."""
        return _MANY_OF_A_CLASS if self.ranks else MANY

    def standing_on(self, outcomes: Outcomes) -> int:
        """How many rows the value stands on: all; for roc_auc those of the rarer class."""
        if not self.ranks:
            return len(outcomes)
        _, counts = np.unique(outcomes.target, return_counts=True)
        return int(counts.min()) if len(counts) > 1 else 0

    def telling(self, candidate: Outcomes, champion: Outcomes) -> int:
        """How many rows can tell the two apart: the ones that they answer differently.

        For roc_auc, which compares rows of two classes, at most as many as the rarer class has.
        """
        if self.each is not None:
            return int(np.sum(self.each(candidate) != self.each(champion)))
        if self.ranks:
            return self.standing_on(champion)
        if self.of_classes:
            return int(np.sum(candidate.prediction != champion.prediction))
        return len(champion)
