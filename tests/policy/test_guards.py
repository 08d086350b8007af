"""Guards hold a fired rule back, and say why with values."""

from __future__ import annotations

from datetime import timedelta

import pytest

HARM = 'triage == "harm"'


def _rule(**more):
    return {"when": HARM, "do": "warm_start", **more}


def test_a_young_champion_is_left_alone(made):
    """Inside the cooldown, even strong harm does not retrain."""
    young = made.history(champion_trained_at=made.NOW - timedelta(hours=2))
    decision = made.judge(made.harmful(), _rule(cooldown="6h"), past=young)

    assert decision.action == "hold"
    assert decision.rule is None
    assert "champion v3 was trained 2h ago; the cooldown is 6h" in decision.reasons[0]


@pytest.mark.parametrize(("hours", "action"), [(5.99, "hold"), (6, "warm_start")])
def test_the_cooldown_also_counts_from_the_last_run_even_a_failed_one(made, hours, action):
    past = made.history(updates=(made.run(hours, "failed"), made.run(90)))

    assert made.judge(made.harmful(), _rule(cooldown="6h"), past=past).action == action


@pytest.mark.parametrize(("hours", "action"), [(5.99, "hold"), (6, "warm_start")])
def test_the_cooldown_also_counts_from_a_rollback(made, hours, action):
    """Who went back yesterday is not sent forward again today."""
    past = made.history(rolled_back_at=made.NOW - timedelta(hours=hours), updates=(made.run(90),))
    decision = made.judge(made.harmful(), _rule(cooldown="6h"), past=past)

    assert decision.action == action
    if action == "hold":
        assert "a champion was rolled back" in decision.reasons[0]


def test_one_bad_window_is_not_enough_where_two_of_three_are_asked(made):
    first = made.judge(made.harmful(), _rule(persist="2 of 3"), past=made.history(decisions=(made.past(24),)))
    again = made.history(decisions=(made.past(48, HARM), made.past(24)))
    forgotten = made.history(decisions=(made.past(72, HARM), made.past(48), made.past(24)))

    assert first.action == "hold"
    assert "held in 1 of the last 3 windows" in first.reasons[0]
    assert first.matched == (HARM,)
    assert made.judge(made.harmful(), _rule(persist="2 of 3"), past=again).action == "warm_start"
    assert made.judge(made.harmful(), _rule(persist="2 of 3"), past=forgotten).action == "hold"


def test_persistence_is_about_this_rule_and_earlier_windows_only(made):
    other = made.history(decisions=(made.past(24, "drift.share > 0.9"), made.past(0, HARM), made.past(-24, HARM)))

    assert made.judge(made.harmful(), _rule(persist="2 of 3"), past=other).action == "hold"
    assert made.judge(made.harmful(), _rule(persist="1 of 1"), past=other).action == "warm_start"


@pytest.mark.parametrize(("per", "action"), [("3d", "hold"), ("2d", "warm_start")])
def test_the_budget_counts_runs_started_in_its_stretch(made, per, action):
    past = made.history(updates=(made.run(48), made.run(24, "nothing_new"), made.run(500)))
    decision = made.judge(made.harmful(), _rule(budget={"runs": 2, "per": per}), past=past)

    assert decision.action == action


def test_a_budget_of_none_never_trains(made):
    assert made.judge(made.harmful(), _rule(budget={"runs": 0, "per": "1d"})).action == "hold"


@pytest.mark.parametrize(("new", "action"), [(49, "hold"), (50, "warm_start")])
def test_too_few_new_rows_are_waited_for(made, new, action):
    assert made.judge(made.harmful(), _rule(min_rows=50), past=made.history(new_rows=new)).action == action


@pytest.mark.parametrize(("do", "action"), [("warm_start", "hold"), ("full_retrain", "full_retrain")])
def test_behind_a_candidate_only_what_it_has_not_learned_counts(made, do, action):
    """Else each look would train on the handful of rows since the last; a full retrain goes on from nothing."""
    past = made.history(new_rows=500, rows_to_learn=5)
    decision = made.judge(made.harmful(), _rule(do=do, min_rows=50), past=past)
    assert decision.action == action
    if action == "hold":
        assert "new labelled rows behind the candidate to go on from: 5, needed: 50" in decision.reasons[0]


def test_with_nothing_to_learn_nothing_fires(made):
    decision = made.judge(made.harmful(), _rule(), past=made.history(new_rows=0))

    assert decision.action == "hold"
    assert "new labelled rows: 0, needed: 1" in decision.reasons[0]


def test_a_run_in_flight_holds_the_next_until_it_is_given_up(made):
    running = made.judge(made.harmful(), _rule(), past=made.history(updates=(made.run(1.5, "running"),)))
    given_up = made.judge(made.harmful(), _rule(), past=made.history(updates=(made.run(2, "running"),)))

    assert running.action == "hold"
    assert "still in flight; it is given up 2h after its start" in running.reasons[0]
    assert given_up.action == "warm_start"


def test_a_decision_that_fired_a_moment_ago_counts_though_its_run_has_not_started(made):
    fired = made.past(0.1, HARM, action="warm_start")
    waiting = made.history(decisions=(fired,))
    lost = made.history(decisions=(made.past(3, HARM, action="warm_start"),))
    landed = made.history(decisions=(fired,), updates=(made.run(0.1, decision=fired.id),))

    assert made.judge(made.harmful(), _rule(), past=waiting).action == "hold"
    assert made.judge(made.harmful(), _rule(budget={"runs": 1, "per": "1d"}), past=waiting).action == "hold"
    assert made.judge(made.harmful(), _rule(), past=lost).action == "warm_start"
    assert made.judge(made.harmful(), _rule(), past=landed).action == "warm_start"


@pytest.mark.parametrize("action", ["alert", "roll_back", "hold"])
def test_actions_that_do_not_train_have_only_the_guards_they_declare(made, action):
    busy = made.history(new_rows=0, updates=(made.run(1, "running"),))
    free = made.judge(made.harmful(), {"when": HARM, "do": action}, past=busy)
    declared = made.judge(made.harmful(), {"when": HARM, "do": action, "persist": "2 of 2"}, past=busy)

    assert (free.action, free.rule, free.guards) == (action, HARM, ())
    assert declared.rule is None
    assert [answer.guard for answer in declared.guards] == ["persistence"]
