"""Bets keep their promise exactly, and find a rare loss that the normal limit is no guide to."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ratoon.anytime.betting import Bets

from . import nulls

ALPHA = 0.05


def evidence(rows, look):
    """Whether any look leaves zero out, by the interval or by an e-value above 1 / alpha."""
    bets, out, won = Bets.begin(ALPHA), False, False
    for start in range(0, len(rows), look):
        bets = bets.add(rows[start : start + look])
        low, high = bets.interval()
        out = out or low > 0 or high < 0
        won = won or max(bets.log_gain, bets.log_loss) > math.log(2 / ALPHA)
    return out, won


def rates(make, runs, n, look):
    rng = np.random.default_rng(17)
    found = [evidence(make(rng, n), look) for _ in range(runs)]
    return [sum(each) / runs for each in zip(*found, strict=True)]


@pytest.mark.parametrize(("make", "look"), [(nulls.hits, 50), (nulls.rare, 50), (nulls.rare_and_skewed, 50)])
def test_no_gain_is_seldom_seen(make, look):
    """At most alpha; two standard errors of 100 runs are .044."""
    assert max(rates(make, 100, 2000, look)) <= ALPHA + 0.044


@pytest.mark.slow
@pytest.mark.parametrize(
    "make", [nulls.rare, *(pytest.param(each, marks=pytest.mark.long) for each in (nulls.hits, nulls.rare_and_skewed))]
)
def test_nor_after_every_row(make):
    """Two standard errors of 80 runs are .05."""
    assert max(rates(make, 80, 2000, 1)) <= ALPHA + 0.05


def test_a_rare_loss_is_found():
    """Lost on 3 rows in 100, gained on none."""
    rows = -(np.random.default_rng(0).uniform(size=3000) < 0.03).astype(float)
    bets = Bets.begin(ALPHA).add(rows)
    low, high = bets.interval()
    assert low < -0.03 < high < 0
    assert bets.log_loss > math.log(1 / ALPHA)
    assert bets.log_gain < 0


def test_in_one_go_or_row_by_row_is_the_same():
    rows = nulls.hits(np.random.default_rng(3), 300)
    whole, single = Bets.begin().add(rows), Bets.begin()
    for each in rows:
        single = single.add(np.asarray([each]))
    assert np.allclose(whole.up, single.up)
    assert np.allclose(whole.down, single.down)
    assert whole.interval() == single.interval()


def test_before_the_first_row_everything_is_possible():
    assert Bets.begin().interval() == (-1.0, 1.0)
    assert math.isnan(Bets.begin().mean)
    assert Bets.begin().log_gain == 0


def test_the_extremes_are_survived():
    """A thousand wins in a row, then a loss."""
    bets = Bets.begin().add(np.ones(1000)).add(-np.ones(1))
    low, high = bets.interval()
    assert np.isfinite(bets.up[:-1]).all() and np.isfinite(bets.down[1:]).all()
    assert 0.9 < low <= high <= 1


def test_gains_beyond_one_are_refused():
    with pytest.raises(ValueError, match="scale"):
        Bets.begin().add(np.asarray([1.5]))
    with pytest.raises(ValueError, match="scale"):
        Bets.begin().add(np.asarray([np.nan]))
    with pytest.raises(ValueError, match="alpha"):
        Bets.begin(1.5)
