"""`fleet.alarm`: the evidence comes from the ledger's own looks, each row of data counted once."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from ratoon.anytime.fleet import HarmEvidence
from ratoon.policy.fleet import fleet_signal
from ratoon.spec.values import Decision, PastDecision

HARM = {
    "performance.drop": 0.05,
    "performance.drop_low": 0.03,
    "performance.drop_high": 0.07,
    "performance.tolerance": 0.01,
    "window.hours": 168.0,
}
PER_LOOK = (0.05 - 0.01) / (0.02 / 1.96)  # standard errors


@pytest.fixture
def week(made: SimpleNamespace) -> Callable[..., PastDecision]:
    """The look a number of weeks ago, with harm."""
    return lambda weeks, **more: made.past(168 * weeks, known=HARM, **more)


@pytest.fixture
def decided(made: SimpleNamespace) -> Callable[..., Decision]:
    """The decision after these looks, in a fleet where an alarm *needs* this e-value; None: no fleet."""

    def decide(*looks: PastDecision, needs: float | None = 20.0, rule: str = "fleet.alarm") -> Decision:
        asked = [] if needs is None else [fleet_signal(needs, 40, made.WINDOW)]
        past = made.history(decisions=looks)
        return made.judge([*made.harmful(), *asked], {"when": rule, "do": "alert"}, past=past)

    return decide


def e_value(decision: Decision) -> float:
    return float(decision.facts["fleet"]["e_value"])


def expected(looks: int) -> float:
    process = HarmEvidence()
    for _ in range(looks):
        process = process.look(PER_LOOK)
    return process.e_value


def test_each_week_of_harm_adds_to_the_evidence(decided: Any, week: Any) -> None:
    found = [e_value(decided(*(week(n) for n in range(1, weeks)))) for weeks in (1, 2, 4)]
    assert found == pytest.approx([expected(1), expected(2), expected(4)])


def test_overlapping_windows_count_once(decided: Any, made: SimpleNamespace) -> None:
    overlapping = [made.past(168 + hours, known=HARM) for hours in (0, 24, 48)]
    assert e_value(decided(*overlapping)) == pytest.approx(expected(2))


def test_another_champion_and_broken_data_say_nothing_of_this_one(decided: Any, week: Any) -> None:
    others = (week(1, champion="2"), week(2, verdict="broken_data"))
    assert e_value(decided(*others)) == pytest.approx(expected(1))


def test_a_rule_may_ask_for_the_alarm_and_it_depends_on_the_whole_fleet(decided: Any, week: Any) -> None:
    looks = [week(n) for n in range(1, 4)]
    assert decided(*looks).action == "alert"
    alone, hard = decided(*looks).facts["fleet"], decided(*looks, needs=1e9)
    assert alone["alarm"] and alone["models"] == 40
    assert hard.action == "hold" and hard.facts["fleet"]["alarm"] is False


def test_a_look_that_knew_of_no_fleet_has_no_alarm_and_no_value(decided: Any) -> None:
    assert decided(needs=None).facts["fleet"] == {}
    assert decided(needs=None, rule="has(fleet.alarm) && fleet.alarm").action == "hold"


def test_the_fleet_signal_changes_no_verdict(made: SimpleNamespace) -> None:
    with_it = made.judge([*made.sound(), fleet_signal(1.0, 2, made.WINDOW)])
    assert with_it.triage == made.judge(made.sound()).triage
