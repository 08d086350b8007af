"""The variables of rules: documented, plain, and absent where nothing was measured."""

from __future__ import annotations

import json
import math
from datetime import timedelta

from ratoon.policy.explain import explain
from ratoon.policy.facts import VARIABLES, facts, value_of
from ratoon.policy.triage import triage


def _facts(made, signals, **past):
    return facts(signals, triage(signals), made.history(**past), made.NOW, window=made.WINDOW)


def test_every_documented_variable_can_have_a_value_and_no_other_exists(made):
    signals = [*made.harmful(), made.signal("quality", "volume", "fail", column="day", value=9.0)]
    seen = _facts(made, signals, updates=(made.run(30),))
    names = {f"{root}.{leaf}" for root, branch in seen.items() if isinstance(branch, dict) for leaf in branch}
    names |= {root for root, branch in seen.items() if not isinstance(branch, dict)}

    assert names == set(VARIABLES)
    assert seen["performance"]["drop"] == 0.05
    assert seen["performance"]["labels"] == 600
    assert seen["last_run"] == {"age_hours": 30.0, "outcome": "registered"}
    assert seen["window"] == {"rows": 1000, "hours": 168.0}


def test_what_could_not_be_measured_has_no_value_but_its_map_is_there(made):
    seen = _facts(made, made.sound(status="unknown", value=0.2), champion=None, champion_trained_at=None)

    assert "drop" not in seen["performance"]
    assert "age_hours" not in seen["champion"]
    assert seen["last_run"] == {}
    assert seen["performance"]["labels"] == 600


def test_nan_and_infinity_are_no_values_so_that_facts_stay_plain_json(made):
    signals = made.sound(value=math.nan, low=-math.inf, high=math.inf)
    seen = _facts(made, signals)

    assert "drop" not in seen["performance"]
    assert json.loads(json.dumps(seen, allow_nan=False)) == seen


def test_explain_lists_every_variable_with_meaning_and_present_value(made):
    seen = _facts(made, made.harmful())
    listed = {each.name: each for each in explain(seen)}

    assert list(listed) == list(VARIABLES)
    assert listed["performance.drop"].value == 0.05
    assert listed["last_run.outcome"].value is None
    assert all(each.meaning and each.type for each in explain())
    assert value_of("triage", seen) == "harm"


def test_a_champion_trained_in_the_last_hour_is_young(made):
    seen = _facts(made, made.sound(), champion_trained_at=made.NOW - timedelta(minutes=30))

    assert seen["champion"]["age_hours"] == 0.5
