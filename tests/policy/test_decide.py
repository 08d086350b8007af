"""Rules are tried in order, every guard that spoke is kept, and reasons are sentences."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ratoon.policy.decide import decide, decision_id
from ratoon.policy.rules import RuleError
from ratoon.spec.model import DEFAULT_POLICY
from ratoon.spec.values import FIRING, Decision

HARM = 'triage == "harm"'


def test_the_first_rule_that_holds_and_is_not_held_back_is_the_decision(made):
    decision = made.judge(
        made.harmful(),
        {"when": "performance.drop > 0.5", "do": "roll_back"},
        {"when": "performance.drop > 0.03", "do": "full_retrain", "min_rows": 10_000},
        {"when": HARM, "do": "warm_start"},
        {"when": "true", "do": "alert"},
    )

    assert (decision.action, decision.rule) == ("warm_start", HARM)
    assert decision.reasons[0] == f'warm_start: rule `{HARM}` holds (triage is "harm").'
    assert "full_retrain was held back: new labelled rows: 500, needed: 10000" in decision.reasons[1]
    assert decision.matched == ("performance.drop > 0.03", HARM, "true")
    assert [a.guard for a in decision.guards if a.held] == ["min_rows"]
    assert {a.guard for a in decision.guards if a.rule == HARM} == {"broken_data", "in_flight", "min_rows"}


@pytest.mark.parametrize("do", sorted(FIRING))
@pytest.mark.parametrize("when", ["true", 'triage == "broken_data"', "performance.drop > 0.0"])
def test_broken_data_never_trains_whatever_the_rules_say(made, do, when):
    signals = [*made.harmful(), made.signal("quality", "scale", "fail", column="day", value=1000.0)]
    decision = made.judge(signals, {"when": when, "do": do})

    assert decision.action == "hold"
    assert [a.guard for a in decision.guards if a.held] == ["broken_data"]
    assert "broken data never trains a model" in decision.reasons[0]


def test_the_default_policy_alerts_on_broken_data_and_warms_on_harm(made):
    broken = [*made.sound(), made.signal("quality", "volume", "fail", value=0.0)]

    assert made.judge(broken, *DEFAULT_POLICY).action == "alert"
    assert made.judge(made.harmful(), *DEFAULT_POLICY).action == "warm_start"
    assert made.judge(made.sound(), *DEFAULT_POLICY).action == "hold"


def test_holding_still_has_its_reasons(made):
    quiet = made.judge(made.sound(), {"when": HARM, "do": "warm_start"})

    assert quiet.reasons[0] == "hold: no rule's condition holds; triage is healthy."
    assert any("drop is 0.01" in line for line in quiet.reasons)
    assert made.judge(made.sound()).reasons[0] == "hold: the policy has no rules; triage is healthy."


def test_a_rule_that_needs_a_missing_value_does_not_hold_and_the_reason_says_so(made):
    signals = made.sound(status="unknown", value=None, rows=3)
    decision = made.judge(signals, {"when": "performance.drop > 0.03", "do": "warm_start"})

    assert decision.action == "hold"
    assert decision.matched == ()
    assert any("performance.drop has no value in this window" in line for line in decision.reasons)


def test_a_wrong_rule_is_refused_before_anything_is_decided(made):
    with pytest.raises(RuleError, match="unknown variable `tirage`"):
        made.judge(made.sound(), {"when": "true", "do": "hold"}, {"when": 'tirage == "harm"', "do": "alert"})


def test_a_decision_survives_json_and_keeps_what_its_rules_saw(made):
    decision = made.judge(made.harmful(), *DEFAULT_POLICY)

    assert Decision.model_validate_json(decision.model_dump_json()) == decision
    assert decision.facts["performance"]["drop"] == 0.05
    assert (decision.champion, decision.window) == ("3", made.WINDOW)


def test_the_same_moment_model_and_policy_have_the_same_id_and_no_other(made):
    again = made.judge(made.sound(), past=made.history(new_rows=1))
    later = decide(
        made.sound(),
        made.history(),
        (),
        made.NOW + timedelta(microseconds=1),
        model="price",
        window=made.WINDOW,
        policy_version="abc",
        abandon_after=timedelta(hours=2),
    )

    assert again.id == made.judge(made.sound()).id == decision_id("price", made.NOW, "abc")
    assert len({again.id, later.id, decision_id("price", made.NOW, "b"), decision_id("p", made.NOW, "abc")}) == 4
