"""The variables of rules: documented, plain, and absent where nothing was measured."""

from __future__ import annotations

import json
import math
from datetime import timedelta

from ratoon.policy.fleet import fleet_signal
from ratoon.policy.rules.explain import explain
from ratoon.policy.rules.facts import facts
from ratoon.policy.rules.variables import VARIABLES, value_of
from ratoon.policy.triage.triage import triage

TRIAL = {"version": "9", "role": "champion", "against": "3", "rows": 900, "telling": 300, "gain": 0.1, "variance": 1e-4}
COSTS = {"cpu_hour": 3.6, "run": 1.0, "error": 0.01}


def _facts(made, signals, policy=None, **past):
    policy, history = policy or made.policy(), made.history(**past)
    verdict = triage(signals, history, policy)
    return facts(signals, verdict, history, policy, made.NOW, window=made.WINDOW)


def test_every_documented_variable_can_have_a_value_and_no_other_exists(made):
    signals = [
        *made.harmful(),
        made.signal("quality", "range", "warn", column="day", value=9.0),
        fleet_signal(20.0, 40, made.WINDOW),
        made.signal("fuel", "empty_tanks", "fail", value=0.2),  # a monitor of the team's own
        made.signal("estimate", "roc_auc", value=0.7, low=0.6, high=0.8),
        made.signal("estimate", "estimated_drop", "fail", value=0.07, low=0.03, high=0.1, threshold=0.02),
    ]
    score = {"decision": "d", "at": made.NOW, "verdict": "even", "rows": 90}
    seen = _facts(
        made,
        signals,
        made.policy(costs=COSTS),
        updates=(made.run(30, gain=0.02, cpu_seconds=9.0),),
        decisions=(made.past(30, action="warm_start", score=score), made.past(24, score=score)),
        trials=tuple(TRIAL | {"strategy": each} for each in ("warm", "earlier")),
        leader="warm",
    )
    names = {f"{root}.{leaf}" for root, branch in seen.items() if isinstance(branch, dict) for leaf in branch}
    names |= {root for root, branch in seen.items() if not isinstance(branch, dict)}

    assert names == set(VARIABLES)
    assert seen["performance"]["drop"] == 0.05
    assert seen["performance"]["labels"] == 600
    assert seen["performance"]["failing"] is True
    assert seen["estimate"]["metric"] == "roc_auc"
    assert seen["last_run"] == {"age_hours": 30.0, "outcome": "registered", "gain": 0.02, "cpu_seconds": 9.0}
    assert seen["window"] == {"rows": 1000, "hours": 168.0}


def test_a_values_type_is_the_documented_one(made):
    kinds = {"string": str, "int": int, "double": float, "bool": bool, "list(string)": list}

    assert all(type(each.example) is kinds[each.type] for each in VARIABLES.values())


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


def test_the_score_is_the_share_of_the_last_twenty_that_were_right(made):
    def scored(hours, verdict, action="hold", at=0.0):
        score = {"decision": "d", "at": made.NOW - timedelta(hours=at), "verdict": verdict, "rows": 90}
        return made.past(hours, action=action, score=score)

    waits = [scored(h, "right" if h <= 20 else "wrong") for h in range(1, 40)]
    acts = [scored(50, "right", "warm_start"), scored(60, "even", "roll_back"), scored(70, "wrong", "full_retrain")]
    seen = _facts(made, made.sound(), decisions=(*waits, *acts, made.past(80)))

    assert seen["score"] == {"waiting": 1.0, "waited": 20, "acting": 0.5, "acted": 3}
    assert _facts(made, made.sound())["score"] == {"waited": 0, "acted": 0}
    late = made.judge(made.sound(), past=made.history(decisions=(scored(5, "right", at=-1),)))
    assert late.facts["score"]["waited"] == 0


def test_what_could_not_be_told_is_neither_right_nor_wrong(made):
    """Too few labels, or an act that nothing came of: `even` on no rows counts for nothing."""
    score = {"decision": "d", "at": made.NOW - timedelta(hours=1), "verdict": "even", "rows": 0}
    seen = _facts(made, made.sound(), decisions=(made.past(9, action="warm_start", score=score),))

    assert seen["score"] == {"waited": 0, "acted": 0}


def test_a_run_that_has_not_ended_took_nothing_that_is_known(made):
    seen = made.judge(
        made.sound(), past=made.history(updates=(made.run(2, cpu_seconds=9.0, ended_at=made.NOW + timedelta(hours=1)),))
    ).facts

    assert seen["last_run"] == {"age_hours": 2.0, "outcome": "running"}
