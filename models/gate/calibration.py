"""Calibration: whether the candidate's probabilities mean less than the champion's did; for regression, its bias."""

from __future__ import annotations

import math
from typing import Unpack

import numpy as np

from ...data.metrics.calibration import calibration_error, relative_bias
from ...data.metrics.metrics import Metric
from .bench import Bench
from .pair import Pair, Unjudged
from .verdict import Bounds, Check, OfCheck, Ruling


def judge_calibration(bench: Bench, of: str, rows: int, pair: Pair | Unjudged) -> Check | None:
    """The check on one stratum; None where nothing is asked and nothing can be said.

    Judged is the upper end of the paired bootstrap interval of the rise in the error, which is drawn only if a margin
    is set.
    """
    if bench.champion.state.task == "clustering":
        return None  # nothing is promised that a label could belie
    spec, least = bench.gate.calibration, bench.gate.min_rows
    regression = bench.champion.state.task == "regression"
    asked = spec.margin is not None and spec.of in (of, "both")
    needed = f"rises by at most {spec.margin:g}" if asked else "–"
    name = "bias" if regression else "calibration"

    def answer(verdict: Ruling, reason: str, **values: Unpack[OfCheck]) -> Check:
        return Check(name=name, of=of, rows=rows, needed=needed, verdict=verdict, reason=reason, **values)

    if rows < least:
        return answer("unsure", f"unsure: {rows} holdout rows, at least {least} are needed") if asked else None
    if isinstance(pair, Unjudged):
        return answer(pair.verdict, pair.reason) if asked else None
    mute = [type(m.estimator).__name__ for m in (bench.champion, bench.candidate) if not m.probabilistic]
    if mute:
        return answer("unsure", f"unsure: {mute[0]} gives no probabilities") if asked else None
    metric = _metric(pair, spec.bins, regression)
    if metric is None:
        return answer("unsure", "unsure: the champion makes no error to measure a bias by") if asked else None
    old, new = metric(pair.champion), metric(pair.candidate)
    unit = "× the champion's mae" if regression else "points of probability"
    if not asked or spec.margin is None:
        if not (math.isfinite(old) and math.isfinite(new)):
            return None
        reason = f"{metric.name} {old:.3g} before, {new:.3g} now, {new - old:+.3g} {unit}"
        return answer("reported", reason, champion=old, candidate=new, judged=Bounds(value=new - old))
    gain = bench.gain(metric, pair, f"{name} {of}")
    if not all(math.isfinite(each) for each in (old, new, gain.low, gain.high)):
        return answer("unsure", f"unsure: the interval of the {metric.name} is undefined")
    rise = Bounds(value=-gain.value, low=-gain.high, high=-gain.low)
    reason = f"{metric.name} {old:.3g} before, {new:.3g} now, {rise.value:+.3g} ({-gain.high:+.3g} to {-gain.low:+.3g})"
    values: OfCheck = {"champion": old, "candidate": new, "judged": rise}
    return answer("passed" if -gain.low <= spec.margin else "refused", f"{reason} {unit}", **values)


def _metric(pair: Pair, bins: int, regression: bool) -> Metric | None:
    if not regression:
        return calibration_error(bins)
    scale = float(np.mean(np.abs(pair.champion.target - pair.champion.prediction)))
    return relative_bias(scale) if scale > 0 and math.isfinite(scale) else None
