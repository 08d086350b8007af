"""The gate: what a candidate must prove against the champion before it may be registered.

Two strata of the holdout are judged. `recent` holds rows newer than the champion's watermark; `anchor` older
ones, so that an update that forgets is noticed. Each is decided by the paired bootstrap interval of the gain
(positive is better):

- `better`      the whole interval lies above zero: low > 0
- `not_worse`   the candidate is at least level and the interval shows no harm: value >= 0 and high >= 0
- `margin m`    the harm is bounded: low >= -m, where m is a share of the champion's value for mae, rmse, log_loss

What cannot be judged is never a pass: too few rows, one class only, a metric without value.
"""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
import pandas as pd

from ..data.metrics import METRICS, Interval, Metric, Outcomes, paired_gain
from ..spec.errors import Refused, SpecError
from ..spec.model import GateSpec, Margin
from ..spec.values import Value
from ..spec.watching import MetricName
from .trained import Trained

Needed = Literal["better", "not_worse"] | Margin
_NEEDS_PROBABILITY = frozenset({"log_loss", "brier"})


class Gain(Value):
    """The candidate's gain over the champion on the same rows; positive is better, NaN where undefined."""

    value: float
    low: float
    high: float


class Stratum(Value):
    """One stratum's verdict: both values, the interval of the gain, what was needed, and why it (did not) pass."""

    name: Literal["recent", "anchor"]
    rows: int
    champion: float | None = None
    candidate: float | None = None
    gain: Gain | None = None
    needed: str
    verdict: Literal["passed", "refused", "unsure", "absent"]
    reason: str

    @property
    def passed(self) -> bool:
        """`absent` passes: it is given only where no older holdout row exists at all."""
        return self.verdict in ("passed", "absent")


class GateResult(Value):
    """The gate's answer; *passed* only if every stratum passed."""

    metric: str
    confidence: float
    strata: tuple[Stratum, ...]

    @property
    def passed(self) -> bool:
        return all(stratum.passed for stratum in self.strata)

    @property
    def promising(self) -> bool:
        """Not passed, yet nothing speaks against it: a gain on recent rows that more of them may prove."""
        recent, *others = self.strata
        gains = recent.verdict == "unsure" or (recent.gain is not None and recent.gain.value > 0)
        return not recent.passed and gains and all(stratum.passed for stratum in others)

    @property
    def text(self) -> str:
        """The reasons of all strata in one sentence each."""
        return " ".join(f"{s.name}: {s.reason}." for s in self.strata)


def judge(
    gate: GateSpec,
    metric: MetricName | str,
    champion: Trained,
    candidate: Trained,
    recent: pd.DataFrame,
    anchor: pd.DataFrame,
    *,
    seed: int,
    older_rows: int | None = None,
) -> GateResult:
    """Judge *candidate* on holdout rows; *older_rows* counts all holdout rows up to the champion's watermark.

    An empty *anchor* is `absent` only where *older_rows* is 0; otherwise (`gate.anchor.within` left none, or
    the count is not given) it cannot be judged and does not pass. Raises Refused where a row is no holdout
    row, SpecError where the metric needs probabilities that a model does not give.
    """
    for frame in (recent, anchor):
        if len(frame) and not frame["_holdout"].astype(bool).all():
            raise Refused("the gate was given rows that are no holdout rows; nothing was judged or registered")
    chosen = METRICS[metric]
    for model in (champion, candidate):
        if metric in _NEEDS_PROBABILITY and not model.probabilistic:
            raise SpecError(
                f"gate.metric: {metric!r} needs probabilities, but {type(model.estimator).__name__} has no "
                "predict_proba; choose roc_auc or accuracy, or build another estimator. Nothing was registered"
            )
    strata = [_judge(gate, chosen, champion, candidate, recent, "recent", gate.recent, seed)]
    if len(anchor) == 0 and older_rows == 0:
        reason = "the champion's lineage has no older holdout rows yet"
        strata.append(
            Stratum(name="anchor", rows=0, needed=_words(gate.anchor, chosen), verdict="absent", reason=reason)
        )
    else:
        strata.append(_judge(gate, chosen, champion, candidate, anchor, "anchor", gate.anchor, seed + 1))
    return GateResult(metric=metric, confidence=gate.confidence, strata=tuple(strata))


def _judge(
    gate: GateSpec,
    metric: Metric,
    champion: Trained,
    candidate: Trained,
    frame: pd.DataFrame,
    name: Literal["recent", "anchor"],
    needed: Needed,
    seed: int,
) -> Stratum:
    def answer(verdict: Literal["passed", "refused", "unsure"], reason: str, **values: Any) -> Stratum:
        words = _words(needed, metric)
        return Stratum(name=name, rows=len(frame), needed=words, verdict=verdict, reason=reason, **values)

    if len(frame) < gate.min_rows:
        return answer("unsure", f"unsure: {len(frame)} holdout rows, at least {gate.min_rows} are needed")
    try:
        before, after = _same_classes(champion.predict(frame), candidate.predict(frame))
    except Refused as error:
        return answer("unsure", f"unsure: {error}")
    old, new = metric(before), metric(after)
    if not (math.isfinite(old) and math.isfinite(new)):
        found = len(np.unique(before.target)) if before.classes else 0
        why = "holds one class only" if found == 1 else "gives it no value"
        return answer("unsure", f"unsure: {metric.name} is undefined, the stratum {why}")
    gain = paired_gain(metric, after, before, confidence=gate.confidence, resamples=gate.resamples, seed=seed % 2**32)
    values = {"champion": old, "candidate": new, "gain": Gain(value=gain.value, low=gain.low, high=gain.high)}
    if not (math.isfinite(gain.low) and math.isfinite(gain.high)):
        return answer("unsure", f"unsure: the interval of {metric.name} is undefined", **values)
    passed, reason = _decide(needed, metric, gain, old)
    return answer("passed" if passed else "refused", reason, **values)


def _decide(needed: Needed, metric: Metric, gain: Interval, champion: float) -> tuple[bool, str]:
    shown = f"gain {gain.value:+.4g} ({gain.low:+.4g} to {gain.high:+.4g})"
    if needed == "better":
        passed = gain.low > 0
        return passed, f"{shown} {'lies above zero' if passed else 'does not lie above zero'}"
    if needed == "not_worse":
        passed = gain.value >= 0 and gain.high >= 0
        return passed, f"{shown} {'shows no harm' if passed else 'is a loss'}"
    bound = needed.margin * (abs(champion) if metric.relative else 1.0)
    passed = gain.low >= -bound
    return passed, f"{shown} {'stays above' if passed else 'may fall below'} {-bound:.4g}"


def _words(needed: Needed, metric: Metric) -> str:
    if isinstance(needed, Margin):
        return f"at most {100 * needed.margin:g}% worse" if metric.relative else f"at most {needed.margin:g} worse"
    return needed.replace("_", " ")


def _same_classes(before: Outcomes, after: Outcomes) -> tuple[Outcomes, Outcomes]:
    """Both on the union of their classes and those in the labels, so that a class one of them never saw counts.

    Without it a probability would be read from another class's column. Regression passes through.
    """
    if not before.classes and not after.classes:
        return before, after
    union = tuple(sorted({*before.classes, *after.classes, *np.unique(before.target).tolist()}))
    return before.on(union), after.on(union)
