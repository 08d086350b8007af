"""`growth`: a candidate is not made again from nearly the same rows."""

from __future__ import annotations

import pytest

RULE = {"when": "true", "do": "warm_start", "growth": 1.5}


def decided(made, outcome, *, rows, champion="7", new_rows=150, more=()):
    """The decision over *new_rows* after a run from *champion* over *rows* ended with *outcome*."""
    tried = made.run(10, outcome, champion=champion, new_rows=rows)
    history = made.history(champion="7", new_rows=new_rows, updates=(*more, tried))
    return made.judge(made.harmful(), RULE, past=history)


@pytest.mark.parametrize("outcome", ["refused", "registered", "shadow"])
@pytest.mark.parametrize(("new_rows", "action"), [(149, "hold"), (150, "warm_start")])
def test_the_rows_must_have_grown_by_the_factor(made, outcome, new_rows, action):
    """Also behind a challenger that waits for its review: it is not replaced by one that knows little more."""
    assert decided(made, outcome, rows=100, new_rows=new_rows).action == action


def test_the_reason_names_both_counts_and_the_factor(made):
    decision = decided(made, "refused", rows=1_400, new_rows=1_900)

    assert "new labelled rows: 1,900, the last candidate had 1,400; needed: 1.5 times as many" in decision.reasons[0]


@pytest.mark.parametrize("outcome", ["failed", "nothing_new", "abandoned"])
def test_a_run_that_made_no_candidate_does_not_count(made, outcome):
    assert decided(made, outcome, rows=100, new_rows=101).action == "warm_start"


def test_a_new_champion_begins_anew(made):
    """What was tried after an earlier champion says nothing of the rows behind this one."""
    assert decided(made, "registered", rows=100, champion="6", new_rows=101).action == "warm_start"


def test_a_look_at_a_version_that_was_caught_forgets_nothing(made):
    """It served for an hour until it was put back; the rows behind the champion are the same as before."""
    before = made.run(12, "refused", champion="7", new_rows=100)
    assert decided(made, "refused", rows=5, champion="stranger", new_rows=149, more=(before,)).action == "hold"
