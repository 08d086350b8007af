"""One judgement: the strata first, then the slices cut from them, then what is checked beside the metric."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ...data.columns import HOLDOUT
from ...data.metrics.metrics import Metric, known_metric
from ...former import moved
from ...spec.errors import Refused, SpecError
from ...spec.keys.gate import GateSpec, Margin
from ..learning.trained import Trained
from .answers import Answers, in_order
from .bench import Bench
from .calibration import judge_calibration
from .flips import judge_flips
from .pair import Pair, Unjudged, pair
from .priced import NEEDED, judge_priced
from .resources import judge_latency, judge_size
from .returns import NO_TRIALS, Earlier
from .slices import absent_slice, judge_slice
from .strata import Needed, in_words, judge_stratum
from .verdict import Check, GateResult, Stratum

_NO_OLDER_ROWS = "the champion's lineage has no older holdout rows yet"


@dataclass(frozen=True)
class PrequentialPredictions:
    """Rows that the candidate learned, the version it went on from, which had not learned them yet, and the champion.

    What that version says of them is said of rows it never saw, as of a holdout: first test, then learn (the
    prequential approach: Dawid, J. R. Stat. Soc. A 147, 1984; Gama, Sebastião & Rodrigues, On evaluating stream
    learning algorithms, Machine Learning 90, 2013).
    """

    by: Trained
    champion: Trained
    rows: pd.DataFrame

    @cached_property
    def pair(self) -> Pair | None:
        """What both say of the rows, asked once however many candidates go on; None where it cannot be compared."""
        if self.rows.empty:
            return None
        found = pair(self.champion, self.by, in_order(self.rows))
        return found if isinstance(found, Pair) else None


@dataclass(frozen=True)
class _Sight:
    """One stratum's rows in the order of their ids, and both models' answers on them; on its *held* rows alone, where
    others were predicted."""

    name: str
    frame: pd.DataFrame
    pair: Pair | Unjudged
    absent: str | None = None  # why, where nothing is to be judged
    held: Pair | None = None


@dataclass(frozen=True)
class Circumstances:
    """What is known beside the rows.

    *older_rows* counts all holdout rows up to the champion's watermark: an empty anchor is `absent` only if it is 0, or
    for the reason *outdated*: none of the older rows is to be held against the candidate. *tries* counts the candidates
    judged on these rows so far, this one included: each further one is judged by a wider interval. *prequential*: for a
    candidate that goes on from one which is not proven yet. Its rows are judged with the recent ones, by what that
    earlier candidate says of them. *answers* keeps what models say of these very frames for the next candidate.
    *earlier*: what older versions gained over newer ones later on: so likely is what is old to return.
    """

    older_rows: int | None = None
    outdated: str | None = None
    tries: int = 1
    prequential: PrequentialPredictions | None = None
    answers: Answers | None = None
    earlier: Earlier = NO_TRIALS


ALONE = Circumstances()


def judge(
    gate: GateSpec,
    metric: Metric | str,
    champion: Trained,
    candidate: Trained,
    recent: pd.DataFrame,
    anchor: pd.DataFrame,
    *,
    seed: int,
    beside: Circumstances = ALONE,
) -> GateResult:
    """Judge *candidate* on holdout rows, in any order: *recent* ones, and older ones, the *anchor*.

    An empty anchor cannot be judged and does not pass, unless *beside* tells why there is none. Raises Refused if a row
    is no holdout row, SpecError if the metric needs probabilities that a model does not give.
    """
    metric = known_metric(metric)
    _refuse(metric, (champion, candidate), (recent, anchor))
    answers = beside.answers or Answers()
    bench = Bench(gate, metric, champion, candidate, seed, beside.tries)
    without = None if len(anchor) else _NO_OLDER_ROWS if beside.older_rows == 0 else beside.outdated
    with np.errstate(over="ignore", invalid="ignore"):  # what overflows has no finite value, which is looked at
        sights = [
            _sight(bench, answers, "recent", recent, prequential=beside.prequential),
            _sight(bench, answers, "anchor", anchor, absent=without),
        ]
        of_recent = _stratum(bench, sights[0], bench.gate.recent)
        strata = [of_recent, _anchor(bench, of_recent, sights, beside.earlier)]
        strata += [_slice for sight in sights for _slice in _slices(bench, sight)]
        checks = [check for sight in sights if sight.absent is None for check in _checks(bench, sight)]
    checks += [judge_latency(bench, recent if len(recent) else sights[1].frame), judge_size(bench)]
    return GateResult(
        metric=metric.name,
        confidence=gate.confidence,
        strata=tuple(strata),
        checks=tuple(check for check in checks if check is not None),
        tries=beside.tries,
        prequential=len(sights[0].frame) - len(recent),
    )


def _refuse(metric: Metric, models: Sequence[Trained], frames: Sequence[pd.DataFrame]) -> None:
    for frame in frames:
        if len(frame) and not frame[HOLDOUT].astype(bool).all():
            raise Refused("the gate was given rows that are no holdout rows; nothing was judged or registered")
    for model in models:
        if metric.needs_probability and not model.probabilistic:
            raise SpecError(
                f"gate.metric: {metric.name!r} needs probabilities, but {type(model.estimator).__name__} has no "
                "predict_proba; choose roc_auc or accuracy, or build another estimator. Nothing was registered"
            )


def _sight(
    bench: Bench,
    answers: Answers,
    name: str,
    frame: pd.DataFrame,
    *,
    absent: str | None = None,
    prequential: PrequentialPredictions | None = None,
) -> _Sight:
    before = prequential.pair if prequential is not None and len(frame) else None
    if prequential is not None and before is not None:
        held = answers.in_order(frame)
        after = pair(bench.champion, bench.candidate, held, answers)
        if isinstance(after, Unjudged):
            return _Sight(name, held, after, absent)
        return _Sight(name, pd.concat([held, in_order(prequential.rows)]), after.followed_by(before), absent, after)
    least = min([bench.gate.min_rows, *(each.min_rows for each in bench.gate.slices if each.min_rows)])
    if len(frame) < least:  # nobody will look at the answers
        return _Sight(name, frame, Unjudged("unsure", f"unsure: {len(frame)} holdout rows"), absent)
    frame = answers.in_order(frame)
    return _Sight(name, frame, pair(bench.champion, bench.candidate, frame, answers), absent)


def _anchor(bench: Bench, of_recent: Stratum, sights: list[_Sight], earlier: Earlier) -> Stratum:
    """The older rows, by the margin that the spec fixes, else by what is lost and how likely it is to return."""
    recent, anchor = sights
    if bench.gate.anchor.margin is not None:
        return _stratum(bench, anchor, Margin(margin=bench.gate.anchor.margin))
    if anchor.absent is not None:
        return Stratum(name=anchor.name, rows=0, needed=NEEDED, verdict="absent", reason=anchor.absent)
    return judge_priced(bench, of_recent, (recent.frame, recent.pair), (anchor.frame, anchor.pair), earlier)


def _stratum(bench: Bench, sight: _Sight, needed: Needed) -> Stratum:
    if sight.absent is not None:
        words = in_words(needed, bench.metric)
        return Stratum(name=sight.name, rows=0, needed=words, verdict="absent", reason=sight.absent)
    if sight.held is not None:  # the predicted rows speak of the version before, these of the candidate itself
        alone = judge_stratum(bench, sight.name, needed, len(sight.held), sight.held, bench.gate.min_rows)
        if alone.verdict == "refused" and alone.refuted:
            return alone.model_copy(update={"reason": f"on its {alone.rows} holdout rows alone, {alone.reason}"})
    return judge_stratum(bench, sight.name, needed, len(sight.frame), sight.pair, bench.gate.min_rows)


def _slices(bench: Bench, sight: _Sight) -> list[Stratum]:
    asked = [each for each in bench.gate.slices if each.of in (sight.name, "both")]
    if sight.absent is not None:
        return [absent_slice(bench, each, sight.absent) for each in asked]
    return [judge_slice(bench, each, sight.name, sight.frame, sight.pair) for each in asked]


def _checks(bench: Bench, sight: _Sight) -> list[Check | None]:
    rows = len(sight.frame)
    return [
        judge_flips(bench, sight.name, rows, sight.pair),
        judge_calibration(bench, sight.name, rows, sight.pair),
    ]


if not TYPE_CHECKING:  # mypy knows no former names, and so every misspelt one
    __getattr__ = moved(__name__)
