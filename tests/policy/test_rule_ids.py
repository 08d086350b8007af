"""A decision names its rule by number and content: two rules may share condition and action."""

from __future__ import annotations

from ratoon.policy.decide import fired_rule
from ratoon.policy.guards.budgets import cpu_seconds_left
from ratoon.spec.keys.rules import Rule
from ratoon.spec.values import Decision

FIRST = {"when": "true", "do": "warm_start", "min_rows": 10_000, "strategies": ["scratch"]}
SECOND = {"when": "true", "do": "warm_start", "cost": {"cpu": "30s", "per": "7d"}, "strategies": ["warm"]}


def test_of_two_rules_with_equal_condition_and_action_the_one_that_fired_is_found(made):
    decision = made.judge(made.harmful(), FIRST, SECOND)
    policy = made.policy(FIRST, SECOND)

    assert decision.action == "warm_start"
    assert decision.rule_id == policy.rule_ids[1]
    rule = fired_rule(policy, decision)
    assert rule is not None
    assert (rule.strategies, rule.min_rows) == (("warm",), None)
    assert cpu_seconds_left(rule, made.history(), policy, made.NOW) == 30.0


def test_guard_answers_name_the_rule_that_was_asked(made):
    decision = made.judge(made.harmful(), FIRST, SECOND)
    one, two = made.policy(FIRST, SECOND).rule_ids

    assert {a.rule_id for a in decision.guards if a.guard == "min_rows" and a.held} == {one}
    assert {a.rule_id for a in decision.guards if a.guard == "cost"} == {two}


def test_the_id_is_number_and_content_so_that_equal_rules_differ_and_defaults_do_not(made):
    twice = made.policy(FIRST, FIRST).rule_ids
    assert twice[0] != twice[1]
    assert twice[0].partition("-")[2] == twice[1].partition("-")[2] == Rule.model_validate(FIRST).content_hash
    assert Rule.model_validate(SECOND | {"quiet": []}).content_hash == Rule.model_validate(SECOND).content_hash


def test_a_rule_that_moved_is_found_by_its_content_and_one_that_was_edited_by_condition_and_action(made):
    decision = made.judge(made.harmful(), FIRST, SECOND)

    assert fired_rule(made.policy(SECOND, FIRST), decision) == Rule.model_validate(SECOND)
    edited = SECOND | {"cost": {"cpu": "1s", "per": "7d"}}
    assert fired_rule(made.policy(edited), decision) == Rule.model_validate(edited)
    assert fired_rule(made.policy({"when": "false", "do": "alert"}), decision) is None


def test_a_decision_of_before_rules_had_ids_is_read_and_its_rule_found(made):
    decision = made.judge(made.harmful(), SECOND)
    kept = decision.model_dump(mode="json")
    del kept["rule_id"]
    for answer in kept["guards"]:
        del answer["rule_id"]

    old = Decision.model_validate(kept)

    assert old.rule_id is None
    assert fired_rule(made.policy(SECOND), old) == Rule.model_validate(SECOND)
