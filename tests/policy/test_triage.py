"""Triage gives one verdict, and says by which values."""

from __future__ import annotations

import pytest

from ratoon.policy.triage.triage import triage as triage_of


def judged(made, signals, past=None, **policy):
    return triage_of(signals, past or made.history(), made.policy(**policy))


def test_a_window_in_which_nothing_moved_is_healthy(made):
    assert judged(made, made.sound()).verdict == "healthy"


@pytest.mark.parametrize("metric", ["clock", "label_order", "missing_share", "scale", "schema", "swapped", "volume"])
def test_any_failed_quality_signal_is_broken_data_even_with_harm(made, metric):
    """Harm measured on broken data is no harm that training could mend."""
    verdict = judged(
        made, [*made.harmful(), made.signal("quality", metric, "fail", column="day", value=0.4, threshold=0.1)]
    )

    assert verdict.verdict == "broken_data"
    assert f"quality: {metric} of column 'day' is 0.4, threshold 0.1, on 1,000 rows" in verdict.evidence[0]
    assert any("drop is 0.05" in line for line in verdict.evidence)


def test_a_failed_drop_is_harm_and_shows_its_interval(made):
    verdict = judged(made, made.harmful())

    assert verdict.verdict == "harm"
    assert "drop is 0.05 (interval 0.03 to 0.07), threshold 0.01, on 600 rows" in verdict.evidence[0]


def test_drift_with_sound_performance_is_a_harmless_shift(made):
    signals = [s for s in made.sound() if s.monitor != "drift"]
    signals += [
        made.signal("drift", "drift_share", "fail", value=0.5, threshold=0.3),
        made.signal("drift", "drift_score", "fail", column="period", value=0.9),
    ]
    verdict = judged(made, signals)

    assert verdict.verdict == "harmless_shift"
    assert "drift: drifted columns are period" in verdict.evidence


@pytest.mark.parametrize("moved", ["ok", "fail"])
def test_performance_that_cannot_be_measured_is_unsure_and_says_whether_drift_is_there(made, moved):
    signals = [
        made.signal("drift", "drift_share", moved, value=0.5, threshold=0.3),
        made.signal("performance", "drop", "unknown", rows=40, note="40 of 100 labels"),
    ]
    verdict = judged(made, signals)

    assert verdict.verdict == "unsure"
    assert "could not be measured on 40 rows (40 of 100 labels)" in verdict.evidence[0]
    assert "drift_share is 0.5" in verdict.evidence[1]


def test_a_window_without_a_performance_monitor_is_unsure(made):
    assert judged(made, [s for s in made.sound() if s.monitor != "performance"]).verdict == "unsure"
    assert judged(made, []).evidence == ("performance: no monitor measured a drop", "drift: not measured")


def test_a_screen_that_could_not_run_is_named_but_accuses_nobody(made):
    verdict = judged(
        made, [*made.sound(), made.signal("quality", "scale", "unknown", column="day", note="all missing")]
    )

    assert verdict.verdict == "healthy"
    assert any("scale of column 'day' could not be measured" in line for line in verdict.evidence)


def fell(made, hours, failing=True, **more):
    known = {"performance.failing": failing} if failing is not None else {}
    return made.past(hours, verdict=more.pop("verdict", "unsure"), known=known, **more)


def test_one_bad_window_is_not_yet_harm_and_the_evidence_says_how_many_are_needed(made):
    alone = judged(made, made.harmful(), triage={"persist": "2 of 3"})
    again = judged(
        made,
        made.harmful(),
        made.history(decisions=(fell(made, 48), fell(made, 24, False))),
        triage={"persist": "2 of 3"},
    )

    assert alone.verdict == "unsure"
    assert alone.evidence[1] == (
        "performance fell in 1 of the last 3 windows, this one included; 2 needed (triage.persist)"
    )
    assert again.verdict == "harm"
    assert "fell in 2 of the last 3 windows" in again.evidence[1]
    assert again.signals == ("performance/drop",)


def test_windows_that_could_not_tell_are_looked_past(made):
    """Neither broken data nor late labels make a loss look lasting, or forgotten."""
    silent = [fell(made, h, True, verdict="broken_data") for h in (40, 30)] + [fell(made, h, None) for h in (20, 10)]
    long_ago = made.history(decisions=(fell(made, 50), *silent))
    only_silent = made.history(decisions=silent)

    assert judged(made, made.harmful(), long_ago, triage={"persist": "2 of 2"}).verdict == "harm"
    assert judged(made, made.harmful(), only_silent, triage={"persist": "2 of 2"}).verdict == "unsure"


