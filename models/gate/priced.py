"""The older rows' verdict where no margin is fixed: what is lost on them counts by how likely they are to come back."""

from __future__ import annotations

import math

import pandas as pd
from scipy.stats import t as student

from ...data.metrics.metrics import Array, Metric
from ...data.metrics.terms import terms
from ...spec.keys.gate import Margin
from .bench import Bench
from .pair import Pair, Unjudged
from .returns import Earlier, returns
from .strata import judge_stratum
from .verdict import Gain, Priced, Stratum

SPARE = 0.01  # what may be lost unproven, as a margin says it
NEEDED = "no loss that is likely to return"


def judge_priced(
    bench: Bench,
    of_recent: Stratum,
    recent: tuple[pd.DataFrame, Pair | Unjudged],
    anchor: tuple[pd.DataFrame, Pair | Unjudged],
    earlier: Earlier,
) -> Stratum:
    """The verdict on the older rows, whose frame and answers *anchor* holds, beside the recent ones and their verdict.

    A candidate that keeps to a margin of 0.01 has lost nothing that need be priced. Else it is judged by the gain that
    is expected on the rows to come: what it loses on comes with some chance (returns.py), and what is now with the
    rest; the lower end must keep to that margin. The gain on recent rows counts as measured: whether it is sure enough
    is what their own verdict says, and few recent rows must not be held against it twice. Relative metrics are compared
    as shares of the champion's, as their scale may have moved.
    """
    fixed = judge_stratum(bench, "anchor", Margin(margin=SPARE), len(anchor[0]), anchor[1], bench.gate.min_rows)
    fixed = fixed.model_copy(update={"needed": NEEDED})
    if fixed.verdict != "refused" or isinstance(recent[1], Unjudged) or isinstance(anchor[1], Unjudged):
        return fixed
    now, old = (terms(bench.metric, each.candidate, each.champion) for each in (recent[1], anchor[1]))
    if fixed.gain is None or of_recent.gain is None or now is None or old is None:
        return fixed
    then = _scale(bench.metric, of_recent)
    was = _scale(bench.metric, fixed)
    found = returns((recent[0], now.each / then), (anchor[0], old.each / was), earlier, was)
    gain = _mean_gain(old.each[found.past.lost] / was, bench.level)
    expected = _weighted(of_recent.gain.value / then, gain, found.chance)
    passed = expected.low >= -SPARE
    priced = Priced(
        chance=found.chance,
        alike=found.alike,
        still=found.still,
        left=found.past.left,
        back=found.past.back,
        lost=gain.value,
        expected=expected,
        margin=SPARE,
    )
    unit = " of the champion's" if bench.metric.relative else ""
    shown = f"{expected.value:+.3g} ({expected.low:+.3g} to {expected.high:+.3g}){unit}"
    reason = (
        f"{fixed.reason.split(';')[0]}, which a fixed margin would forbid. What it loses on, {gain.value:+.3g}{unit}, "
        f"comes again with a chance of {found.chance:.0%} ({found.alike:.0%} look as recent rows, which show "
        f"{found.still:.0%} of the loss; the stream left it {found.past.left} times and came back {found.past.back}): "
        f"expected on the rows to come is {shown}, which {'stays above' if passed else 'may fall below'} {-SPARE:g}"
    )
    update = {
        "verdict": "passed" if passed else "refused",
        "reason": reason,
        "priced": priced,
        "refuted": not passed and expected.value < -SPARE,
    }
    return fixed.model_copy(update=update)


def _scale(metric: Metric, stratum: Stratum) -> float:
    return abs(stratum.champion) if metric.relative and stratum.champion else 1.0


def _mean_gain(each: Array, level: float) -> Gain:
    """The mean of rows' gains, with its interval."""
    value, rows = float(each.mean()), len(each)
    half = float(student.ppf((1 + level) / 2, rows - 1) * each.std(ddof=1)) / math.sqrt(rows)
    return Gain(value=value, low=value - half, high=value + half)


def _weighted(now: float, lost: Gain, chance: float) -> Gain:
    """The mean of both, of which *lost* weighs *chance*."""
    here = (1 - chance) * now
    return Gain(value=here + chance * lost.value, low=here + chance * lost.low, high=here + chance * lost.high)
