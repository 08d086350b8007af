"""Labels whose delay goes with what they say: those that came are no fair sample of those that will.

A fraud is reported at once, and that there was none is known after a month: rows labelled so far then hold too many
frauds, in what is learned and in what judges it alike. Delays are compared as ranks inside stretches of time (van
Elteren 1960, a stratified Wilcoxon test), so that a base rate and a delay that both move with time are no association.
The effect has no unit and does not grow with the number of rows: for a class the rank-biserial correlation (Cureton
1956), -1 where it always comes first and 1 where it comes last; for a number Spearman's rank correlation.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm, rankdata

from ...data.columns import LABEL_TIME, TARGET, TIME
from ...data.window import Window
from ...spec.duration import format_duration
from ...spec.keys.watching import Task
from ...spec.values import Signal, Span, Status

METRIC = "label_delay_bias"
KEY = "data.mature_after"
UNFAIR = "label_delay"  # of the screen that holds training

_WARN, _FAIL = 0.1, 0.3  # effects: too small to see by eye, and half as large as one plainly seen
_IMPROBABLE = 1e-4  # that chance makes an effect, all classes asked
_LABELS = 100
_EACH = 20  # labels of a class
_STRETCHES = 4
_MATTERS = 0.25  # of the time between looks: delays that differ by less leave no row out of a look
_DAY = 86_400_000_000  # microseconds
_NEARLY_ALL = 0.99  # of the labels have come by the age that is proposed


@dataclass(frozen=True)
class DelayBias:
    """How delay and label go together on *rows*; *label* is the class, None for a number; by *age* most have come."""

    effect: float
    p: float
    label: object
    rows: int
    age: timedelta

    @property
    def status(self) -> Status:
        if self.p >= _IMPROBABLE or abs(self.effect) < _WARN:
            return "ok"
        return "fail" if abs(self.effect) >= _FAIL else "warn"

    @property
    def note(self) -> str:
        """What is wrong and which key mends it; empty where nothing is."""
        if self.status == "ok":
            return ""
        what = "labels of high values" if self.label is None else f"labels {self.label!r}"
        when = "earlier" if self.effect < 0 else "later"
        return (
            f"{what} come {when} than the others (effect {self.effect:+.2f}): those that have come are no fair sample. "
            f"Set {KEY}: {format_duration(self.age)}, by which {_NEARLY_ALL:.0%} have come"
        )


def delay_bias(matured: pd.DataFrame, task: Task, every: timedelta) -> DelayBias | None:
    """Whether labels that come early are like the others, on labelled rows with `_time`, `_label_time`, `_target`.

    None where it does not matter or cannot be told: delays that differ by less than a quarter of *every*, too few
    labels, one class only, or no labels at all (clustering).
    """
    if task == "clustering" or len(matured) < _LABELS:
        return None
    times = matured[TIME].to_numpy(dtype="datetime64[us]").astype(np.int64)
    delay = matured[LABEL_TIME].to_numpy(dtype="datetime64[us]").astype(np.int64) - times
    early, late, nearly = np.quantile(delay, [0.05, 0.95, _NEARLY_ALL])
    if late - early < _MATTERS * (every / timedelta(microseconds=1)):
        return None
    stretch = np.minimum(rankdata(times, method="ordinal") * _STRETCHES // (len(times) + 1), _STRETCHES - 1)
    ranks = _centred(delay.astype(float), stretch, ranked=True)
    step = timedelta(days=1) if nearly > 2 * _DAY else timedelta(hours=1)
    age = math.ceil(nearly / (step / timedelta(microseconds=1))) * step
    target = matured[TARGET].to_numpy()
    if task == "regression":
        said = _centred(target.astype(float), stretch, ranked=True)
        effect = _slope(said, ranks) * math.sqrt(float(said @ said) / float(ranks @ ranks)) if ranks.any() else 0.0
        return DelayBias(effect, _chance(said, ranks, stretch), None, len(delay), age)
    found = []
    names, counts = np.unique(target, return_counts=True)
    asked = names[(counts >= _EACH) & (len(target) - counts >= _EACH)]
    for name in asked:
        said = _centred((target == name).astype(float), stretch, ranked=False)
        if said.any():
            p = min(1.0, _chance(said, ranks, stretch) * len(asked))
            found.append(DelayBias(2 * _slope(said, ranks), p, _plain(name), len(delay), age))
    # Of two classes each is the other's mirror: the one that comes early is named
    return min(found, key=lambda each: (-round(abs(each.effect), 9), each.effect), default=None)


def delay_signal(found: DelayBias, span: Span, monitor: str) -> Signal:
    """*found* as a signal of *monitor*, of the rows of *span*."""
    return Signal(
        monitor=monitor,
        metric=METRIC,
        value=abs(found.effect),
        reference=0.0,
        status=found.status,
        note=found.note,
        window=span,
        rows=found.rows,
    )


def unfair(found: DelayBias, current: Window) -> Signal:
    """The same as a fault of the data: what learns from such labels, and what judges it, are misled alike, so that no
    gate can tell. Nothing is trained until whole cohorts count."""
    return delay_signal(found, current.span, "quality").model_copy(update={"metric": UNFAIR, "rows": current.rows})


def _centred(values: NDArray[np.float64], stretch: NDArray[np.intp], *, ranked: bool) -> NDArray[np.float64]:
    """Values, or their ranks as shares of the rows, less their mean in each stretch."""
    found = np.empty(len(values))
    for each in np.unique(stretch):
        here = stretch == each
        part = rankdata(values[here]) / here.sum() if ranked else values[here]
        found[here] = part - part.mean()
    return found


def _slope(said: NDArray[np.float64], ranks: NDArray[np.float64]) -> float:
    power = float(said @ said)
    return float(said @ ranks) / power if power > 0 else 0.0


def _chance(said: NDArray[np.float64], ranks: NDArray[np.float64], stretch: NDArray[np.intp]) -> float:
    """The two-sided probability of so large a covariance if delays were dealt out anew inside each stretch."""
    variance = 0.0
    for each in np.unique(stretch):
        here = stretch == each
        if here.sum() > 1:
            variance += float(said[here] @ said[here]) * float(ranks[here] @ ranks[here]) / (here.sum() - 1)
    return float(2 * norm.sf(abs(float(said @ ranks)) / math.sqrt(variance))) if variance > 0 else 1.0


def _plain(name: object) -> object:
    value = name.item() if hasattr(name, "item") else name
    return int(value) if isinstance(value, float) and value.is_integer() else value
