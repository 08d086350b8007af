"""What a backtest advises, by the codes."""

from __future__ import annotations

import pytest
from arms import arm, backtest, seven, step, steps_of

from ratoon.backtest.findings import DEFAULT, Findings, findings
from ratoon.backtest.results import ArmResult, Backtest, Step


def codes(found: Backtest) -> list[str]:
    return [each.code for each in findings(found).advice]


def firing(value: float, **changed: object) -> tuple[Step, ...]:
    """Eight stretches, each with a run at its start."""
    return tuple(step(n, value, action="warm_start" if n % 2 else "hold", **changed) for n in range(8))


def policy(value: float, **changed: object) -> ArmResult:
    return arm("policy", "policy", value, 4, 10.0, **({"steps": firing(value)} | changed))


def never(value: float = 0.6) -> ArmResult:
    return arm("never", "never", value, 0, 0.0, steps=steps_of([value] * 8))


def warm(value: float, cpu: float) -> ArmResult:
    return arm("schedule, warm", "warm", value, 8, cpu, steps=steps_of([value] * 8))


def scratch(value: float, cpu: float = 100.0) -> ArmResult:
    return arm("schedule, scratch, all history", "scratch_all", value, 8, cpu, steps=steps_of([value] * 8))


@pytest.mark.parametrize(
    ("arms", "code"),
    [
        ((policy(0.8), never(0.8)), "never_as_good"),
        ((policy(0.7), never(0.8)), "never_better"),
        ((policy(0.8), never(), warm(0.8, 1.0)), "warm_as_good"),
        ((policy(0.7), never(), warm(0.8, 20.0)), "warm_better"),
        ((policy(0.7), never(), warm(0.65, 1.0), scratch(0.8)), "fixed_better"),
        ((policy(0.8), never(), warm(0.7, 1.0), scratch(0.8)), "policy_pays"),
        ((policy(0.8), never(), warm(0.8, 9.0)), "policy_pays"),
    ],
)
def test_the_simplest_strategy_that_does_as_well_is_named(arms: tuple[ArmResult, ...], code: str) -> None:
    assert codes(backtest(*arms)) == [code]


def test_rules_that_never_held_are_said_to_beside_what_the_default_would_have_done() -> None:
    held = arm("policy", "policy", 0.6, 0, 0.0, steps=steps_of([0.6] * 8))
    better = arm(DEFAULT, "policy", 0.8, 4, 5.0, steps=firing(0.8))
    assert codes(backtest(held, never())) == ["never_fired"]
    assert codes(backtest(held, better, never())) == ["never_fired", "default_better"]
    assert codes(backtest(held, arm(DEFAULT, "policy", 0.6, steps=firing(0.6)), never())) == [
        "never_fired", "default_no_better",
    ]  # fmt: skip


def test_a_gate_that_refuses_what_was_better_is_named() -> None:
    refused = tuple(step(n, 0.8, action="warm_start" if n % 2 else "hold", outcome="refused" if n % 2 else None,
                         refused_better=n % 2 == 1) for n in range(8))  # fmt: skip
    found = backtest(policy(0.8, steps=refused), never())
    assert (found.arms[0].refused_better, found.arms[0].better_updates) == (4, 4)
    assert "gate_refuses_better" in codes(found)


def test_a_policy_that_fires_at_every_look_chooses_no_moments() -> None:
    always = tuple(step(n, 0.8, action="warm_start") for n in range(8))
    found = backtest(policy(0.8, steps=always), never())
    assert found.arms[0].fired_share == 1
    assert "fires_always" in codes(found)


def test_of_few_stretches_nothing_is_said_but_that() -> None:
    short = steps_of([0.8] * 3)
    found = backtest(policy(0.8, steps=short), arm("never", "never", 0.6, 0, 0.0, steps=short))
    assert codes(found) == ["few_stretches"]


def test_the_policy_is_compared_with_every_arm_but_the_oracle() -> None:
    found = findings(backtest())
    assert set(found.differences) == {each.name for each in seven()} - {"policy", "oracle"}
    assert found.best_fixed == "schedule, warm"
    assert Findings.model_validate_json(found.model_dump_json()) == found


def test_a_backtest_without_a_policy_has_no_findings() -> None:
    assert findings(backtest(never())).advice == ()
