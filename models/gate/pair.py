"""Both models' answers on the same rows, and what stands for an answer that one of them does not have.

- A candidate that cannot predict, or predicts no finite number for a row, is `refused`: it must never serve.
- A champion that breaks must be replaceable. Where it predicts no finite number, or its estimator fails on the rows
  (such as on a category that it never saw), the best constant of these very labels stands in its place: the class
  or number that a model without features would say. A candidate that beats it beats what serves now.
- A champion that cannot be asked at all (its process ended) leaves the rows `unsure`: that may be the machine's
  fault.
- Rows without a label are `unsure` for both.
- Clusterings are compared in one unit only: see models/learning/unit.py. No constant stands in for a champion that
  breaks, as without its preprocessing there is no unit; such rows are `unsure`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from ...data.metrics.metrics import Array, Outcomes
from ...spec.errors import Refused
from ...spec.masked import masked
from ..estimators import Classes
from ..learning.features import target
from ..learning.trained import NotFinite, Trained
from ..learning.unit import other_unit
from .answers import Answers


@dataclass(frozen=True)
class Unjudged:
    """Why rows cannot be judged, and what follows."""

    verdict: Literal["refused", "unsure"]
    reason: str


@dataclass(frozen=True)
class Pair:
    """Champion and candidate on the same rows, with the same classes; *note* says what stands for what."""

    champion: Outcomes
    candidate: Outcomes
    note: str = ""

    def __len__(self) -> int:
        return len(self.champion)

    def take(self, rows: Array) -> Pair:
        """The pair on some rows, given as numbers or as a mask."""
        return Pair(self.champion.take(rows), self.candidate.take(rows), self.note)

    def followed_by(self, other: Pair) -> Pair:
        """The rows of both, as two parts, with the classes of both."""
        mine, theirs = self.champion.classes, other.champion.classes
        classes = in_union((*mine, *theirs), self.champion.target[:0])
        note = "; ".join(dict.fromkeys(each for each in (self.note, other.note) if each))
        return Pair(
            _one_after_the_other(self.champion.on(classes), other.champion.on(classes)),
            _one_after_the_other(self.candidate.on(classes), other.candidate.on(classes)),
            note,
        )


def pair(champion: Trained, candidate: Trained, frame: pd.DataFrame, answers: Answers | None = None) -> Pair | Unjudged:
    """Both on *frame*, or why not; *answers* keeps what was asked before."""
    answers = answers or Answers()
    try:
        labels = target(frame, champion.state.task)
    except Refused as error:
        return Unjudged("unsure", masked(f"unsure: {error}"))
    try:
        after = answers.of(candidate, frame)
    except Refused as error:
        return Unjudged("refused", masked(f"the candidate cannot serve: {error}"))
    try:
        if champion.state.task == "clustering" and (why := other_unit(champion, candidate, frame)):
            return Unjudged("refused", f"its distances are no match: {why}")
        before, note = _answers(champion, frame, labels, answers)
    except Refused as error:
        return Unjudged(
            "unsure",
            f"unsure: the champion could not be asked: {masked(str(error))}. If it stays so, `ratoon rollback` "
            "or `ratoon promote` a version that can",
        )
    return Pair(*same_classes(before, after), note)


def _answers(champion: Trained, frame: pd.DataFrame, labels: Array, answers: Answers) -> tuple[Outcomes, str]:
    if champion.state.task == "clustering":
        return answers.of(champion, frame), ""
    silent = np.ones(len(frame), dtype=bool)
    known: Outcomes | None = None
    try:
        return answers.of(champion, frame), ""
    except NotFinite as error:
        silent = error.rows
        if not silent.all():
            known = champion.predict(frame[~silent])
    except Refused as error:
        if not isinstance(error.__cause__, ValueError | TypeError):  # not the estimator's own failure
            raise
    constant = best_constant(champion, labels)
    note = (
        f"the champion gives no answer for {int(silent.sum())} of {len(frame)} rows, where the best constant of their "
        "stratum stands in its place"
    )
    if known is None:
        return constant, note
    known = known.on(constant.classes) if constant.classes else known
    said = constant.prediction.astype(np.result_type(constant.prediction, known.prediction))
    said[~silent] = known.prediction
    score = None if constant.score is None else constant.score.copy()
    if score is not None and known.score is not None:
        score[~silent] = known.score
    return Outcomes(labels, said, score, constant.classes), note


def best_constant(champion: Trained, labels: Array) -> Outcomes:
    """What a model without features would say at best of *labels*, shape (n,): their shares, or their median."""
    n = len(labels)
    if champion.state.task == "regression":
        return Outcomes(labels, np.full(n, float(np.median(labels))))
    classes = in_union(champion.state.classes, labels)
    shares = np.asarray([np.mean(labels == each) for each in classes])
    said = np.asarray([classes[int(shares.argmax())]] * n, dtype=labels.dtype)
    score = np.full(n, shares[1]) if len(classes) == 2 else np.tile(shares, (n, 1))
    return Outcomes(labels, said, score, classes)


def in_union(classes: Classes, labels: Array) -> Classes:
    """*classes* and those among *labels*, in order; numbers and text, which have none, by their type first."""
    union = {*classes, *np.unique(labels).tolist()}
    try:
        return tuple(sorted(union))
    except TypeError:
        return tuple(sorted(union, key=lambda each: (isinstance(each, str), each)))


def _one_after_the_other(one: Outcomes, other: Outcomes) -> Outcomes:
    score = None if one.score is None or other.score is None else np.concatenate([one.score, other.score])
    return Outcomes(
        np.concatenate([one.target, other.target]),
        np.concatenate([one.prediction, other.prediction]),
        score,
        one.classes,
        np.repeat([0, 1], [len(one), len(other)]),
    )


def same_classes(before: Outcomes, after: Outcomes) -> tuple[Outcomes, Outcomes]:
    """Both on the union of their classes and those in the labels, so that a class one of them never saw counts.

    Without it a probability would be read from another class's column. Regression passes through.
    """
    if not before.classes and not after.classes:
        return before, after
    union = in_union((*before.classes, *after.classes), before.target)
    return before.on(union), after.on(union)
