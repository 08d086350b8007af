"""One training run of a model is under way at a time, and it ends once."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from ratoon.ledger.claims import LEASE
from ratoon.ledger.ledger import Ledger
from ratoon.spec.errors import Refused
from ratoon.spec.run_record import RunRecord


@pytest.fixture
def two(ledger: Ledger, made) -> Ledger:
    """A ledger with two decisions of one model."""
    ledger.decisions.record(made.decided("d1"), [], live=True)
    ledger.decisions.record(made.decided("d2", hours=1), [], live=True)
    return ledger


def test_while_one_runs_the_other_does_not_start(two, made):
    run = made.claim(two, "d1")

    assert two.runs.is_claimed(run)
    assert made.claim(two, "d2") is None
    two.runs.finish(run, outcome="nothing_new", ended_at=made.NOW)
    assert not two.runs.is_claimed(run)
    assert made.claim(two, "d2").number == 2


def test_models_do_not_wait_for_each_other(two, made):
    two.decisions.record(made.decided("b1", model="bike"), [], live=True)

    assert made.claim(two, "d1").number == 1
    assert made.claim(two, "b1", model="bike").number == 1


def test_the_same_decision_resumes_its_own_run_once_the_lease_has_ended(two, made):
    first = made.claim(two, "d1")

    assert made.claim(two, "d1", wall=made.NOW + LEASE - timedelta(seconds=1)) is None
    again = made.claim(two, "d1", wall=made.NOW + LEASE)
    assert (again.number, again.outcome, again.holder != first.holder) == (first.number, None, True)
    assert len(two.runs.of("price")) == 1


def test_a_holder_known_dead_is_not_waited_for(two, made):
    first = made.claim(two, "d1")

    assert made.claim(two, "d1", dead={"somebody else"}) is None
    assert made.claim(two, "d1", dead={first.holder}).number == first.number


def test_the_holder_itself_may_ask_again(two, made):
    first = made.claim(two, "d1", holder="host:1:a")

    assert made.claim(two, "d1", holder="host:1:a") == first
    assert two.runs.renew(first)


def test_who_lost_its_claim_can_neither_finish_nor_offer_nor_renew(two, made):
    """SIGSTOPped past its lease, then woken: the run is another process's by now."""
    slept = made.claim(two, "d1")
    taken_over = made.claim(two, "d1", wall=made.NOW + LEASE)

    assert not two.runs.is_claimed(slept) and two.runs.is_claimed(taken_over)
    assert not two.runs.renew(slept)
    with pytest.raises(Refused, match="its lease ended"):
        two.runs.finish(slept, outcome="registered", version="3", ended_at=made.NOW)
    with pytest.raises(Refused, match="its lease ended"):
        two.offers.record(slept, "d1", "3")
    assert two.offers.record(taken_over, "d1", "4") == "4"
    assert two.offers.record(slept, "d1", "3") == "4"  # it learns which one was offered
    two.runs.finish(taken_over, outcome="registered", version="4", ended_at=made.NOW)
    assert [(u.outcome, u.version) for u in two.runs.of("price")] == [("registered", "4")]


def test_finishing_by_who_lost_the_claim_is_refused_even_with_the_same_outcome(two, made):
    """It would announce the version a second time."""
    slept = made.claim(two, "d1")
    taken_over = made.claim(two, "d1", wall=made.NOW + LEASE)
    two.runs.finish(taken_over, outcome="registered", version="4", ended_at=made.NOW)

    two.runs.finish(taken_over, outcome="registered", version="4", ended_at=made.NOW)
    with pytest.raises(Refused, match="its lease ended"):
        two.runs.finish(slept, outcome="registered", version="4", ended_at=made.NOW)


def test_a_dead_run_of_the_background_does_not_keep_a_decision_that_fires_waiting(two, made):
    """Nobody takes it up again: its look started no run."""
    two.decisions.record(made.decided("quiet", action="hold"), [], live=True)
    behind = made.claim(two, "quiet")

    assert made.claim(two, "d1") is None
    fires = made.claim(two, "d1", dead={behind.holder})
    assert (fires.number, fires.decision) == (2, "d1")
    assert [u.outcome for u in two.runs.of("price")] == ["abandoned", "running"]
    assert made.claim(two, "d2", wall=made.NOW + LEASE) is None  # whose decision fires is taken up by its own repeat


def test_a_lease_that_ended_is_still_the_holders_while_nobody_else_took_it(two, made):
    slept = made.claim(two, "d1", wall=datetime(2020, 1, 1))  # by the database's clock it ended long ago

    assert not two.claims.find("price").held
    assert two.runs.renew(slept) and two.claims.find("price").held
    assert two.offers.record(slept, "d1", "3") == "3"
    two.runs.finish(slept, outcome="registered", version="3", ended_at=made.NOW)


def test_a_version_is_either_offered_or_taken_back(two, made):
    run = made.claim(two, "d1")

    assert two.offers.withdraw("price", "d1", "2", run.holder)
    assert two.offers.withdraw("price", "d1", "2", "again")
    with pytest.raises(Refused, match="v2 of price was taken back"):
        two.offers.record(run, "d1", "2")
    assert two.offers.record(run, "d1", "3") == "3"
    assert not two.offers.withdraw("price", "d1", "3", run.holder)
    assert two.offers.of("price") == {"d1": "3"}


