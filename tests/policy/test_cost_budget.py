"""What is spent on training stays within its budget, the run to come included."""

from __future__ import annotations

import pytest

COSTS = {"cpu_hour": 36.0, "run": 0.5, "error": 0.0, "cpu_seconds": 10.0}  # a CPU second is a cent, a run 0.60
CPU = {"when": "true", "do": "warm_start", "cost": {"cpu": "30s", "per": "7d"}}


def judged(made, *runs, rule=CPU, **policy):
    return made.judge(made.harmful(), rule, past=made.history(updates=runs, first_cpu_seconds=10.0), **policy)


@pytest.mark.parametrize(("took", "action"), [(20.0, "warm_start"), (20.1, "hold")])
def test_cpu_time_of_the_runs_and_of_the_next_one_stays_within_the_budget(made, took, action):
    decision = judged(made, made.run(24, cpu_seconds=took), made.run(24 * 7, cpu_seconds=1000.0), costs=COSTS)

    assert decision.action == action
    text = next(a.text for a in decision.guards if a.guard == "cost")
    assert text == (
        f"training in the last 7d took {took:g} CPU seconds, and a run now is expected to take 10; "
        "the budget is 30 (cost)"
    )


@pytest.mark.parametrize(("money", "action"), [(1.3, "warm_start"), (1.29, "hold")])
def test_money_counts_cpu_time_and_the_fixed_price_of_a_run(made, money, action):
    rule = {"when": "true", "do": "warm_start", "cost": {"money": money, "per": "7d"}}
    decision = judged(made, made.run(24, cpu_seconds=20.0), rule=rule, costs=COSTS)

    assert decision.action == action
    assert "took 0.7 EUR, and a run now is expected to take 0.6" in next(
        a.text for a in decision.guards if a.guard == "cost"
    )


def test_what_a_run_takes_is_learned_from_the_runs_before(made):
    """The median of the last five, to one significant digit; before any run, the first version's."""
    slow = [made.run(200 + h, cpu_seconds=28.0) for h in range(3)]

    assert judged(made).action == "warm_start"
    assert judged(made, *slow).action == "warm_start"
    assert judged(made, *slow, made.run(24, cpu_seconds=1.0)).action == "hold"


def test_a_run_without_an_end_counts_as_what_a_run_takes_and_a_shadow_run_as_nothing(made):
    dead = [made.run(hours, "running") for hours in (24, 48)]
    shadows = [made.run(hours, "shadow") for hours in (24, 48, 72)]

    assert judged(made, *dead).action == "warm_start"
    assert judged(made, *dead, made.run(72, "abandoned", cpu_seconds=1.0), costs=COSTS).action == "hold"
    assert judged(made, *shadows).action == "warm_start"


def test_shadow_runs_count_as_started_for_cooldown_and_run_budget(made):
    shadow = made.run(24, "shadow")

    assert judged(made, shadow, rule={"when": "true", "do": "warm_start", "cooldown": "2d"}).action == "hold"
    budget = {"runs": 1, "per": "2d"}
    assert judged(made, shadow, rule={"when": "true", "do": "warm_start", "budget": budget}).action == "hold"