def test_the_count_goes_over_the_lineage_and_not_over_one_champion(made):
    past = made.history(decisions=(fell(made, 24, champion="2"),))

    assert judged(made, made.harmful(), past, triage={"persist": "2 of 2"}).verdict == "harm"


def test_harm_stays_until_the_loss_itself_is_gone(made):
    """Its lower end under the tolerance is no recovery: the loss may still be there."""
    better = made.sound(value=0.015, low=-0.01, high=0.04, threshold=0.01)
    gone = made.sound(value=0.01, low=-0.01, high=0.03, threshold=0.01)
    before = made.history(decisions=(fell(made, 24, verdict="harm"),))
    other = made.history(decisions=(fell(made, 24, verdict="harm", champion="2"),))
    stays = judged(made, better, before)

    assert stays.verdict == "harm"
    assert stays.evidence[1] == "performance has not recovered: it was harm before, which ends at a drop of 0.01"
    assert judged(made, gone, before).verdict == "healthy"
    assert judged(made, better, other).verdict == "healthy"
    assert judged(made, better).verdict == "healthy"


def test_a_shift_stays_until_it_is_well_below_its_threshold(made):
    def shares(value, status="ok"):
        return [
            *made.sound()[:1],
            *made.sound()[3:],
            made.signal("drift", "drift_share", status, value=value, threshold=0.3),
        ]

    moved = made.history(decisions=(made.past(24, verdict="harmless_shift", known={"drift.moved": True}),))
    elsewhere = made.history(decisions=(made.past(24, champion="2", known={"drift.moved": True}),))
    stays = judged(made, shares(0.25), moved)

    assert stays.verdict == "harmless_shift"
    assert stays.signals == ("drift/drift_share", "performance/drop")
    assert "drift has not gone: the features had moved before, and it ends below 0.24" in stays.evidence
    assert judged(made, shares(0.23), moved).verdict == "healthy"
    assert judged(made, shares(0.25), elsewhere).verdict == "healthy"
    assert judged(made, shares(0.25)).verdict == "healthy"


NOTE = "estimate, without labels: roc_auc goes from 0.77 to about 0.71"


def _estimated(made, status="fail", value=0.06):
    return [
        made.signal("performance", "drop", "unknown", rows=3, note="3 of 100 labels"),
        made.signal("estimate", "estimated_drop", status, value=value, low=0.04, high=0.08, threshold=0.02, note=NOTE),
    ]


def test_an_estimate_is_shown_but_accuses_nobody_unless_the_spec_lets_it_count(made):
    advised = judged(made, _estimated(made))
    counted = judged(made, _estimated(made), estimate="count")
    off = judged(made, _estimated(made), estimate="off")

    assert advised.verdict == off.verdict == "unsure"
    assert advised.evidence[1].startswith("estimate, without labels: estimate: estimated_drop is 0.06")
    assert advised.evidence[1].count("without labels") == 1
    assert not any("estimate" in line for line in off.evidence)
    assert counted.verdict == "harm"
    assert counted.evidence[0].startswith("estimate, without labels")
    assert counted.signals == ("estimate/estimated_drop",)


def test_an_estimate_that_counts_must_last_too_and_measured_labels_overrule_it(made):
    twice = {"estimate": "count", "triage": {"persist": "2 of 3"}}
    before = made.history(decisions=(made.past(24, verdict="unsure", known={"estimate.failing": True}),))

    first = judged(made, _estimated(made), **twice)
    assert first.verdict == "unsure"
    assert "fell in 1 of the last 3 windows" in first.evidence[2]
    assert judged(made, _estimated(made), before, **twice).verdict == "harm"
    assert judged(made, _estimated(made, "ok"), before, **twice).verdict == "unsure"
    assert judged(made, [*made.sound(), _estimated(made)[1]], before, **twice).verdict == "healthy"
    assert judged(made, _estimated(made), before, triage={"persist": "2 of 3"}).verdict == "unsure"


def test_evidence_names_its_signals_in_data(made):
    broken = [
        *made.sound(),
        made.signal("quality", "scale", "fail", column="day"),
        made.signal("quality", "volume", "fail"),
    ]

    assert judged(made, broken).signals == ("quality/scale/day", "quality/volume")
    assert judged(made, []).signals == ()
    assert judged(made, made.sound()).signals == ("performance/drop",)
