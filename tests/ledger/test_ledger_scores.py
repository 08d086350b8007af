"""A decision is scored once, when labels told what became of it."""

from __future__ import annotations

import math
from datetime import timedelta

import pytest

from ratoon.spec.errors import Refused


@pytest.fixture
def four(ledger, made):
    """Four decisions over a window, an hour apart, written in another order, and one by hand."""
    for hours in (2, 0, 3, 1):
        ledger.decisions.record(made.decided(f"d{hours}", hours=hours), [], live=hours != 3)
    ledger.decisions.record(made.decided("hand").model_copy(update={"window": None}), [], live=True)
    ledger.decisions.record(made.decided("other", model="bike"), [], live=True)
    return ledger


def test_a_score_is_written_once_and_the_first_stays(four, made):
    first = made.scored("d1", hours=9, low=-0.01, high=0.05, text="acting was right")

    assert four.scores.record(first, "price")
    assert not four.scores.record(made.scored("d1", hours=10, verdict="wrong"), "price")
    assert four.scores.of("price") == {"d1": first}
    assert four.scores.of("bike") == {}


def test_a_gain_without_a_value_survives(four, made):
    four.scores.record(made.scored("d1", gain=math.nan, low=-math.inf, high=None), "price")
    found = four.scores.of("price")["d1"]

    assert math.isnan(found.gain)
    assert (found.low, found.high) == (-math.inf, None)


def test_what_was_not_decided_cannot_be_scored(four, made):
    with pytest.raises(Refused, match="decision d9 is not in the ledger"):
        four.scores.record(made.scored("d9"), "price")
    with pytest.raises(Refused, match="decision d1 is about model price"):
        four.scores.record(made.scored("d1"), "bike")

    assert four.scores.of("price") == four.scores.of("bike") == {}


def test_what_still_waits_for_a_score_comes_oldest_first(four, made):
    """Shadow decisions are scored too; a start by hand was no policy's choice."""
    late = made.NOW + timedelta(days=1)
    assert [d.id for d in four.scores.unscored("price", before=late, limit=9)] == ["d0", "d1", "d2", "d3"]
    assert [d.id for d in four.scores.unscored("price", before=late, limit=2)] == ["d0", "d1"]
    assert [d.id for d in four.scores.unscored("price", before=made.NOW + timedelta(hours=1), limit=9)] == ["d0", "d1"]
    four.scores.record(made.scored("d1"), "price")

    assert four.scores.unscored("price", before=late, limit=2) == [made.decided("d0"), made.decided("d2", hours=2)]


def test_history_knows_a_score_only_from_its_moment_on(four, made):
    four.scores.record(made.scored("d0", hours=2), "price")
    four.scores.record(made.scored("d1", hours=4), "price")
    early, late = (four.history("price", made.NOW + timedelta(hours=h)) for h in (3, 4))

    assert [(d.id, d.score is not None) for d in early.decisions] == [("d0", True), ("d1", False), ("d2", False)]
    assert [(d.id, d.score is not None) for d in late.decisions][:2] == [("d0", True), ("d1", True)]
    assert (early.marks.scores, late.marks.scores) == (1, 2)
    assert early.decisions[0].score == made.scored("d0", hours=2)
    assert four.history("price", made.NOW + timedelta(hours=1)).decisions[0].score is None
