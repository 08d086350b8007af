"""Label faults: labels of one class only, late, flipped, in another unit, or on the wrong rows.

A wrong label is the dearest fault there is: it looks like harm, and the model that is trained on it is worse than
none. Drift also changes labels, so each screen asks for what drift hardly does: to turn the order of the scores
round, to multiply every label, or to take away every relation that the label had. A prior that moved is drift.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from ...data.columns import LABEL_TIME, TARGET, TIME
from ...data.metrics.metrics import METRICS, Outcomes, interval, known_metric
from ...data.window import Window
from ..columnar import Columnar
from ..columns.ranges import out_of_range
from ..columns.screens import FEW, Finding, guarded, surely_above
from ..lasting import as_lasting
from ..stretches import Stretches
from .judged import Judged
from .wrong_rows import wrong_rows

_IMPROBABLE = 1e-6  # that chance leaves a class out
_HALF = 0.5  # of the labels that had always come by this age
_MOST = 0.8
_REVERSED = 0.25  # of the accepted ranking (area above one half) must be there, the wrong way round
_SKILL = 0.1  # area above one half that a ranking needs, to be missed
_FACTOR = 3.0  # labels over predictions
_ORDER = 0.5  # rank correlation of labels and predictions that keep their order
_LABELS = 100
_MIRRORED = 0.6  # of the ranking, the other way round: what flipping four labels of five leaves


def label_screens(
    judged: Judged,
    numbers: list[str],
    reference: Window,
    current: Window,
    was: Columnar,
    now: Columnar,
    at: Stretches,
) -> Iterator[Finding]:
    """Every screen of labels that fits the task; a clustering has none to screen. *was* and *now* are the windows'
    columns."""
    if judged.task == "clustering":
        return
    yield from guarded("label_coverage", None, lambda: coverage(reference, current))
    yield from guarded("label_rows", None, lambda: wrong_rows(judged, numbers, was, now, at))
    if judged.task == "regression":
        yield from guarded("label_scale", None, lambda: other_unit(judged, reference))
        yield from guarded("label_range", None, lambda: far_labels(was, now, at))
        return
    yield from guarded("label_classes", None, lambda: classes(reference, current, at))
    if judged.task == "binary":
        yield from guarded("label_order", None, lambda: reversed_order(judged))


def coverage(reference: Window, current: Window) -> list[Finding]:
    """Labels that have arrived, against what the reference had when its rows were as young as these."""
    length = current.span.length
    frame = reference.frame
    if current.rows < _LABELS or length <= timedelta(0) or len(frame) < FEW:
        return []
    times, arrived = frame[TIME].to_numpy(), frame[LABEL_TIME].to_numpy()
    start, end = reference.span.start + length, reference.span.end
    ends = pd.date_range(start, end, periods=8) if end > start else [pd.Timestamp(end)]
    shares = []
    for each in ends:
        here = (times <= np.datetime64(each)) & (times > np.datetime64(each - length))
        if here.sum() >= FEW:
            shares.append(float((arrived[here] <= np.datetime64(each)).mean()))
    if not shares:
        return []
    least, share = min(shares), current.labelled / current.rows
    limit = _HALF * least
    note = f"{share:.0%} of the window's labels have come; of such a window there were always {least:.0%} or more"
    if share < limit and surely_above(1 - share, current.rows, 1 - limit):
        return [Finding("label_coverage", None, "fail", share, least, limit, note)]
    if share < _MOST * least:
        return [Finding("label_coverage", None, "warn", share, least, limit, note)]
    return [Finding("label_coverage", None, "ok", share, least, limit)]


def far_labels(reference: Columnar, current: Columnar, at: Stretches) -> list[Finding]:
    """A handful of labels far beyond all of the reference's, as of features; nothing is said where there is none."""
    found = out_of_range(TARGET, reference, current, at, 1.0)
    if found is None or found.status == "ok":
        return []
    return [replace(found, metric="label_range", column=None, note=found.note.replace(TARGET, "label"))]


def classes(reference: Window, current: Window, at: Stretches) -> list[Finding]:
    """One class only, where every stretch of the reference had others, so that chance cannot explain it."""
    now = current.frame[TARGET].dropna()
    known = reference.frame[TARGET].notna().to_numpy()
    was, groups = reference.frame[TARGET][known], at.of(known)
    if len(now) < FEW or len(was) < FEW or now.nunique() > 1:
        return [Finding("label_classes", None, "ok")] if len(now) >= FEW else []
    only = now.iloc[0]
    same = (was == only).to_numpy()
    sizes = np.bincount(groups, minlength=at.count)
    shares = np.bincount(groups, weights=same, minlength=at.count)[sizes >= FEW] / sizes[sizes >= FEW]
    most = float(max(shares.max(initial=0.0), same.mean()))
    usual = min((most * len(was) + 1) / (len(was) + 2), 1.0)
    chance = len(now) * math.log(usual)
    note = f"all {len(now)} labels are {only!r}; in the reference at most {most:.0%} were"
    sure = chance < math.log(_IMPROBABLE)
    return [Finding("label_classes", None, "fail" if sure else "warn", 1.0, most, note=note)]


