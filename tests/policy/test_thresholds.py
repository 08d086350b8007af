"""Adaptive thresholds follow the model's own history, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from ratoon.policy.triage.thresholds import quantile, read_again, threshold
from ratoon.spec.keys.watching import Adaptive

SHARE = {"quantile": 0.5, "windows": 6, "warm_up": 5, "fixed": 0.3}


def shares(made, *values):
    return made.history(decisions=[made.past(len(values) - i, known={"drift.share": v}) for i, v in enumerate(values)])


@pytest.mark.parametrize(("share", "expected"), [(0.0, 1.0), (0.5, 2.5), (0.9, 3.7), (1.0, 4.0), (1 / 3, 2.0)])
def test_a_quantile_lies_between_its_neighbours(share, expected):
    assert quantile([4.0, 1.0, 3.0, 2.0], share) == pytest.approx(expected)
    assert quantile([7.0], share) == 7.0


def test_a_quantile_is_numpys() -> None:
    """The policy's own, because a command that only reads shall not load numpy."""
    rng = np.random.default_rng(4)
    for _ in range(100):
        values, share = rng.normal(size=int(rng.integers(1, 40))), float(rng.uniform())
        assert quantile(values.tolist(), share) == pytest.approx(float(np.quantile(values, share)), rel=1e-12)


def test_until_the_history_is_long_enough_the_threshold_is_fixed(made):
    adaptive = Adaptive.model_validate(SHARE)

    assert threshold(adaptive, "drift.share", shares(made, 0.5, 0.5, 0.5, 0.5)) == 0.3
    assert threshold(adaptive, "drift.share", shares(made, 0.1, 0.2, 0.5, 0.6, 0.7)) == 0.5


def test_only_the_last_windows_count_and_none_of_broken_data_or_without_a_value(made):
    adaptive = Adaptive.model_validate(SHARE)
    whole = shares(made, 0.9, 0.9, 0.9, 0.1, 0.1, 0.1, 0.2, 0.2, 0.2)
    broken = [made.past(h / 10, verdict="broken_data", known={"drift.share": 1.0}) for h in range(1, 9)]
    silent = [made.past(h / 7) for h in range(1, 6)]

    assert threshold(adaptive, "drift.share", whole) == pytest.approx(0.15)
    mixed = made.history(decisions=(*whole.decisions, *broken, *silent))
    assert threshold(adaptive, "drift.share", mixed) == pytest.approx(0.15)


def test_a_threshold_never_falls_below_its_least(made):
    adaptive = Adaptive.model_validate(SHARE | {"least": 0.25, "fixed": 0.1})

    assert threshold(adaptive, "drift.share", shares(made, *[0.01] * 6)) == 0.25
    assert threshold(adaptive, "drift.share", made.history()) == 0.25


def test_signals_are_read_again_by_the_threshold_that_was_used(made):
    policy = made.policy(share=SHARE, tolerance={"warm_up": 5, "fixed": 0.04})
    signals = [
        made.signal("drift", "drift_share", "ok", value=0.3, threshold=0.9),
        made.signal("drift", "drift_share", "unknown"),
        made.signal("performance", "drop", "fail", value=0.04, low=0.02, threshold=0.01),
        made.signal("estimate", "estimated_drop", "ok", value=0.06, low=0.05, threshold=0.9),
        made.signal("performance", "roc_auc", value=0.7),
    ]
    share, lost, drop, estimated, metric = read_again(signals, made.history(), policy)

    assert (share.status, share.threshold) == ("fail", 0.3)
    assert (drop.status, drop.threshold) == ("ok", 0.04)
    assert (estimated.status, estimated.threshold) == ("fail", 0.04)
    assert (lost, metric) == (signals[1], signals[4])


def test_a_fixed_threshold_leaves_the_signals_as_the_monitors_gave_them(made):
    signals = [made.signal("drift", "drift_share", "ok", value=0.9, threshold=0.1), *made.harmful()]

    assert read_again(signals, made.history(), made.policy(share=0.2, tolerance=0.5)) == signals


def test_a_shift_that_this_model_shows_every_week_is_no_news(made):
    usual = [
        *made.sound()[:1],
        *made.sound()[3:],
        made.signal("drift", "drift_share", "fail", value=0.4, threshold=0.3),
    ]
    past = shares(made, 0.5, 0.4, 0.5, 0.5, 0.4, 0.5)
    decision = made.judge(usual, past=past, share=SHARE)

    assert made.judge(usual, past=past).triage.verdict == "harmless_shift"
    assert decision.triage.verdict == "healthy"
    assert decision.facts["drift"]["threshold"] == 0.5
    assert any("drift_share is 0.4, threshold 0.5" in line for line in decision.reasons)
