"""Rules are tried in order, every guard that spoke is kept, and reasons are sentences."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ratoon.policy.decide import decision_id
from ratoon.policy.rules.conditions import RuleError
from ratoon.spec.keys.rules import DEFAULT_POLICY, default_policy
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
    assert "full_retrain was held back: new labelled rows: 500, needed: 10,000" in decision.reasons[1]
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


def gained(made, gain: float, strategy: str = "warm", **more):
    """A history whose champion a strategy has beaten, at this look, by so much."""
    trial = {"strategy": strategy, "version": "9", "role": "champion", "against": "3", "rows": 900, "telling": 300}
    return made.history(trials=(trial | {"gain": gain, "variance": 0.0001},), leader="warm", **more)


def test_the_default_policy_alerts_on_broken_data_and_on_harm(made):
    broken = [*made.sound(), made.signal("quality", "volume", "fail", value=0.0)]

    assert made.judge(broken, *DEFAULT_POLICY).action == "alert"
    harm = made.judge(made.harmful(), *DEFAULT_POLICY)
    assert (harm.action, harm.rule) == ("alert", 'triage == "harm"')


def test_the_default_policy_promotes_what_is_proven_to_gain_with_harm_or_without(made):
    for signals in (made.sound(), made.harmful()):
        decision = made.judge(signals, *DEFAULT_POLICY, past=gained(made, 0.1))
        assert (decision.action, decision.rule) == ("warm_start", "gain.pays")
        assert decision.facts["gain"]["strategy"] == "warm"
    assert made.judge(made.sound(), *DEFAULT_POLICY, past=gained(made, 0.005)).action == "hold"
    assert made.judge(made.sound(), *DEFAULT_POLICY, past=gained(made, -0.1)).action == "hold"


def test_broken_data_fires_nothing_whatever_would_be_gained(made):
    broken = [*made.sound(), made.signal("quality", "volume", "fail", value=0.0)]

    assert made.judge(broken, *DEFAULT_POLICY, past=gained(made, 0.1)).action == "alert"


def test_a_gain_within_the_tolerance_does_not_pay(made):
    decision = made.judge(made.sound(), *DEFAULT_POLICY, past=gained(made, 0.1), gain_tolerance=0.2)

    assert (decision.action, decision.facts["gain"]["proven"]) == ("hold", False)


@pytest.mark.parametrize(("error", "pays"), [(1.0, True), (0.0001, False)])
def test_with_prices_a_gain_pays_once_it_is_worth_more_than_a_run(made, error, pays):
    """A run costs 1 and CPU nothing; 0.1 a prediction is won until the next promotion."""
    costs = {"cpu_hour": 0.0, "run": 1.0, "error": error}
    decision = made.judge(made.sound(), *DEFAULT_POLICY, past=gained(made, 0.1), costs=costs)

    assert decision.facts["gain"]["proven"] is True
    assert decision.facts["gain"]["pays"] is pays


def test_where_promotion_is_automatic_a_champion_of_before_that_is_better_is_put_back(made):
    better = gained(made, 0.1, "earlier")

    assert made.judge(made.sound(), *default_policy("automatic"), past=better).action == "roll_back"
    assert made.judge(made.sound(), *default_policy("required"), past=better).action == "hold"


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
    version = made.policy().version
    again = made.judge(made.sound(), past=made.history(new_rows=1))
    later = made.judge(made.sound(), now=made.NOW + timedelta(microseconds=1))
    other = made.judge(made.sound(), share=0.4)

    assert again.id == made.judge(made.sound()).id == decision_id("price", made.NOW, version)
    assert again.policy == version != other.policy
    assert len({again.id, later.id, other.id, decision_id("p", made.NOW, version)}) == 4


def test_a_decision_keeps_the_basis_on_which_it_can_be_taken_again(made):
    past = made.history(new_rows=7, first_cpu_seconds=3.0, marks={"flights": 2, "running": (2,)})

    assert made.judge(made.sound(), past=past).basis == past.basis


def test_a_decision_taken_again_does_not_see_the_run_it_started_the_first_time(made):
    rule = {"when": HARM, "do": "warm_start", "cooldown": "2d"}
    first = made.judge(made.harmful(), rule)
    own = made.history(
        decisions=(made.past(0, HARM, action="warm_start", id=first.id),),
        updates=(made.run(0, "running", decision=first.id),),
    )
    beside = made.history(decisions=(made.past(0, action="warm_start", id="by hand"),))

    assert first.fires
    assert made.judge(made.harmful(), rule, past=own) == first
    assert made.judge(made.harmful(), rule, past=beside).action == "hold"
