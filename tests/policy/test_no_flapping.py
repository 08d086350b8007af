"""Noise around a threshold changes the verdict rarely, and never more often than without hysteresis."""

from __future__ import annotations

import random
from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st

from ratoon.policy.decide import decide

from .lived import few, looked

noise = st.lists(st.floats(-1, 1), min_size=2, max_size=40)
dice = random.Random(7)
coin = [dice.uniform(-1, 1) for _ in range(40)]


def verdicts(made, windows, *, remembers):
    """The verdict of each window, by one that remembers the windows before or by one that does not."""
    policy, past, found = made.policy(), [], []
    for number, signals in enumerate(windows):
        history = made.history(decisions=tuple(past) if remembers else ())
        now = made.NOW.replace(hour=number % 24, day=1 + number // 24)
        decision = decide(signals, history, policy, now, model="price", window=made.WINDOW)
        past.append(looked(decision))
        found.append(decision.triage.verdict)
    return found


def changes(found):
    return sum(one != other for one, other in pairwise(found))


def shifting(made, noise, width):
    """Drift shares of 0.3 give or take *width* around a threshold of 0.3, performance sound."""
    return [
        [
            s.model_copy(update={"value": 0.3 + width * n, "status": "fail" if n >= 0 else "ok"})
            if s.metric == "drift_share"
            else s
            for s in made.sound()
        ]
        for n in noise
    ]


def losing(made, noise, width):
    """A drop whose lower end wavers around the tolerance of 0.02; it is 0.015 below the drop itself."""
    lows = [0.02 + width * n for n in noise]
    return [
        made.sound(value=low + 0.015, low=low, high=low + 0.03, threshold=0.02, status="fail" if low > 0.02 else "ok")
        for low in lows
    ]


@few
@given(noise)
@example(coin)
def test_a_shift_within_the_band_changes_once(made, noise):
    found = verdicts(made, shifting(made, noise, 0.05), remembers=True)

    assert changes(found) <= 1


@few
@given(noise)
@example(coin)
def test_a_loss_that_wavers_around_the_tolerance_changes_once(made, noise):
    found = verdicts(made, losing(made, noise, 0.01), remembers=True)

    assert changes(found) <= 1


@few
@given(noise, st.floats(0.05, 0.3))
def test_hysteresis_never_adds_a_change(made, noise, width):
    for windows in (shifting(made, noise, width), losing(made, noise, width)):
        with_memory = changes(verdicts(made, windows, remembers=True))

        assert with_memory <= changes(verdicts(made, windows, remembers=False))


def test_on_a_noisy_threshold_the_verdict_changes_a_tenth_as_often(made):
    for windows in (shifting(made, coin, 0.05), losing(made, coin, 0.01)):
        assert changes(verdicts(made, windows, remembers=True)) == 1
        assert changes(verdicts(made, windows, remembers=False)) >= 10
