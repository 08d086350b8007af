"""Labels that have nothing to do with their rows: shuffled, or moved by some rows."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from ...data.columns import TARGET
from ...data.metrics.metrics import METRICS, known_metric
from ..columnar import Columnar, Numbers
from ..columns.alignment import LEFT, Company, company_of, kinship, related
from ..columns.screens import Finding
from ..lasting import as_lasting
from ..stretches import Stretches
from .judged import Judged

_RELATED = 0.06  # weakest rank correlation with a label that can be missed, in every stretch
_LABELS = 100
_MIRRORED = 0.6  # of the ranking, the other way round: what flipping four labels of five leaves
_FOLLOWS = 0.2  # rank correlation of each label with the next, from which on labels moved by some rows go with features
_NOISE = 4.0  # standard deviations of what chance makes of relations that are not there
_ALIKE = 0.5  # of the relations of the windows before, in the window


def wrong_rows(
    judged: Judged, numbers: list[str], reference: Columnar, current: Columnar, at: Stretches
) -> list[Finding]:
    """Labels that have nothing to do with their rows: what they had in common with the features is lost at once.

    *value* is the slope of the label's present rank correlations on its weakest ones in the reference: 1 as it was,
    0 shuffled, -1 flipped. Its error is that of the worst case, in which all features say the same. Where the
    champion still ranks the labels, they are on their own rows. So they are where they go with features as much as
    they did, in another way, unless each label tells of the next: labels of such a series go with the features of
    other rows as well. Where it was the same in the two windows before, it is the world as it is now.
    """
    labels = _codes(judged, reference), _codes(judged, current)
    if labels[0] is None or labels[1] is None:
        return []
    names = [*numbers, TARGET]
    company = company_of(names, reference, at, codes=1, beside={TARGET: labels[0]})
    if TARGET not in company.names:
        return []
    weakest, (found, pairs) = company.weakest[company.names.index(TARGET)], _relations(company, current, labels[1])
    kin = kinship(weakest, found, pairs, company.names, _RELATED)
    if kin is None:
        return []
    if kin.lost and not _still_ranked(judged):
        firm = max(_ALIKE * _strength(weakest, pairs), _NOISE * _chance(pairs))
        if abs(kin.slope) < _MIRRORED and _strength(found, pairs) > firm and not _follows(labels[1]):
            note = f"labels go with the features as much as they did, in another way: {kin.slope:.2f} of the relation"
            return [Finding("label_rows", None, "warn", kin.slope, 1.0, LEFT, note)]
        note = (
            f"labels no longer go with {', '.join(kin.partners[:4])}: {kin.slope:.2f} (± {2 * kin.error:.2f}) of the "
            "relation that held all through the reference; they may belong to other rows"
        )
        fault = Finding("label_rows", None, "fail", kin.slope, 1.0, LEFT, note)
        return [as_lasting(fault) if _so_before(judged, company, found, pairs) else fault]
    return [Finding("label_rows", None, "ok", kin.slope, 1.0, LEFT)]


def _relations(company: Company, columns: Columnar, labels: Numbers) -> tuple[Numbers, NDArray[np.intp]]:
    """Rank correlations of the labels with the company's columns, shape (k,), and rows that hold both; no own one."""
    found, pairs = related(columns, company, {TARGET: labels})
    label = company.names.index(TARGET)
    others = np.arange(len(company.names)) != label
    return np.where(others, found[label], 0.0), np.where(others, pairs[label], 0)


def _so_before(judged: Judged, company: Company, now: Numbers, pairs: NDArray[np.intp]) -> bool:
    """Whether the labels of both windows before had the relations that they have *now*, and surely had any."""
    earlier = judged.before()[:2]
    known = list[Numbers]()
    for each in earlier:
        columns = Columnar(each.frame)
        codes = _codes(judged, columns)
        if codes is None or any(name not in each.frame for name in company.names):
            return False
        then, rows = _relations(company, columns, codes)
        if not _strength(then, rows) > _NOISE * _chance(rows):
            return False
        known.append(np.where((rows >= _LABELS) & (pairs >= _LABELS), then, 0.0))
    if len(known) < 2:
        return False
    return all(then @ then > 0 and (then @ now) / (then @ then) > _ALIKE for then in known)


def _strength(relations: Numbers, pairs: NDArray[np.intp]) -> float:
    """The sum of squares of rank correlations, shape (k,), less what chance makes of that many rows."""
    used = pairs >= _LABELS
    return float((relations[used] ** 2).sum() - (1 / pairs[used]).sum())


def _chance(pairs: NDArray[np.intp]) -> float:
    """The standard deviation of that strength without any relation, in the worst case: all features say the same."""
    return math.sqrt(2) * float((1 / pairs[pairs >= _LABELS]).sum())


def _follows(labels: Numbers) -> bool:
    """Whether each label, in the order of time, tells of the next."""
    known = labels[np.isfinite(labels)]
    if len(known) < _LABELS or np.ptp(known) == 0:
        return True
    return abs(float(spearmanr(known[:-1], known[1:]).statistic)) >= _FOLLOWS


def _still_ranked(judged: Judged) -> bool:
    """Whether the champion still ranks the labels about as it did: then they are on their own rows."""
    outcomes = judged.outcomes
    if outcomes is None or len(outcomes) < _LABELS:
        return False
    if judged.task == "regression":
        return float(spearmanr(outcomes.target, outcomes.prediction).statistic) > 0.25
    if outcomes.score is None:
        return False
    skill = judged.accepted.value - 0.5 if known_metric(judged.metric).ranks and judged.accepted is not None else 0.2
    return METRICS["roc_auc"](outcomes) - 0.5 > skill / 4


def _codes(judged: Judged, window: Columnar) -> Numbers | None:
    """The labels as numbers, a binary one as 0 and 1; None where they have no order."""
    target = window.frame[TARGET]
    if judged.task == "regression":
        return target.to_numpy(dtype=float)
    names = judged.outcomes.classes if judged.outcomes is not None else ()
    if judged.task != "binary" or len(names) != 2:
        return None
    return np.where(target.notna(), (target == names[1]).astype(float), np.nan)
