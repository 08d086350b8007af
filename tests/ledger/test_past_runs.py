"""What the past tells of earlier training runs: what they gained, and which would have been, in shadow mode."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

import pytest

from ratoon.spec.run_record import RunRecord


def _attempt(recent: Any, verdict: str = "passed", anchor: str = "passed") -> dict[str, Any]:
    strata = [
        {"name": "recent", "verdict": verdict, "gain": {"value": recent, "low": -1.0, "high": 1.0}},
        {"name": "anchor", "verdict": anchor, "gain": {"value": 9.0, "low": 8.0, "high": 10.0}},
    ]
    return {"strategy": "warm", "gate": {"metric": "roc_auc", "confidence": 0.9, "strata": strata}}


BROKEN = {"strategy": "warm", "gate": None, "error": "the contract is broken"}


@pytest.mark.parametrize(
    ("attempts", "gained"),
    [
        ([_attempt(0.02)], 0.02),
        ([_attempt(-0.01, "refused"), _attempt(0.03, anchor="absent")], 0.03),
        ([_attempt(0.02), _attempt(0.05, "refused")], 0.02),  # the one that passed, wherever it stands
        ([_attempt(0.04, anchor="refused"), _attempt(-0.01, "refused")], -0.01),
        ([_attempt(-0.01, "refused"), BROKEN], -0.01),
        ([BROKEN], None),
        ([], None),
        ([_attempt(math.nan, "unsure")], None),
        ([_attempt(None)], None),
    ],
)
def test_a_run_gained_what_the_gate_measured_on_recent_rows(attempts, gained):
    assert RunRecord.model_validate({"attempts": attempts}).gain == gained


@pytest.mark.parametrize(
    "evidence",
    [
        {},
        {"reason": "the process died"},
        {"attempts": None},
        {"attempts": ["x", None, {"gate": "passed"}, {"gate": {"strata": ["recent"]}}]},
        {"attempts": [{"gate": {"strata": [{"name": "recent", "verdict": "passed", "gain": 0.3}]}}]},
        {"attempts": [{"gate": {"strata": [{"name": "recent", "verdict": "passed", "gain": {"value": "much"}}]}}]},
    ],
)
def test_evidence_of_another_shape_is_no_gain_and_no_error(evidence):
    assert RunRecord.model_validate(evidence).gain is None


def test_history_tells_what_a_run_learned_and_gained_once_it_has_landed(ledger, made):
    ledger.decisions.record(made.decided(), [], live=True)
    evidence = RunRecord.model_validate({"attempts": [_attempt(-math.inf, "refused"), _attempt(0.02)]})
    ended = made.NOW + timedelta(hours=2)
    run = made.claim(ledger)
    ledger.runs.finish(run, outcome="registered", version="4", rows=70, evidence=evidence, ended_at=ended)
    meanwhile, after = (ledger.history("price", made.NOW + timedelta(hours=h)) for h in (1, 2))

    assert [(u.outcome, u.rows, u.gain) for u in meanwhile.updates] == [("running", 0, None)]
    assert [(u.outcome, u.rows, u.gain) for u in after.updates] == [("registered", 70, 0.02)]
    assert (meanwhile.marks.training_runs, meanwhile.marks.running) == (1, (1,))
    assert (after.marks.training_runs, after.marks.running) == (1, ())


def test_a_run_that_ends_after_it_was_seen_running_is_seen_ended_from_then_on(ledger, made):
    """What is remembered between two readings must not keep a run under way."""
    ledger.decisions.record(made.decided(), [], live=True)
    run, late = made.claim(ledger), made.NOW + timedelta(days=1)
    assert [u.outcome for u in ledger.history("price", late).updates] == ["running"]
    assert [u.outcome for u in ledger.runs.of("price")] == ["running"]
    ledger.runs.finish(run, outcome="failed", ended_at=made.NOW)

    assert [u.outcome for u in ledger.history("price", late).updates] == ["failed"]
    assert [u.outcome for u in ledger.runs.of("price")] == ["failed"]


def test_in_shadow_mode_a_decision_that_fired_is_the_run_that_would_have_been(ledger, made):
    actions = ["warm_start", "hold", "full_retrain", "alert", "roll_back", "warm_start"]
    for hours, action in enumerate(actions):
        ledger.decisions.record(made.decided(f"d{hours}", hours=hours, action=action), [], live=hours == 5)
    by_hand = made.decided("hand", hours=1).model_copy(update={"window": None})
    ledger.decisions.record(by_hand, [], live=False)
    run = made.claim(ledger, "d5")
    ledger.runs.finish(run, outcome="refused", ended_at=made.NOW)
    late = made.NOW + timedelta(days=1)
    shadow = ledger.history("price", late, shadow=True)

    assert [(u.decision, u.outcome) for u in shadow.updates] == [("d5", "refused"), ("d0", "shadow"), ("d2", "shadow")]
    assert [(u.started_at, u.ended_at) for u in shadow.updates[2:]] == [(made.NOW + timedelta(hours=2),) * 2]
    assert [u.outcome for u in ledger.history("price", late).updates] == ["refused"]
    early = ledger.history("price", made.NOW + timedelta(hours=2), shadow=True)
    assert [u.decision for u in early.updates] == ["d5", "d0"]


def test_a_run_that_kept_an_unproven_candidate_is_told_from_one_that_left_nothing(ledger, made):
    for decision, evidence in (("d1", RunRecord(candidate="4")), ("d2", RunRecord())):
        ledger.decisions.record(made.decided(decision, hours=int(decision[1])), [], live=True)
        ledger.runs.finish(made.claim(ledger, decision), outcome="refused", evidence=evidence, ended_at=made.NOW)
    ledger.decisions.record(made.decided("d3", hours=3), [], live=True)
    ledger.runs.finish(made.claim(ledger, "d3"), outcome="registered", version="5", ended_at=made.NOW)

    assert [run.became for run in ledger.runs.of("price")] == ["unproven v4", "refused", "registered v5"]


def test_history_tells_that_a_refused_run_was_promising(ledger, made):
    for decision, promising in (("d1", True), ("d2", False)):
        ledger.decisions.record(made.decided(decision, hours=int(decision[1])), [], live=True)
        run = made.claim(ledger, decision)
        ledger.runs.finish(run, outcome="refused", evidence=RunRecord(promising=promising), ended_at=made.NOW)

    seen = ledger.history("price", made.NOW + timedelta(days=1)).updates
    assert [(update.decision, update.promising) for update in seen] == [("d1", True), ("d2", False)]
