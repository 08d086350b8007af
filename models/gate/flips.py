"""Flips: rows that were right before and are wrong now, which people notice more than a mean.

The negative flip rate is of Yan et al., Positive-Congruent Training: Towards Regression-Free Model Updates (2021).
Whether negative flips outnumber positive ones is McNemar's question (1947); it is answered by the mid-p form of his
exact test, as Fagerland, Lydersen and Laake advise (The McNemar test for binary matched-pairs data, 2013).
"""

from __future__ import annotations

import math
from typing import Unpack

import numpy as np
from scipy.stats import binom, binomtest, norm

from ...data.metrics.metrics import Array
from .bench import Bench
from .pair import Pair, Unjudged
from .verdict import Bounds, Check, OfCheck, Ruling


def judge_flips(bench: Bench, of: str, rows: int, pair: Pair | Unjudged) -> Check | None:
    """The check on one stratum; None where nothing is asked and nothing can be said.

    Judged is the upper end of the exact interval (Clopper and Pearson 1934) of the share of negative flips.
    """
    if bench.champion.state.task == "clustering":
        return None  # no row is right or wrong
    spec, least = bench.gate.flips, bench.gate.min_rows
    asked = spec.margin is not None and spec.of in (of, "both")
    needed = f"at most {spec.margin:.2%}" if asked else "–"

    def answer(verdict: Ruling, reason: str, **values: Unpack[OfCheck]) -> Check:
        return Check(name="flips", of=of, rows=rows, needed=needed, verdict=verdict, reason=reason, **values)

    if rows < least:
        return answer("unsure", f"unsure: {rows} holdout rows, at least {least} are needed") if asked else None
    if isinstance(pair, Unjudged):
        return answer(pair.verdict, pair.reason) if asked else None
    negative, positive = flips(pair, spec.tolerance)
    worse, better = int(negative.sum()), int(positive.sum())
    low, high = exact_share(worse, rows, bench.level)
    reason = _said(worse, better, rows, high, bench.level)
    if not pair.champion.classes:
        reason += f"; a flip is an error that moved by more than {spec.tolerance:g} × the champion's mae"
    judged = Bounds(value=worse / rows, low=low, high=high)
    if not asked or spec.margin is None:
        return answer("reported", reason, judged=judged)
    passed = high <= spec.margin
    return answer("passed" if passed else "refused", reason, judged=judged)


def flips(pair: Pair, tolerance: float) -> tuple[Array, Array]:
    """Which rows flipped from right to wrong, and which from wrong to right; both of shape (n,).

    Regression has no right and wrong: a row flips where its absolute error grew (or shrank) by more than
    *tolerance* times the champion's mean absolute error on these rows.
    """
    before, after = pair.champion, pair.candidate
    if before.classes:
        was, now = before.target == before.prediction, after.target == after.prediction
        return np.asarray(was & ~now, dtype=bool), np.asarray(~was & now, dtype=bool)
    old, new = np.abs(before.target - before.prediction), np.abs(after.target - after.prediction)
    grew, least = new - old, tolerance * float(np.mean(old))
    return np.asarray(grew > least), np.asarray(-grew > least)


def exact_share(count: int, rows: int, level: float) -> tuple[float, float]:
    """Clopper and Pearson's interval of *count* of *rows*: it covers the true share at least this often."""
    found = binomtest(count, rows).proportion_ci(level, method="exact")
    return float(found.low), float(found.high)


def mid_p(worse: int, better: int) -> float:
    """McNemar's two-sided mid-p: how surprising the two counts are where flips fall either way alike; 1 for none."""
    n, least = worse + better, min(worse, better)
    if worse == better:
        return 1.0 if n == 0 else float(1 - 0.5 * binom.pmf(least, n, 0.5))
    return float(2 * binom.cdf(least, n, 0.5) - binom.pmf(least, n, 0.5))


def net_share(worse: int, better: int, rows: int, level: float) -> Bounds:
    """Positive less negative flips as a share of the rows, with the interval of Bonett and Price (2012)."""
    up, down = (better + 1) / (rows + 2), (worse + 1) / (rows + 2)
    half = float(norm.ppf((1 + level) / 2)) * math.sqrt((up + down - (up - down) ** 2) / (rows + 2))
    return Bounds(value=(better - worse) / rows, low=max(-1.0, up - down - half), high=min(1.0, up - down + half))


def _said(worse: int, better: int, rows: int, high: float, level: float) -> str:
    net = net_share(worse, better, rows, level)
    ratio = f"ratio {worse / better:.2f}" if better else "no ratio"
    return (
        f"{worse:,} of {rows:,} rows flipped to wrong, {worse / rows:.2%} (at most {high:.2%}), {better:,} to right: "
        f"{ratio}, net {net.value:+.2%} ({net.low:+.2%} to {net.high:+.2%}), McNemar mid-p {mid_p(worse, better):.3g}"
    )