def test_leases_are_judged_by_the_databases_clock_not_by_the_machines(two, made):
    """Three machines' clocks differ by minutes."""
    run = two.runs.claim(model="price", decision="d1", at=made.NOW, run=None, abandon_after=timedelta(hours=2))
    [update] = two.runs.of("price")
    there = datetime.now(UTC).replace(tzinfo=None)

    assert abs(update.claimed_at - there) < timedelta(minutes=1)
    assert two.claims.find("price").held and two.claims.find("price").holder == run.holder
    assert two.runs.claim(model="price", decision="d1", at=made.NOW, run=None, abandon_after=timedelta(hours=2)) is None


def test_one_process_at_a_time_makes_the_first_version(two):
    assert two.claims.claim_first("price", "a")
    assert two.claims.claim_first("price", "a")
    assert not two.claims.claim_first("price", "b")
    assert two.claims.claim_first("bike", "b")
    two.claims.release_first("price", "b")
    assert not two.claims.claim_first("price", "b")
    assert two.claims.claim_first("price", "c", dead={"a"})
    two.claims.release_first("price", "c")
    assert two.claims.claim_first("price", "b")


def test_a_decision_whose_run_has_ended_does_not_train_again(two, made):
    two.runs.finish(made.claim(two, "d1"), outcome="registered", version="4", ended_at=made.NOW)
    late = made.NOW + timedelta(days=1)

    assert (made.claim(two, "d1", wall=late).outcome, made.claim(two, "d1", wall=late).version) == ("registered", "4")
    made.claim(two, "d2", wall=late)
    assert made.claim(two, "d1", wall=late).outcome == "registered"
    assert len(two.runs.of("price")) == 2


def test_a_run_given_up_lets_the_next_start_and_can_no_longer_finish(two, made):
    """Fencing: the first process may only have been slow, and must not register over the second."""
    slow = made.claim(two, "d1")
    assert made.claim(two, "d2", wall=made.NOW + timedelta(minutes=119)) is None
    fresh = made.claim(two, "d2", wall=made.NOW + timedelta(hours=2))

    assert (fresh.number, fresh.decision) == (2, "d2")
    assert not two.runs.is_claimed(slow)
    with pytest.raises(Refused, match=r"training run 1 of price \(decision d1\) was given up and cannot end"):
        two.runs.finish(slow, outcome="registered", version="4", ended_at=made.NOW)
    assert [(u.outcome, u.version) for u in two.runs.of("price")] == [("abandoned", None), ("running", None)]
    assert "a run is given up after 2h" in two.runs.of("price")[0].evidence.reason


def test_a_decision_whose_own_run_was_given_up_starts_anew(two, made):
    slow = made.claim(two, "d1")
    anew = made.claim(two, "d1", wall=made.NOW + timedelta(hours=3))

    assert (anew.number, anew.outcome) == (2, None)
    assert not two.runs.is_claimed(slow)
    assert two.runs.is_claimed(anew)


def test_finishing_again_changes_nothing_but_finishing_otherwise_is_refused(two, made):
    run = made.claim(two, "d1")
    gain = {"value": np.float64(0.5), "low": -math.inf, "high": math.nan}
    gate = {"metric": "mae", "strata": [{"name": "recent", "verdict": "passed", "gain": gain}]}
    evidence = RunRecord.model_validate({"missed_rows": np.int64(3), "attempts": [{"strategy": "warm", "gate": gate}]})
    for rows in (10, 99):
        two.runs.finish(
            run,
            outcome="registered",
            version="4",
            evidence=evidence,
            cpu_seconds=1.25,
            rows=rows,
            watermark=made.NOW,
            ended_at=made.NOW + timedelta(minutes=3),
        )
    [update] = two.runs.of("price")

    assert (update.rows, update.cpu_seconds, update.watermark) == (10, 1.25, made.NOW)
    assert update.ended_at == made.NOW + timedelta(minutes=3)
    assert (update.evidence.missed_rows, update.evidence.gain) == (3, 0.5)
    kept = update.evidence.attempts[0].gate
    assert kept is not None
    assert kept.strata[0].gain is not None
    assert kept.strata[0].gain.low == -math.inf
    assert kept.model_dump()["metric"] == "mae"  # what only the gate knows is kept as it is
    with pytest.raises(Refused, match="has ended as 'registered' and cannot end as 'failed' too"):
        two.runs.finish(run, outcome="failed", ended_at=made.NOW)


def test_nothing_starts_before_its_decision_is_written_down(two, made):
    with pytest.raises(Refused, match="decision d9 is not in the ledger"):
        made.claim(two, "d9")
    with pytest.raises(Refused, match="decision d1 is about model price"):
        made.claim(two, "d1", model="bike")
    assert two.runs.of("price") == []


def test_what_never_took_off_cannot_land(two, made):
    run = made.claim(two, "d1").model_copy(update={"number": 7})

    assert not two.runs.is_claimed(run)
    with pytest.raises(Refused, match="was never claimed"):
        two.runs.finish(run, outcome="failed", ended_at=made.NOW)


def test_decision_time_and_wall_time_are_both_kept(two, made):
    wall = datetime(2031, 1, 1)
    made.claim(two, "d1", wall=wall)
    [update] = two.runs.of("price")

    assert (update.at, update.claimed_at, update.run, update.outcome) == (made.NOW, wall, "r", "running")
