"""Rungs that are passed over: by what the gate said of them before, and by what may still be spent."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pandas as pd
import pytest

from ratoon.models.attempt import Attempt
from ratoon.models.gate import Gain, GateResult, Stratum
from ratoon.models.outlook import Outlook, early, expected, resting
from ratoon.models.race import climb, first


def judged(
    rung: Any, verdict: Any, *, gain: float = -1.0, rows: int = 100, cpu: float = 1.0, anchor: Any = "passed"
) -> Attempt:
    recent = Stratum(
        name="recent",
        rows=50,
        gain=Gain(value=gain, low=gain - 1, high=gain + 1),
        needed="better",
        verdict=verdict,
        reason="because",
        refuted=gain < 0,
    )
    older = Stratum(name="anchor", rows=50, needed="margin", verdict=anchor, reason="because", refuted=False)
    gate = GateResult(metric="mae", confidence=0.95, strata=(recent, older))
    return Attempt(rung=rung, rows=rows, cpu_seconds=cpu, gate=gate)


def rested(rung: Any) -> Attempt:
    return Attempt(rung=rung, skipped=True, error="it rests")


REFUSED, PASSED = judged("warm", "refused"), judged("warm", "passed", gain=1.0)
PROMISING = judged("warm", "refused", gain=0.5)


@pytest.mark.parametrize(
    ("climbs", "rests"),
    [
        ([], False),
        ([REFUSED] * 2, False),
        ([REFUSED] * 3, True),
        ([REFUSED] * 3 + [rested("warm")], False),  # one climb of rest, then another try
        ([REFUSED] * 3 + [rested("warm"), REFUSED], True),
        ([REFUSED] * 3 + [rested("warm"), REFUSED, rested("warm")], True),  # the second rest is twice as long
        ([REFUSED] * 3 + [rested("warm"), REFUSED, rested("warm"), rested("warm")], False),
        ([REFUSED] * 3 + [PASSED], False),
        ([REFUSED, PASSED, REFUSED, REFUSED], False),
        ([PROMISING] * 5, False),
        ([REFUSED] * 3 + [judged("scratch", "passed")] * 2, True),  # climbs that never came to it are no rest
    ],
)
def test_a_rung_that_loses_rests_and_is_tried_again(climbs: list[Attempt], rests: bool) -> None:
    assert ("warm" in resting(["warm"], [[each] for each in climbs])) is rests


def test_a_rung_from_scratch_rests_after_its_first_refusal() -> None:
    lost = judged("scratch", "refused")
    assert "scratch" in resting(["scratch"], [[lost]])
    assert "scratch" not in resting(["scratch"], [[lost], [rested("scratch")]])
    assert "scratch" in resting(["scratch"], [[lost], [rested("scratch")], [lost], [rested("scratch")]])


REPLAY_REFUSED, SCRATCH_REFUSED = judged("warm_replay", "refused"), judged("scratch", "refused")
MAY_FORGET = judged("warm", "passed", gain=1.0, anchor="refused")
SCRATCH_PASSED = judged("scratch", "passed", gain=1.0)


@pytest.mark.parametrize(
    ("climbs", "too_early"),
    [
        ([], True),
        ([[REFUSED, REPLAY_REFUSED]], True),  # two rungs of one climb are one loss
        ([[REFUSED], [REFUSED]], False),  # and the one that is climbed now is the third
        ([[REFUSED], [rested("warm")], [REFUSED]], False),  # a rest is no answer
        ([[REFUSED], [REFUSED], [PROMISING]], True),
        ([[MAY_FORGET], [MAY_FORGET]], False),  # no time will tell
        ([[REFUSED], [REFUSED, judged("warm_replay", "passed", gain=1.0)]], True),
        ([[SCRATCH_REFUSED], [SCRATCH_REFUSED]], True),
        ([[REFUSED], [REFUSED], [REFUSED, SCRATCH_PASSED]], True),  # the champion to continue is another since
    ],
)
def test_scratch_waits_until_the_rungs_that_continue_lost_three_climbs_in_a_row(
    climbs: list[list[Attempt]], too_early: bool
) -> None:
    assert (early(climbs, 3) is not None) is too_early
    assert early(climbs, 1) is None


def test_a_rung_never_rests_for_more_than_eight_climbs() -> None:
    climbs = [[REFUSED]] * 30
    assert "warm" in resting(["warm"], climbs + [[rested("warm")]] * 7)
    assert "warm" not in resting(["warm"], climbs + [[rested("warm")]] * 8)


def test_what_a_rung_should_take_is_what_a_row_took_last_time() -> None:
    climbs = [[judged("scratch", "refused", rows=100, cpu=9.0)], [judged("scratch", "refused", rows=200, cpu=4.0)]]
    assert expected(climbs, {"scratch": 1000, "warm": 10}) == {"scratch": 20.0}


def test_the_budget_forbids_the_rung_that_would_pass_it() -> None:
    outlook = Outlook(expected={"scratch": 20.0}, budget=10.0)
    assert outlook.over("warm", 1.0) is None
    assert "about 20.00 CPU s, and 9.00 are left" in (outlook.over("scratch", 1.0) or "")
    assert "budget is spent" in (outlook.over("warm", 10.0) or "")


def test_a_rung_that_rests_is_recorded_with_the_reason_and_costs_nothing(make_spec: Any, make_rows: Any) -> None:
    spec = make_spec("sgd_regression", "regression", learner={"epochs": 20}, gate={"anchor": {"margin": 50.0}})
    old, new = make_rows(300, "regression"), make_rows(300, "regression", start=300, shift=0.5)
    race = climb(
        first(spec, old)[0],
        spec,
        unlearned=new,
        scratch=lambda since: pd.concat([old, new]),
        recent=make_rows(150, "regression", start=700, shift=0.5, holdout=True),
        anchor=make_rows(150, "regression", start=8000, holdout=True),
        outlook=Outlook(resting={"warm": "the gate refused it 3 times in a row"}),
    )
    assert race.attempts[0].skipped
    assert (race.attempts[0].rows, race.attempts[0].cpu_seconds) == (0, 0.0)
    assert race.attempts[1].rung == "warm_replay"
    assert race.winner is not None
    assert race.winner.state.rung == "warm_replay"


def test_a_race_for_study_runs_every_rung_and_takes_the_cheapest_that_passed(make_spec: Any, make_rows: Any) -> None:
    spec = make_spec(
        "sgd_regression", "regression", learner={"epochs": 20, "race": "all"}, gate={"anchor": {"margin": 50.0}}
    )
    old, new = make_rows(300, "regression"), make_rows(300, "regression", start=300, shift=0.5)
    race = climb(
        first(spec, old)[0],
        spec,
        unlearned=new,
        scratch=lambda since: pd.concat([old, new]),
        recent=make_rows(150, "regression", start=700, shift=0.5, holdout=True),
        anchor=make_rows(150, "regression", start=8000, holdout=True),
    )
    assert {"warm", "warm_replay", "scratch"} <= {a.rung for a in race.attempts if a.gate}
    assert race.winner is not None
    assert race.winner.state.rung == "warm"
    assert race.rows == 300  # the winner's, not those of the last rung that ran


@pytest.mark.parametrize("since", [None, datetime(2025, 1, 1, tzinfo=UTC)])
@pytest.mark.parametrize("broken", [False, True])
def test_scratch_is_passed_over_while_it_is_early_unless_nothing_can_continue(
    make_spec: Any, make_rows: Any, broken: bool, since: datetime | None
) -> None:
    """A champion that cannot go on at all, here for a new feature, has nothing to wait for; a fit from scratch on
    recent rows that lost is no rung that continued."""
    spec = make_spec("sgd_regression", "regression", learner={"epochs": 20}, gate={"anchor": {"margin": 50.0}})
    old, new = make_rows(300, "regression"), make_rows(300, "regression", start=300, shift=0.5)
    recent = make_rows(150, "regression", start=700, holdout=True)  # the new relation is already over
    more = {"extra": 1.0} if broken else {}
    race = climb(
        first(spec, old)[0],
        spec,
        unlearned=new.assign(**more),
        scratch=lambda since: pd.concat([old, new]).assign(**more),
        recent=recent.assign(**more),
        anchor=make_rows(150, "regression", start=8000, holdout=True).assign(**more),
        recent_since=since,
        outlook=Outlook(early="it would be early"),
    )
    last = race.attempts[-1]
    assert last.rung == "scratch"
    assert (last.skipped, last.cpu_seconds > 0) == (not broken, broken)
    assert last.error == (None if broken else "it would be early")
