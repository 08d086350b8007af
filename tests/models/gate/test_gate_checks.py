"""Flips, calibration, latency and size are shown, and judged where the spec sets a margin."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats import beta, binomtest

from ratoon.models.gate import Check, GateResult
from ratoon.models.gate.flips import exact_share, mid_p, net_share

RNG = np.random.default_rng(2)
LABELS = np.arange(400) % 2
TRUTH = RNG.normal(size=400)


def said(right: Any, sure: float = 0.9) -> Any:
    """Probabilities of class 1 that are right where *right* is."""
    return np.where(np.asarray(right) == (LABELS == 1), sure, 1 - sure)


def check(result: GateResult, label: str) -> Check:
    return next(each for each in result.checks if each.label == label)


BEFORE = said(np.arange(400) >= 100)  # wrong on the first 100
AFTER = said((np.arange(400) >= 8) & (np.arange(400) < 390))  # mends 92 of them, and breaks ten


def test_flips_are_counted_and_reported_without_a_margin(verdict: Any, holdout: Any) -> None:
    result = verdict("accuracy", holdout(LABELS), BEFORE, AFTER, (0, 1))
    flips = check(result, "flips of recent")
    assert flips.verdict == "reported"
    assert flips.judged is not None
    assert flips.judged.value == 10 / 400
    assert "10 of 400 rows flipped to wrong, 2.50% (at most 4.5" in flips.reason
    assert "92 to right: ratio 0.11, net +20.50%" in flips.reason
    assert result.passed


def test_a_margin_for_flips_refuses_a_better_candidate_that_breaks_too_much(verdict: Any, holdout: Any) -> None:
    """The upper end of the interval must stay within it: ten of 400 do not show that fewer than 3 % flip."""
    results = {
        margin: verdict("accuracy", holdout(LABELS), BEFORE, AFTER, (0, 1), flips={"margin": margin})
        for margin in (0.03, 0.05)
    }
    assert {margin: result.passed for margin, result in results.items()} == {0.03: False, 0.05: True}
    assert results[0.03].strata[0].passed
    assert not results[0.03].promising, "another strategy may break less"
    assert "flips of recent: 10 of 400" in results[0.03].text


def test_a_flip_of_a_regression_is_an_error_that_grew_by_more_than_the_champions_usual_one(
    verdict: Any, holdout: Any
) -> None:
    before, after = TRUTH + 1, TRUTH.copy()
    after[:5] += 2.5  # grew by 1.5 × the champion's mae
    after[5:9] += 1.5  # grew, but by half of it
    wide = verdict("mae", holdout(TRUTH), before, after)
    narrow = verdict("mae", holdout(TRUTH), before, after, flips={"tolerance": 0.4})
    assert "5 of 400 rows" in check(wide, "flips of recent").reason
    assert "9 of 400 rows" in check(narrow, "flips of recent").reason
    assert "391 to right" in check(narrow, "flips of recent").reason


def test_the_counts_of_flips_are_tested_as_mcnemar_did() -> None:
    """Mid-p is the exact two-sided p less half the probability of the counts themselves, on both sides."""
    for worse, better in ((0, 6), (3, 9), (12, 12), (40, 25)):
        exact = binomtest(worse, worse + better).pvalue
        assert mid_p(worse, better) <= exact
        assert mid_p(worse, better) == mid_p(better, worse)
    assert mid_p(0, 6) == pytest.approx(2 * 0.5 * 0.5**6)
    assert mid_p(0, 0) == 1.0


@pytest.mark.parametrize(("count", "rows"), [(0, 50), (3, 50), (50, 50)])
def test_the_share_of_flips_has_the_exact_interval(count: int, rows: int) -> None:
    low = beta.ppf(0.025, count, rows - count + 1) if count else 0.0
    high = beta.ppf(0.975, count + 1, rows - count) if count < rows else 1.0
    assert exact_share(count, rows, 0.95) == pytest.approx((low, high), abs=1e-12)


def test_the_net_of_flips_covers_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    drawn = rng.multinomial(60, [0.05, 0.15, 0.8], size=1000)
    found = [net_share(int(worse), int(better), 60, 0.95) for worse, better, _ in drawn]
    covered = np.mean([each.low <= 0.10 <= each.high for each in found if each.low is not None and each.high])
    assert 0.93 <= covered <= 0.99


def test_probabilities_that_promise_too_much_are_seen(verdict: Any, holdout: Any) -> None:
    """As many hits as before, said with 99 % instead of 80 %: accuracy is level, calibration is not."""
    right = np.arange(400) % 5 > 0
    rows, before, after = holdout(LABELS), said(right, 0.8), said(right, 0.99)
    free = verdict("accuracy", rows, before, after, (0, 1), recent="not_worse")
    bound = verdict("accuracy", rows, before, after, (0, 1), recent="not_worse", calibration={"margin": 0.05})
    found = check(free, "calibration of recent")
    assert (found.verdict, free.passed) == ("reported", True)
    assert found.champion == pytest.approx(0, abs=0.01)
    assert found.candidate == pytest.approx(0.19, abs=0.01)
    assert (check(bound, "calibration of recent").verdict, bound.passed) == ("refused", False)
    assert verdict("accuracy", rows, after, before, (0, 1), recent="not_worse", calibration={"margin": 0.05}).passed


def test_a_regression_is_held_to_its_bias(verdict: Any, holdout: Any) -> None:
    before, after = TRUTH + RNG.choice([-1.0, 1.0], 400), TRUTH + 0.9
    result = verdict("mae", holdout(TRUTH), before, after, recent="not_worse", calibration={"margin": 0.2})
    assert result.strata[0].passed
    assert check(result, "bias of recent").verdict == "refused"
    assert check(result, "bias of recent").candidate == pytest.approx(0.9)


def test_a_model_without_probabilities_cannot_be_held_to_them(told: Any, verdict: Any, holdout: Any) -> None:
    """Reported: left out. With a margin: unsure, which blocks."""
    mute = told(BEFORE, (0, 1))

    class Margins:
        def predict(self, X: Any) -> Any:
            return mute.estimator.predict(X)

        def decision_function(self, X: Any) -> Any:
            return mute.estimator.predict_proba(X)[:, 1] - 0.5

    from ratoon.models.learning.trained import Trained

    champion = Trained(Margins(), mute.state)
    free = verdict("accuracy", holdout(LABELS), champion, AFTER, (0, 1))
    bound = verdict("accuracy", holdout(LABELS), champion, AFTER, (0, 1), calibration={"margin": 0.1})
    assert free.passed
    assert not [each for each in free.checks if each.name == "calibration"]
    assert (check(bound, "calibration of recent").verdict, bound.passed) == ("unsure", False)


def test_too_few_rows_leave_a_declared_check_unsure(verdict: Any, holdout: Any) -> None:
    rows = holdout(LABELS).iloc[:20]
    asked = verdict("accuracy", rows, BEFORE, AFTER, (0, 1), flips={"margin": 0.1}, calibration={"margin": 0.1})
    free = verdict("accuracy", rows, BEFORE, AFTER, (0, 1))
    assert [each.verdict for each in asked.checks] == ["unsure", "unsure"]
    assert free.checks == ()


def test_a_check_of_the_anchor_alone_does_not_judge_recent_rows(verdict: Any, holdout: Any) -> None:
    result = verdict("accuracy", holdout(LABELS), BEFORE, AFTER, (0, 1), flips={"margin": 0.001, "of": "anchor"})
    assert check(result, "flips of recent").verdict == "reported"
    assert result.passed


def test_time_and_size_are_not_measured_unless_asked_for(verdict: Any, holdout: Any) -> None:
    """So that the same rows give the same result, to the last digit."""
    one, two = (verdict("accuracy", holdout(LABELS), BEFORE, AFTER, (0, 1)) for _ in range(2))
    assert not {"latency", "size"} & {each.name for each in one.checks}
    assert one == two


class Slow:
    """Predicts as another does, after work that takes many times as long."""

    def __init__(self, inner: Any, rounds: int) -> None:
        self.inner, self.rounds, self.ballast = inner, rounds, np.zeros(100_000)

    def predict(self, X: Any) -> Any:
        for _ in range(self.rounds):
            said = self.inner.predict(X)
        return said


def test_a_candidate_that_is_many_times_slower_or_larger_is_refused_where_a_ratio_is_set(
    told: Any, verdict: Any, holdout: Any
) -> None:
    from ratoon.models.learning.trained import Trained

    champion = told(TRUTH + 1)
    slow = Trained(Slow(told(TRUTH).estimator, 60), champion.state)
    asked = {"latency": {"most": 6, "rows": 100, "repeats": 3}, "size": {"most": 10}}
    result = verdict("mae", holdout(TRUTH), champion, slow, **asked)
    back = verdict("mae", holdout(TRUTH), Trained(Slow(told(TRUTH + 1).estimator, 60), champion.state), TRUTH, **asked)
    free = verdict("mae", holdout(TRUTH), champion, slow, latency={}, size={})
    assert result.strata[0].passed
    assert [check(result, each).verdict for each in ("latency", "size")] == ["refused", "refused"]
    assert [check(free, each).verdict for each in ("latency", "size")] == ["reported", "reported"]
    assert (result.passed, back.passed, free.passed) == (False, True, True)
    size = check(result, "size")
    assert size.candidate is not None
    assert size.candidate > 800_000


def test_a_version_in_a_process_of_its_own_cannot_be_timed(
    told: Any, verdict: Any, holdout: Any, tmp_path: Any
) -> None:
    """Starting the process would be timed, not predicting: unsure, and the words say to leave the key out."""
    from ratoon.models.learning.trained import Trained
    from ratoon.models.subprocesses.remote import RemoteEstimator

    class Elsewhere(RemoteEstimator):
        def predict(self, X: Any) -> Any:
            return told(TRUTH + 1).estimator.predict(X)

    champion = Trained(Elsewhere(tmp_path, (), tmp_path), told(TRUTH).state)
    result = verdict("mae", holdout(TRUTH), champion, TRUTH, latency={"most": 2})
    assert (check(result, "latency").verdict, result.passed) == ("unsure", False)
    assert "leave gate.latency out" in result.text
