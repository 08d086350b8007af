"""Triage gives one verdict, and says by which values."""

from __future__ import annotations

import pytest

from ratoon.policy.evidence import QUALITY
from ratoon.policy.triage import triage


def test_a_window_in_which_nothing_moved_is_healthy(made):
    assert triage(made.sound()).verdict == "healthy"


@pytest.mark.parametrize("metric", sorted(QUALITY))
def test_any_failed_quality_signal_is_broken_data_even_with_harm(made, metric):
    """Harm measured on broken data is no harm that training could mend."""
    verdict = triage([*made.harmful(), made.signal("quality", metric, "fail", column="day", value=0.4, threshold=0.1)])

    assert verdict.verdict == "broken_data"
    assert f"quality: {metric} of column 'day' is 0.4, threshold 0.1, on 1000 rows" in verdict.evidence[0]
    assert any("drop is 0.05" in line for line in verdict.evidence)


def test_a_failed_drop_is_harm_and_shows_its_interval(made):
    verdict = triage(made.harmful())

    assert verdict.verdict == "harm"
    assert "drop is 0.05 (interval 0.03 to 0.07), threshold 0.01, on 600 rows" in verdict.evidence[0]


def test_drift_with_sound_performance_is_a_harmless_shift(made):
    signals = [s for s in made.sound() if s.monitor != "drift"]
    signals += [
        made.signal("drift", "drift_share", "fail", value=0.5, threshold=0.3),
        made.signal("drift", "drift_score", "fail", column="period", value=0.9),
    ]
    verdict = triage(signals)

    assert verdict.verdict == "harmless_shift"
    assert "drift: drifted columns are period" in verdict.evidence


@pytest.mark.parametrize("moved", ["ok", "fail"])
def test_performance_that_cannot_be_measured_is_unsure_and_says_whether_drift_is_there(made, moved):
    signals = [
        made.signal("drift", "drift_share", moved, value=0.5, threshold=0.3),
        made.signal("performance", "drop", "unknown", rows=40, note="40 of 100 labels"),
    ]
    verdict = triage(signals)

    assert verdict.verdict == "unsure"
    assert "could not be measured on 40 rows (40 of 100 labels)" in verdict.evidence[0]
    assert "drift_share is 0.5" in verdict.evidence[1]


def test_a_window_without_a_performance_monitor_is_unsure(made):
    assert triage([s for s in made.sound() if s.monitor != "performance"]).verdict == "unsure"
    assert triage([]).evidence == ("performance: no monitor measured a drop", "drift: not measured")


def test_a_screen_that_could_not_run_is_named_but_accuses_nobody(made):
    verdict = triage([*made.sound(), made.signal("quality", "scale", "unknown", column="day", note="all missing")])

    assert verdict.verdict == "healthy"
    assert any("scale of column 'day' could not be measured" in line for line in verdict.evidence)
