"""A policy that would surprise its owner is refused before it decides anything."""

from __future__ import annotations

import pytest

from ratoon.policy.rules.check import check_rules
from ratoon.policy.rules.conditions import RuleError
from ratoon.spec.keys.rules import DEFAULT_POLICY

PRICED = {"cpu_hour": 0.1, "error": 0.001}


def test_check_names_every_wrong_rule_by_its_number(made):
    check_rules(made.policy(*DEFAULT_POLICY))
    wrong = ({"when": "true", "do": "hold"}, {"when": "x > 1", "do": "hold"}, {"when": "1 +", "do": "alert"})
    with pytest.raises(RuleError) as error:
        check_rules(made.policy(*wrong))

    assert "policy, rule 2: " in str(error.value)
    assert "policy, rule 3: " in str(error.value)
    assert "rule 1" not in str(error.value)
    assert [place for place, _ in error.value.rules] == [1, 2]
    assert error.value.rules[0][1].startswith("rule `x > 1`: unknown variable `x`")


@pytest.mark.parametrize("do", ["warm_start", "full_retrain"])
@pytest.mark.parametrize("when", ["estimate.drop_low > 0.1", "has(estimate.drop)", '"drop" in estimate'])
@pytest.mark.parametrize("mode", ["off", "advise"])
def test_an_estimate_fires_no_training_unless_the_spec_lets_it_count(made, do, when, mode):
    with pytest.raises(RuleError, match=r"set monitors\.performance\.estimate: count"):
        check_rules(made.policy({"when": when, "do": do}, estimate=mode))

    check_rules(made.policy({"when": when, "do": do}, estimate="count"))
    check_rules(made.policy({"when": when, "do": "alert"}, estimate=mode))


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ({"when": "cost.pays", "do": "warm_start"}, "cost.pays has no value without prices; add `costs`"),
        ({"when": "cost.gain > cost.training", "do": "alert"}, "cost.gain and cost.training have no value"),
        ({"when": "true", "do": "alert", "cost": {"money": 2, "per": "7d"}}, "a budget of 2 in money"),
    ],
)
def test_money_needs_prices(made, rule, says):
    with pytest.raises(RuleError) as error:
        made.judge(made.sound(), rule)

    assert says in str(error.value)
    assert error.value.rules[0][0] == 0
    check_rules(made.policy(rule, costs=PRICED))
    check_rules(made.policy({"when": "true", "do": "alert", "cost": {"cpu": "1h", "per": "7d"}}))
