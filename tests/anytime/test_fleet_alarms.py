"""False alarms over a fleet stay within their bound, and harm that comes late is found."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import false_discovery_control

from ratoon.anytime.fleet import ALPHA, HarmEvidence, _log_sum, e_bh, needed

VALUES = st.lists(st.floats(0.0, 1e6), max_size=30)


def after(harms: list[float]) -> HarmEvidence:
    process = HarmEvidence()
    for harm in harms:
        process = process.look(harm)
    return process


def test_a_healthy_model_seldom_reaches_twenty_however_often_it_is_looked_at() -> None:
    rng = np.random.default_rng(0)
    reached = 0
    for losses in rng.standard_normal((400, 150)):
        process = HarmEvidence()
        for loss in losses:
            process = process.look(float(loss))
            if process.e_value >= 1 / ALPHA:
                reached += 1
                break
    assert reached / 400 <= ALPHA


def test_harm_after_a_hundred_healthy_looks_is_found_within_fifteen() -> None:
    rng = np.random.default_rng(1)
    process = after(list(rng.standard_normal(100)))
    assert process.e_value < 20
    assert after([*rng.standard_normal(100), *(2 + rng.standard_normal(15))]).e_value > 1000


def test_one_look_however_bad_is_no_alarm_by_itself() -> None:
    assert after([50.0]).e_value < 1 / ALPHA


def test_no_look_is_no_evidence() -> None:
    assert HarmEvidence().e_value == 1.0


def test_the_alarms_are_those_of_the_largest_e_values_that_bear_one_another_out() -> None:
    assert e_bh({}) == frozenset()
    assert e_bh({"a": 19.0}) == frozenset()
    assert e_bh({"a": 20.0}) == {"a"}
    # Two of four: 4 / (.05 * 2) = 40, where one alone would need 80.
    assert e_bh({"a": 45.0, "b": 41.0, "c": 1.0, "d": 0.1}) == {"a", "b"}
    assert e_bh({"a": 79.0, "b": 39.0, "c": 1.0, "d": 0.1}) == frozenset()


@given(VALUES, st.floats(0.0, 1e6))
def test_what_a_model_needs_beside_the_others_decides_as_the_whole_fleet_does(others: list[float], own: float) -> None:
    fleet = {str(number): value for number, value in enumerate(others)} | {"own": own}
    assert ("own" in e_bh(fleet)) == (own >= needed(others))


@given(VALUES)
def test_alarms_are_those_of_benjamini_and_hochberg_on_inverse_e_values(found: list[float]) -> None:
    """Our own, and a sum of logarithms with it, because `status` shall load neither numpy nor scipy."""
    values = {str(n): value for n, value in enumerate(found)}
    p = [1.0 if value <= 1 else 1 / value for value in found]
    adjusted = false_discovery_control(p, method="bh") if p else []

    clear = [abs(each / ALPHA - 1) > 1e-9 for each in adjusted]  # at the very limit rounding decides
    alarms = e_bh(values, ALPHA)
    assert all(
        (name in alarms) == (each <= ALPHA) for (name, each, ok) in zip(values, adjusted, clear, strict=True) if ok
    )


@given(st.floats(-700, 700), st.floats(-700, 700))
def test_sums_of_logarithms_are_numpys(a: float, b: float) -> None:
    assert _log_sum(a, b) == pytest.approx(float(np.logaddexp(a, b)), rel=1e-12, abs=1e-12)
