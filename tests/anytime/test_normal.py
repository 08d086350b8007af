"""An interval that is looked at after every row leaves out a gain of zero as seldom as it promises."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ratoon.anytime.normal import EVENT_FLOOR, Running, radius
from ratoon.data.metrics.terms import Terms

from . import nulls

ALPHA = 0.05


def excluded(rows, look):
    """Whether any look at *rows*, after every *look* of them, leaves zero out."""
    running = Running()
    for start in range(0, len(rows), look):
        part = rows[start : start + look]
        found = Terms(float(part.mean()), part, int(np.count_nonzero(part)))
        running = running.add(len(part), found.value, found.variance() if look > 1 else math.nan, found.telling)
        low, high = running.interval(ALPHA)
        if low > 0 or high < 0:
            return True
    return False


def rate(make, runs, n, look):
    rng = np.random.default_rng(13)
    return sum(excluded(make(rng, n), look) for _ in range(runs)) / runs


@pytest.mark.parametrize(
    ("make", "look"),
    [
        (nulls.hits, 1),
        (nulls.hits, 20),
        (nulls.heavy, 1),
        (nulls.heavy, 20),
        (nulls.rare, 1),
        (nulls.rare, 100),
        (nulls.following, 100),
        (nulls.following, 500),
    ],
)
def test_no_gain_is_seldom_seen_however_often_one_looks(make, look):
    """At most alpha; two standard errors of 100 runs are .044, of 40 .07."""
    runs, noise = (40, 0.07) if look == 1 else (100, 0.044)
    assert rate(make, runs, 2500, look) <= ALPHA + noise


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make", "look"),
    [
        (nulls.hits, 1),
        *(
            pytest.param(*each, marks=pytest.mark.long)
            for each in ((nulls.heavy, 1), (nulls.rare, 1), (nulls.following, 100), (nulls.following, 500))
        ),
    ],
)
def test_nor_over_a_long_time(make, look):
    """Two standard errors of 200 runs are .03."""
    assert rate(make, 200, 6000, look) <= ALPHA + 0.03


def test_the_first_events_say_nothing():
    """Before 25 telling rows there is no word, however large the gain."""
    running = Running().add(24, 1.0, 0.0, EVENT_FLOOR - 1)
    assert running.interval(ALPHA) == (-math.inf, math.inf)
    assert running.add(1, 1.0, 0.0, 1).interval(ALPHA) == (1.0, 1.0)


def test_a_gain_is_found_and_the_interval_shrinks():
    rng = np.random.default_rng(0)
    running, widths = Running(), []
    for _ in range(40):
        part = rng.normal(0.2, 1, 100)
        running = running.add(100, part.mean(), part.var(ddof=1) / 100, 100)
        low, high = running.interval(ALPHA)
        widths.append(high - low)
    assert low > 0
    assert low < 0.2 < high
    assert widths[-1] < widths[10] < widths[0]


def test_looks_add_up_whatever_their_size():
    """Two looks are as one of all their rows, but for the variance between them."""
    rows = np.random.default_rng(1).normal(size=300)
    parts = [rows[:100], rows[100:]]
    running = Running()
    for part in parts:
        running = running.add(len(part), part.mean(), part.var() / len(part), len(part))
    assert running.mean == pytest.approx(rows.mean())
    assert running.variance == pytest.approx(sum(part.var() * len(part) for part in parts))


def test_the_boundary_is_tightest_at_the_planned_variance():
    """A plan for more or less is wider there, and so is every other rho."""
    at = [radius(100.0, rows=100, alpha=ALPHA, planned=planned) for planned in (10, 50, 90, 100, 110, 200, 1000)]
    assert min(at) == at[3]


def test_the_boundary_is_the_published_one():
    """Waudby-Smith et al., equation 6, with rho in rows for a unit variance."""
    n, planned = 500.0, 1000.0
    rho = min(np.geomspace(1, 10_000, 20_001), key=lambda r: (planned + r) * math.log((planned + r) / (r * ALPHA**2)))
    expected = math.sqrt((n + rho) * math.log((n + rho) / (rho * ALPHA**2))) / n
    assert radius(n, rows=n, alpha=ALPHA, planned=planned) == pytest.approx(expected, rel=1e-4)


def test_looks_that_differ_more_than_their_rows_widen_the_interval():
    """Every look has its own weather: the rows of each agree, the looks do not."""
    calm, stormy = Running(), Running()
    for look in range(12):
        calm = calm.add(100, 0.1, 0.0001, 100)
        stormy = stormy.add(100, 0.1 + 0.3 * (-1) ** look, 0.0001, 100)
    assert stormy.spread > 100 * calm.spread
    assert stormy.interval(ALPHA)[0] < 0 < calm.interval(ALPHA)[0]


def test_looks_without_rows_or_value_add_nothing():
    running = Running().add(100, 0.1, 0.001, 50)
    assert running.add(0, 0.1, 0.1, 0) == running
    assert running.add(10, math.nan, 0.1, 0) == running
    assert math.isnan(Running().mean)


@pytest.mark.parametrize("wrong", [{"alpha": 0.0}, {"alpha": 1.0}, {"planned": 0.0}, {"rows": 0.0}])
def test_what_no_boundary_can_be_made_of_is_refused(wrong):
    with pytest.raises(ValueError, match="expected"):
        radius(1.0, **{"rows": 10.0, "alpha": 0.05, "planned": 10.0, **wrong})
