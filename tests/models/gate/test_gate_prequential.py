"""Rows that a candidate learned are judged by what the version before it said of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ratoon.models.gate import Circumstances, GateResult, PrequentialPredictions, judge
from ratoon.spec.keys.gate import GateSpec

N = 200
TRUTH = np.sin(np.arange(N) * 1.7) * 3
NOISE = np.cos(np.arange(N) * 2.3)


@pytest.fixture
def judged(told: Any, holdout: Any) -> Callable[..., GateResult]:
    """A function from what champion, candidate and the version before it say to the answer.

    The first *held* rows are the holdout; the others were learned by the candidate.
    """

    def make(
        before: Any, after: Any, earlier: Any, *, held: int = 40, truth: Any = TRUTH, **options: Any
    ) -> GateResult:
        rows = holdout(truth)
        learned = rows.iloc[held:].assign(_holdout=False)
        classes, metric = options.pop("classes", ()), options.pop("metric", "mae")
        champion, candidate, by = (told(each, classes) for each in (before, after, earlier))
        spec = GateSpec.model_validate({"resamples": 200, **options})
        return judge(
            spec, metric, champion, candidate, rows.iloc[:held], rows.iloc[:0], seed=0,
            beside=Circumstances(older_rows=0, prequential=PrequentialPredictions(by, champion, learned)),
        )  # fmt: skip

    return make


def test_they_prove_what_the_holdout_alone_cannot(judged: Any, verdict: Any, holdout: Any) -> None:
    random = np.random.default_rng(1)
    before, after = TRUTH + random.normal(size=N), TRUTH + 0.75 * random.normal(size=N)
    alone = verdict("mae", holdout(TRUTH).iloc[:40], before, after)
    both = judged(before, after, after)
    assert not alone.passed and alone.promising
    assert both.passed
    assert (both.strata[0].rows, both.prequential) == (N, N - 40)
    assert "160 of the recent rows were predicted" in both.text


def test_what_the_candidate_says_of_rows_that_it_learned_does_not_count(judged: Any) -> None:
    """By heart it knows them all; the version before it, which had not seen them, was no better than the champion."""
    by_heart = np.where(np.arange(N) < 40, TRUTH + NOISE, TRUTH)
    assert not judged(TRUTH + NOISE, by_heart, TRUTH + NOISE).passed
    assert not judged(TRUTH + NOISE, by_heart, TRUTH + 2 * NOISE).promising


def test_a_candidate_that_cannot_serve_is_refused_however_good_the_one_before_was(judged: Any) -> None:
    broken = TRUTH.copy()
    broken[3] = np.nan
    result = judged(TRUTH + NOISE, broken, TRUTH)
    assert (result.passed, result.promising) == (False, False)
    assert "no finite number for 1 of 40 rows" in result.strata[0].reason


def test_where_the_one_before_cannot_be_asked_the_holdout_is_judged_alone(judged: Any) -> None:
    result = judged(TRUTH + NOISE, TRUTH, np.full(N, np.nan))
    assert (result.prequential, result.strata[0].rows) == (0, 40)


def test_classes_that_one_of_them_never_saw_are_laid_side_by_side(judged: Any) -> None:
    """The candidate knows a third class, the one before it and the champion do not: no column is read as another."""
    truth = np.asarray(["a", "b"], dtype=object)[np.arange(N) % 2]
    sure = np.column_stack([np.where(truth == "a", 0.9, 0.1), np.where(truth == "a", 0.1, 0.9)])
    unsure = np.full((N, 2), 0.5)
    result = judged(unsure, sure, sure, truth=truth, classes=("a", "b"), metric="log_loss")
    assert result.passed
    assert result.strata[0].candidate == pytest.approx(-np.log(0.9))
    assert result.strata[0].champion == pytest.approx(-np.log(0.5))


def test_the_holdout_alone_refutes_an_update_that_spoiled_what_the_one_before_had_won(judged: Any) -> None:
    """Pooled, the version before outweighs it; but it is the candidate that would serve."""
    spoiled = np.where(np.arange(N) < 40, TRUTH + 1.5 * NOISE, TRUTH)
    result = judged(TRUTH + NOISE, spoiled, TRUTH + 0.5 * NOISE)
    assert (result.passed, result.promising) == (False, False)
    assert "on its 40 holdout rows alone" in result.strata[0].reason


def test_ranks_are_compared_inside_what_one_version_said(judged: Any) -> None:
    """The candidate ranks its rows as the one before it ranked its own; that their scales differ is no loss."""
    random = np.random.default_rng(0)
    truth = random.permutation(np.arange(N) % 2)
    score = np.clip(0.3 + 0.2 * truth + random.normal(0, 0.1, N), 0, 1)
    shifted = np.where(np.arange(N) < 40, score / 10, 0.9 + score / 10)
    result = judged(score, shifted, shifted, truth=truth, classes=(0, 1), metric="roc_auc")
    (recent, *_) = result.strata
    assert recent.gain is not None
    assert (recent.gain.value, recent.gain.low, recent.gain.high) == (0, 0, 0)


def test_slices_are_cut_from_them_too(judged: Any) -> None:
    sliced = judged(
        TRUTH + NOISE, TRUTH, TRUTH, slices=[{"name": "late", "where": {"a": {"from": 150}}, "margin": 0.1}]
    )
    assert [(s.name, s.rows) for s in sliced.strata if "/" in s.name] == [("recent/late", 50)]


@pytest.mark.parametrize(
    ("after", "refuted"), [(TRUTH + 1.02 * NOISE[::-1], False), (TRUTH + 1.5 * NOISE, True), (TRUTH + 3, True)]
)
def test_only_a_shown_loss_refutes(verdict: Any, holdout: Any, after: Any, refuted: bool) -> None:
    """Within its noise a candidate is neither better nor worse: it may yet be proven."""
    result = verdict("mae", holdout(TRUTH), TRUTH + NOISE, after)
    assert not result.passed
    assert (result.strata[0].refuted, result.promising) == (refuted, not refuted)


def test_a_margin_is_overstepped_by_the_loss_itself_and_left_open_by_its_interval(told: Any, holdout: Any) -> None:
    spec = GateSpec.model_validate({"resamples": 200, "recent": {"margin": 50}, "anchor": {"margin": 0.02}})
    rows = holdout(TRUTH)
    champion = told(TRUTH + NOISE)

    def anchor(after: pd.Series) -> Any:
        return judge(spec, "mae", champion, told(after), rows, rows, seed=0, beside=Circumstances(older_rows=N)).strata[
            1
        ]

    within, beyond = anchor(TRUTH + 1.0 * NOISE[::-1]), anchor(TRUTH + 1.2 * NOISE)
    assert (within.verdict, within.refuted) == ("refused", False)
    assert (beyond.verdict, beyond.refuted) == ("refused", True)
