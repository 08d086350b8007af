"""A stratum or slice judged by the metric, on the paired interval of the gain (positive is better):

- `better`      the whole interval lies above zero: low > 0, and the gain is no accident of signs (`paired.chance_of`)
- `no_loss`     no loss is proven: high >= 0
- `not_worse`   the candidate is at least level and the interval shows no harm: value >= 0 and high >= 0
- `margin m`    the harm is bounded: low >= -m, where m is a share of the champion's value for relative metrics
"""

from __future__ import annotations

import math
from typing import Literal, Unpack

import numpy as np

from ...data.metrics.metrics import Interval, Metric
from ...spec.keys.gate import Margin
from .bench import Bench
from .pair import Pair, Unjudged
from .verdict import Gain, OfStratum, Ruling, Stratum

Needed = Literal["better", "not_worse", "no_loss"] | Margin

LEAST_OF_A_CLASS = 5  # with fewer, roc_auc compares next to nothing
_MOST_TIMES = 100  # rows, by those that there are, beyond which nobody would wait
_ROUNDING = 1e-12  # a gain below this share of the values is the machine's


def judge_stratum(bench: Bench, name: str, needed: Needed, rows: int, pair: Pair | Unjudged, least: int) -> Stratum:
    """The verdict on one stratum of *rows* rows, of which *least* are needed."""

    def answer(verdict: Ruling, reason: str, refuted: bool = True, **values: Unpack[OfStratum]) -> Stratum:
        words = in_words(needed, bench.metric)
        return Stratum(name=name, rows=rows, needed=words, verdict=verdict, reason=reason, refuted=refuted, **values)

    if rows < least:
        return answer("unsure", f"unsure: {rows} holdout rows, at least {least} are needed")
    if isinstance(pair, Unjudged):
        return answer(pair.verdict, pair.reason)
    metric = bench.metric
    if silent := _silent(metric, pair, bench.champion.state.task):
        return answer("unsure", f"unsure: {metric.name} {silent}")
    old, new = metric(pair.champion), metric(pair.candidate)
    if not (math.isfinite(old) and math.isfinite(new)):
        why = next(filter(None, map(metric.fault, (pair.champion, pair.candidate))), "the stratum gives it no value")
        return answer("unsure", f"unsure: {metric.name} is undefined, {why}")
    gain = bench.gain(metric, pair, name)
    if not (math.isfinite(gain.low) and math.isfinite(gain.high)):
        return answer("unsure", f"unsure: the interval of {metric.name} is undefined", champion=old, candidate=new)
    passed, reason = _decide(needed, bench, pair, gain, old, name)
    values: OfStratum = {
        "champion": old,
        "candidate": new,
        "gain": Gain(value=gain.value, low=gain.low, high=gain.high),
    }
    note = f"; {pair.note}" if pair.note else ""
    refuted = not passed and _refuted(needed, bench.metric, gain, old)
    return answer("passed" if passed else "refused", reason + note, refuted, **values)


def in_words(needed: Needed, metric: Metric) -> str:
    """What is needed, for the reader of a table."""
    if isinstance(needed, Margin):
        return f"at most {100 * needed.margin:g}% worse" if metric.relative else f"at most {needed.margin:g} worse"
    return needed.replace("_", " ")


def _silent(metric: Metric, pair: Pair, task: str) -> str | None:
    """Why *metric* says nothing on these rows; None where it does."""
    classes = pair.champion.classes
    if task == "binary" and metric.two_classes and len(classes) > 2:
        return f"is undefined, the stratum holds more than two classes: {', '.join(map(str, classes[:5]))}"
    if not metric.of_classes:
        return None
    found, counts = np.unique(pair.champion.target, return_counts=True)
    if len(found) < 2:
        return "is undefined, the stratum holds one class only"
    if metric.ranks and counts.min() < LEAST_OF_A_CLASS:
        return f"has {counts.min()} rows of class {found[counts.argmin()]}, at least {LEAST_OF_A_CLASS} are needed"
    return None


def _decide(needed: Needed, bench: Bench, pair: Pair, gain: Interval, champion: float, name: str) -> tuple[bool, str]:
    shown = f"gain {gain.value:+.4g} ({gain.low:+.4g} to {gain.high:+.4g})"
    if needed == "better":
        if gain.low <= _ROUNDING * abs(champion):
            return False, f"{shown} does not lie above zero"
        if bench.by_chance(pair, name):
            return False, f"{shown} lies above zero, but signs by chance reach it too often on so few differing rows"
        return True, f"{shown} lies above zero"
    if needed == "no_loss":
        return gain.high >= 0, f"{shown} {'shows no loss' if gain.high >= 0 else 'is a loss'}"
    if needed == "not_worse":
        passed = gain.value >= 0 and gain.high >= 0
        lost = "is a loss" if gain.high < 0 else "is a loss that the interval leaves open"
        return passed, f"{shown} {'shows no harm' if passed else lost}"
    bound = _bound(needed, bench.metric, champion)
    if gain.low >= -bound:
        return True, f"{shown} stays above {-bound:.4g}"
    return False, f"{shown} may fall below {-bound:.4g}{_rows_that_could_tell(gain, bound)}"


def _refuted(needed: Needed, metric: Metric, gain: Interval, champion: float) -> bool:
    """Whether a refusal stands on what these rows show, rather than on what they leave open.

    A loss is shown where the whole interval lies below zero, and a margin is overstepped where the gain itself is.
    """
    return gain.value < -_bound(needed, metric, champion) if isinstance(needed, Margin) else gain.high < 0


def _bound(margin: Margin, metric: Metric, champion: float) -> float:
    return margin.margin * (abs(champion) if metric.relative else 1.0)


def _rows_that_could_tell(gain: Interval, bound: float) -> str:
    """How many rows would narrow the interval, by their square root, until this very gain stayed above *-bound*.

    Empty where it lies below, or so close to it that a hundred times as many rows would not do.
    """
    above = gain.value + bound
    times = ((gain.value - gain.low) / above) ** 2 if above > 0 else math.inf
    if times > _MOST_TIMES:
        return ""
    return f"; with such a gain about {float(f'{times * gain.rows:.2g}'):,.0f} rows could tell, here are {gain.rows:,}"