def reversed_order(judged: Judged) -> list[Finding]:
    """Scores rank the labels the wrong way round, in the window or its later half: labels are flipped.

    The area's 99.8 % interval lies below one half, by a good part of what the champion was accepted with. Flipped
    labels mirror the ranking that there was; one that is merely gone, or turned round a little, is another relation,
    which is harm. Where the window before was reversed as well, and the one before that ranked nothing, it is the world
    as it is now.
    """
    outcomes, accepted = judged.outcomes, judged.accepted
    if outcomes is None or outcomes.score is None or outcomes.score.ndim != 1 or len(outcomes.classes) != 2:
        return []
    skill = accepted.value - 0.5 if known_metric(judged.metric).ranks and accepted is not None else 0.2
    if not skill >= _SKILL:
        return []
    limit = 0.5 - _REVERSED * skill
    found: list[Finding] = []
    for first, words in ((0, "the window"), (len(outcomes) // 2, "its later half")):
        part = _spread(outcomes.take(np.arange(first, len(outcomes))))
        if len(part) < _LABELS:
            continue
        area = METRICS["roc_auc"](part)
        if not area < limit:
            continue
        sure = interval(METRICS["roc_auc"], part, confidence=0.998, resamples=1000, seed=judged.seed)
        if not sure.high < 0.5:
            continue
        earlier = [a for each in judged.before()[:2] if (a := _area(each.outcomes)) is not None]
        if len(earlier) >= 2 and earlier[0] < limit and earlier[1] < 0.5 + _SKILL:
            note = f"the scores rank the labels of {words} the wrong way round: area {area:.3f}"
            return [as_lasting(Finding("label_order", None, "fail", area, 0.5 + skill, limit, note))]
        was = max([a for a in earlier if a >= 0.5 + _SKILL], default=0.5 + skill)
        note = (
            f"the scores rank the labels of {words} the wrong way round: area {area:.3f} (at most {sure.high:.3f}), "
            f"{was:.3f} before; "
        )
        low = interval(METRICS["roc_auc"], part, confidence=0.68, resamples=1000, seed=judged.seed).low
        if low <= 0.5 - _MIRRORED * (was - 0.5):
            return [Finding("label_order", None, "fail", area, was, limit, f"{note}labels look flipped")]
        note += "flipped labels would mirror it, so that the relation itself is another one"
        lasting = any(a < limit for a in earlier)  # then it was no fault in the window before either
        found.append(Finding("label_order", None, "warn", area, was, limit, note, lasting))
        if METRICS["roc_auc"](outcomes.take(np.arange(len(outcomes) // 2))) < 0.5:
            break  # the first half as well: nothing began in the middle of the window
    return found[:1] or [Finding("label_order", None, "ok")]


def _area(outcomes: Outcomes | None) -> float | None:
    """How well scores rank labels; None of too few, or where there is no score."""
    if outcomes is None or outcomes.score is None or outcomes.score.ndim != 1 or len(outcomes) < _LABELS:
        return None
    found = METRICS["roc_auc"](_spread(outcomes))
    return found if math.isfinite(found) else None


def _spread(outcomes: Outcomes) -> Outcomes:
    """At most 2,000 of the rows, evenly spaced."""
    return outcomes if len(outcomes) <= 2000 else outcomes.take(np.linspace(0, len(outcomes) - 1, 2000).astype(int))


def other_unit(judged: Judged, reference: Window | None = None) -> list[Finding]:
    """Labels in the order of the predictions and a multiple of them (or the negative): another unit.

    A multiple of the *reference*'s labels as well, where it has enough: a champion that growth left behind says less
    than the labels, while they are as they were a while ago.
    """
    outcomes = judged.outcomes
    if outcomes is None or len(outcomes) < _LABELS:
        return []
    target, said = (np.asarray(v, dtype=float) for v in (outcomes.target, outcomes.prediction))
    known = np.isfinite(target) & np.isfinite(said)
    target, said = target[known], said[known]
    if len(target) < _LABELS or np.ptp(target) == 0 or np.ptp(said) == 0:
        return []
    order = float(spearmanr(target, said).statistic)
    if order < -_ORDER:
        note = f"labels run against the predictions (rank correlation {order:.2f}): their sign looks flipped"
        return [Finding("label_scale", None, "fail", order, _ORDER, -_ORDER, note)]
    middle = float(np.median(np.abs(said)))
    factor = float(np.median(np.abs(target))) / middle if middle > 0 else float("nan")
    # The spread must tell the same: a shift of level alone is drift
    spread = float(np.subtract(*np.quantile(target, [0.9, 0.1])) / np.subtract(*np.quantile(said, [0.9, 0.1])))
    apart = [f >= _FACTOR or 0 < f <= 1 / _FACTOR for f in (factor, spread)]
    apart.append(_apart_from(reference, middle * factor))
    if order >= _ORDER and all(apart) and 0.4 < spread / factor < 4:  # predictions vary less than labels do
        note = f"labels are about {factor:.3g} times the predictions, in the same order: they look like another unit"
        return [Finding("label_scale", None, "fail", factor, 1.0, _FACTOR, note)]
    return [Finding("label_scale", None, "ok", factor, 1.0, _FACTOR)]


def _apart_from(reference: Window | None, middle: float) -> bool:
    """Whether labels of the median size *middle* are in another unit than the reference's, if that can be told."""
    if reference is None:
        return True
    before = np.abs(reference.frame[TARGET].to_numpy(dtype=float))
    before = before[np.isfinite(before)]
    usual = float(np.median(before)) if len(before) >= _LABELS else 0.0
    return usual <= 0 or not 1 / _FACTOR < middle / usual < _FACTOR
