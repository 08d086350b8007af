"""Decisions are written once, with all that they stood on, and read back equal."""

from __future__ import annotations

import math
from datetime import UTC, timedelta

import pytest

from ratoon.ledger.ledger import Ledger


def test_a_decision_comes_back_equal_with_its_signals_in_order(url, made):
    signals = [made.measured(), made.measured(metric="roc_auc", status="ok", value=0.7, low=0.6, high=0.8)]
    with Ledger.open(url) as ledger:
        assert ledger.decisions.record(made.decided(), signals, run="flow-run", live=True) == (made.decided(), True)
    with Ledger.open(url) as again:
        assert again.decisions.of("price") == [made.decided()]
        assert again.decisions.find("d1") == made.decided()
        assert again.decisions.signals("d1") == signals
        assert again.decisions.find("d2") is None


def test_recording_a_decision_twice_keeps_the_first_and_says_so(ledger, made):
    ledger.decisions.record(made.decided(), [made.measured()], live=True)
    changed = made.decided().model_copy(update={"action": "hold"})

    assert ledger.decisions.record(changed, [made.measured(), made.measured()], live=True) == (made.decided(), False)
    assert len(ledger.decisions.signals("d1")) == 1
    assert len(ledger.decisions.of("price")) == 1


def test_nan_and_infinity_in_signals_and_facts_survive(ledger, made):
    odd = made.measured(value=math.nan, low=-math.inf, high=math.inf, column="naïve \x00 “column”")
    decision = made.decided().model_copy(update={"facts": {"drift": {"share": math.inf}}, "window": None})
    ledger.decisions.record(decision, [odd], live=True)
    [signal] = ledger.decisions.signals("d1")

    assert math.isnan(signal.value)
    assert (signal.low, signal.high) == (-math.inf, math.inf)
    assert ledger.decisions.find("d1") == decision


def test_decisions_come_newest_last_and_the_limit_keeps_the_newest(ledger, made):
    for hours in (2, 0, 1):
        ledger.decisions.record(made.decided(f"d{hours}", hours=hours), [], live=True)
    ledger.decisions.record(made.decided("other", model="bike"), [], live=True)

    assert [d.id for d in ledger.decisions.of("price")] == ["d0", "d1", "d2"]
    assert [d.id for d in ledger.decisions.of("price", limit=2)] == ["d1", "d2"]
    assert ledger.decisions.of("nobody") == []


def test_a_time_with_a_zone_is_refused_and_nothing_is_written(ledger, made):
    """SQLite would drop the zone without a word, and every later comparison would be off by hours."""
    zoned = made.decided().model_copy(update={"at": made.NOW.replace(tzinfo=UTC)})
    with pytest.raises(Exception, match="naive UTC"):
        ledger.decisions.record(zoned, [made.measured()], live=True)

    assert ledger.decisions.of("price") == []


def test_history_sees_nothing_of_now_or_later(ledger, made):
    for hours in (-2, -1, 0, 1):
        ledger.decisions.record(made.decided(f"d{hours}", hours=hours), [], live=hours != -2)
    by_hand = made.decided("hand", hours=-0.5).model_copy(update={"window": None})
    ledger.decisions.record(by_hand, [], live=True)
    past = ledger.history("price", made.NOW)

    assert [d.id for d in past.decisions] == ["d-2", "d-1"]
    assert past.decisions[0].matched == ('triage == "harm"',)
    assert past.decisions[0].verdict == "harm"
    assert [d.id for d in ledger.history("price", made.NOW, limit=1).decisions] == ["d-1"]
    assert [d.id for d in ledger.history("price", made.NOW, live=True).decisions] == ["d-1"]
    assert ledger.history("bike", made.NOW).decisions == ()


def test_history_shows_a_run_as_it_was_at_that_moment(ledger, made):
    ledger.decisions.record(made.decided(), [], live=True)
    run = made.claim(ledger)
    ledger.runs.finish(run, outcome="registered", version="4", cpu_seconds=1.5, ended_at=made.NOW + timedelta(hours=1))
    before, meanwhile, after = (ledger.history("price", made.NOW + timedelta(hours=h)) for h in (-1, 0.5, 1))

    assert before.updates == ()
    assert [(u.outcome, u.ended_at, u.version) for u in meanwhile.updates] == [("running", None, None)]
    assert [(u.outcome, u.version, u.cpu_seconds) for u in after.updates] == [("registered", "4", 1.5)]
    assert after.updates[0].started_at == made.NOW
