"""What strategies earn by their trials: which leads, what promoting it would gain, and when each is tried again."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest

from ratoon.policy.strategies.credits import (
    CALM,
    LONGEST,
    REFERENCE,
    Effort,
    best_gain,
    due,
    gain_of,
    leading,
    losses,
    older_gained,
    reference_of,
    tried,
)
from ratoon.spec.values import EARLIER, History, PastDecision, Trial

START = datetime(2026, 1, 1)
WEEK = timedelta(days=7)


def trial(strategy: str, gain: float, role: Any = "champion", *, error: float = 0.01, against: str = "1") -> Trial:
    return Trial(
        strategy=strategy, version="9", role=role, against=against, rows=500, telling=200, gain=gain, variance=error**2
    )


def look(number: int, *trials: Trial, verdict: Any = "healthy", champion: str = "1", leader: str | None = None) -> Any:
    return PastDecision(
        id=f"d{number}", at=START + number * WEEK, action="hold", verdict=verdict, facts={"n": number},
        champion=champion, trials=trials, leader=leader,
    )  # fmt: skip


def history(*looks: PastDecision, now: tuple[Trial, ...] = (), champion: str = "1", leader: str = "warm") -> History:
    return History(model="m", champion=champion, decisions=looks, trials=now, leader=leader)


def test_nothing_is_known_before_the_first_trial() -> None:
    assert gain_of(history(), "warm") is None
    assert best_gain(history()) is None
    assert leading(history(), "warm") == "warm"


def test_a_gain_that_lasts_is_proven_and_one_that_is_noise_is_not() -> None:
    lasts = history(*(look(n, trial("warm", 0.03)) for n in range(4)))
    noise = history(*(look(n, trial("warm", 0.03 * (-1) ** n)) for n in range(4)))
    proven, open_ = gain_of(lasts, "warm"), gain_of(noise, "warm")
    assert proven is not None
    assert open_ is not None
    assert proven.proven
    assert proven.value == pytest.approx(0.03)
    assert not open_.proven


def test_on_looks_without_any_gain_hardly_one_in_twenty_proves_one() -> None:
    """A stream without change, looked at 40 times in each of 60 runs."""
    rng, fired = np.random.default_rng(0), 0
    for _ in range(60):
        looks = [look(n, trial("warm", float(rng.normal(0, 0.01)))) for n in range(40)]
        for n in range(1, 41):
            gain = gain_of(history(*looks[:n]), "warm")
            fired += gain is not None and gain.proven
    assert fired <= 60 * 40 / 20


def test_trials_on_broken_data_count_for_nothing() -> None:
    broken = history(*(look(n, trial("warm", 0.5), verdict="broken_data") for n in range(4)))
    assert gain_of(broken, "warm") is None


def test_trials_against_a_champion_of_before_say_nothing_of_the_present_one() -> None:
    old = history(*(look(n, trial("warm", 0.5, against="1")) for n in range(3)), champion="2")
    assert gain_of(old, "warm") is None


def test_the_record_of_refreshes_proves_what_no_single_refresh_can() -> None:
    """Each version gains little over the champion of a look ago, and much over that of some looks ago."""
    looks = [look(n, trial("warm", 0.002), trial("warm", 0.06, "reference", against="1")) for n in range(6)]
    gain = gain_of(history(*looks), "warm")
    assert gain is not None
    assert (gain.by, gain.proven) == ("record", True)


def test_the_record_is_silent_while_refreshes_have_not_paid() -> None:
    """The champion before was better than its successor, on the whole: what promoted that one asks for no other."""
    won = trial("warm", 0.06, "reference", against="1")

    def former(gain: float) -> Trial:
        return Trial(
            strategy=EARLIER, version="1", role="champion", against="5", rows=500, telling=200, gain=gain, variance=1e-4
        )

    paid = history(*(look(n, won, former(-0.02)) for n in range(6)))
    not_paid = history(*(look(n, won, former(0.02)) for n in range(6)))
    once = history(*(look(n, won, former(-0.02)) for n in range(5)), look(6, won, former(0.02)))
    assert [gain_of(each, "warm") is not None for each in (paid, not_paid, once)] == [True, False, True]


def test_another_strategy_leads_once_it_was_better_on_the_same_rows_and_until_it_no_longer_is() -> None:
    better = [look(n, trial("scratch", 0.02, "background")) for n in range(3)]
    assert leading(history(*better), "warm") == "scratch"
    slightly = look(9, trial("scratch", 0.01, "background"), leader="scratch")
    assert leading(history(slightly), "warm") == "scratch", "it led before"
    assert leading(history(look(9, trial("scratch", 0.01, "background"))), "warm") == "warm", "it did not"
    worse = look(9, trial("scratch", -0.02, "background"), leader="scratch")
    assert leading(history(worse), "warm") == "warm"


def test_what_older_versions_would_have_gained_later_is_known_look_by_look() -> None:
    """The gate prices by it what a candidate lost on older rows: without, such rows would come back as often as not."""
    candidate = trial("warm", 0.05)  # version 9 against version 1
    former = Trial(
        strategy=EARLIER, version="1", role="champion", against="5", rows=500, telling=200, gain=0.05, variance=1e-4
    )
    assert older_gained(history()) == ()
    assert older_gained(history(look(1, trial("warm", -0.02)), now=(candidate,))) == (0.02, -0.05)
    assert older_gained(history(look(1, candidate, former), look(2, former))) == (0.05, 0.05), "it speaks first"
    assert older_gained(history(look(1, former, verdict="broken_data"))) == ()


def test_newer_trials_weigh_more_than_older_ones() -> None:
    turned = [*(look(n, trial("scratch", 0.02, "background")) for n in range(5))]
    turned += [look(n, trial("scratch", -0.03, "background")) for n in range(20, 25)]
    assert leading(history(*turned), "warm") == "warm"


def test_the_gain_that_is_proven_speaks_where_the_leaders_is_not() -> None:
    looks = [look(n, trial("scratch", -0.01), trial("warm", 0.03)) for n in range(4)]
    gain = best_gain(history(*looks, leader="scratch"))
    assert gain is not None
    assert gain.strategy == "warm"


def test_a_tolerance_takes_what_is_too_small_for_none() -> None:
    looks = [look(n, trial("warm", 0.03)) for n in range(4)]
    gain = best_gain(history(*looks), floor=0.1)
    assert gain is not None
    assert gain.low < 0.1


@pytest.mark.parametrize(
    ("effort", "every_look", "urgent", "tries"),
    [
        (Effort(None), False, False, True),  # never tried
        (Effort(1), False, False, True),  # it won last time
        (Effort(1, losses=2), False, False, False),
        (Effort(4, losses=2), False, False, True),
        (Effort(2, losses=2), False, True, True),  # harm that stays halves the gap
        (Effort(4, losses=2, dear=True), False, False, False),
        (Effort(LONGEST, losses=30), False, False, True),  # nothing is given up for good
        (Effort(CALM, losses=30), True, False, True),
        (Effort(1, judged=False), True, False, False),  # no rows have told what it made
        (Effort(CALM - 1, judged=False), False, True, False),
        (Effort(CALM, judged=False), False, False, True),
        (Effort(1, judged=False), True, True, True),  # what is served fell
        (Effort(CALM - 1, losses=30), True, False, False),
    ],
)
def test_gaps_double_while_a_strategy_loses(effort: Effort, every_look: bool, urgent: bool, tries: bool) -> None:
    assert due(effort, every_look=every_look, urgent=urgent) is tries


def test_losses_are_counted_back_to_the_last_win() -> None:
    looks = [look(n, trial("scratch", gain, "background")) for n, gain in enumerate((-0.1, 0.1, -0.1, -0.1))]
    assert losses(tried(history(*looks)), "scratch", background=False) == 2
    assert losses(tried(history(*looks)), "warm", background=True) == 0


def test_the_reference_is_the_champion_of_some_looks_ago() -> None:
    looks = [look(n, champion=str(1 + n)) for n in range(20)]
    assert reference_of(history(*looks), "21") == str(21 - REFERENCE)
    assert reference_of(history(*looks[:3]), "1") is None, "the same serves since the first look"
