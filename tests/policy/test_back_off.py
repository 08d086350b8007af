"""What was refused or rejected is tried again later, and each time later than before."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ratoon.policy.guards.back_off import BackOff

RULE = {"when": "true", "do": "warm_start", "back_off": {"first": "1d", "most": "5d"}}


def act(made, *runs):
    return made.judge(made.harmful(), RULE, past=made.history(updates=runs)).action


def test_the_wait_doubles_up_to_its_most():
    back_off = BackOff(timedelta(days=1), timedelta(days=5))

    assert [back_off.wait(n).days for n in (1, 2, 3, 4, 5000)] == [1, 2, 4, 5, 5]
    assert BackOff(timedelta(0), timedelta(days=5)).wait(5000) == timedelta(0)
    assert BackOff(timedelta(days=9), timedelta(days=5)).wait(1) == timedelta(days=5)


@pytest.mark.parametrize(("hours", "action"), [(23.9, "hold"), (24, "warm_start")])
def test_after_a_refusal_the_rule_waits(made, hours, action):
    assert act(made, made.run(hours, "refused")) == action


@pytest.mark.parametrize(("hours", "action"), [(47.9, "hold"), (48, "warm_start")])
def test_after_two_in_a_row_it_waits_twice_as_long(made, hours, action):
    others = (made.run(70, "failed"), made.run(60, "nothing_new"), made.run(50, "shadow"))

    assert act(made, made.run(90, "refused"), *others, made.run(hours, "refused")) == action


def test_it_counts_from_the_end_of_the_run_or_from_the_rejection(made):
    ended = made.run(30, "refused", ended_at=made.NOW - timedelta(hours=20))
    rejected = made.run(90, "registered", rejected_at=made.NOW - timedelta(hours=2))
    later = made.run(90, "registered", rejected_at=made.NOW + timedelta(hours=2))
    decision = made.judge(made.harmful(), RULE, past=made.history(updates=(rejected,)))

    assert act(made, ended) == "hold"
    assert "1 challenger was refused or rejected in a row, the last 2h ago; the back-off is 1d" in decision.reasons[0]
    assert decision.facts["back_off"] == {"refusals": 1}
    assert act(made, later) == "warm_start"


def test_a_registered_challenger_that_nobody_rejected_ends_the_row(made):
    refused = [made.run(hours, "refused") for hours in (200, 150, 100)]

    assert act(made, *refused, made.run(50, "registered")) == "warm_start"
    assert act(made, *refused, made.run(50, "registered"), made.run(30, "refused")) == "warm_start"
    assert act(made, *refused, made.run(80, "registered", rejected_at=made.NOW - timedelta(hours=70))) == "hold"


@pytest.mark.parametrize("runs", [1, 3])
def test_a_candidate_that_only_lacked_rows_is_tried_again_without_waiting(made, runs):
    """Waiting would prolong the harm, and more rows are what it needs."""
    unproven = [made.run(1 + hours, "refused", promising=True) for hours in range(runs)]

    assert act(made, *unproven) == "warm_start"
    assert act(made, made.run(20, "refused"), *unproven) == "hold", "nor does it end a row of refusals"
