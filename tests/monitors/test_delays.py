"""Labels that come early: whether they are like the others, told by an effect that does not grow with the rows."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from ratoon.monitors.labels.delays import delay_bias

DAY = timedelta(days=1)


def rows(target: np.ndarray, days: np.ndarray) -> pd.DataFrame:
    at = pd.Series(pd.date_range(datetime(2026, 1, 1), periods=len(target), freq="15min")).astype("datetime64[us]")
    return pd.DataFrame({"_time": at, "_label_time": at + pd.to_timedelta(days, unit="D"), "_target": target})


def made(n: int, seed: int = 0) -> tuple[np.random.Generator, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng, (rng.uniform(size=n) < 0.2).astype(int)


@pytest.mark.parametrize("n", [500, 5_000, 50_000])
def test_a_class_that_comes_at_once_fails_whatever_the_number_of_rows(n):
    _, y = made(n)

    found = delay_bias(rows(y, np.where(y == 1, 0.1, 30.0)), "binary", DAY)

    assert found.status == "fail"
    assert (found.effect, found.label) == (pytest.approx(-1.0, abs=0.01), 1)
    assert found.age == timedelta(days=30)
    assert "data.mature_after: 30d" in found.note


@pytest.mark.parametrize("task", ["binary", "regression"])
def test_delays_that_have_nothing_to_do_with_the_label_are_fine(task):
    failed = 0
    for seed in range(40):
        rng, y = made(3_000, seed)
        target = y if task == "binary" else rng.normal(size=3_000)
        failed += delay_bias(rows(target, rng.exponential(10, 3_000)), task, DAY).status != "ok"

    assert failed == 0


def test_many_rows_do_not_make_a_tiny_effect_loud():
    rng, y = made(50_000)

    found = delay_bias(rows(y, rng.exponential(10, 50_000) + 0.4 * y), "binary", DAY)

    assert found.p < 1e-4 and found.status == "ok"


def test_a_number_that_comes_later_the_larger_it_is():
    rng, _ = made(2_000)
    y = rng.normal(size=2_000)

    found = delay_bias(rows(y, 10 + 5 * y + rng.normal(0, 2, 2_000) + 30), "regression", DAY)

    assert found.status == "fail" and found.effect > 0.8 and found.label is None


def test_one_class_of_several_is_named():
    rng, _ = made(4_000)
    y = rng.choice(["a", "b", "c"], 4_000).astype(object)

    found = delay_bias(rows(y, rng.exponential(5, 4_000) + np.where(y == "b", 20, 0)), "multiclass", DAY)

    assert (found.status, found.label) == ("fail", "b") and found.effect > 0.9


def test_a_base_rate_and_a_delay_that_both_move_with_time_are_no_association():
    rng = np.random.default_rng(0)
    n = 4_000
    late = np.arange(n) >= n // 2
    y = (rng.uniform(size=n) < np.where(late, 0.6, 0.1)).astype(int)

    assert delay_bias(rows(y, rng.exponential(1, n) + np.where(late, 20, 0)), "binary", DAY).status == "ok"


def test_delays_that_leave_no_row_out_of_a_look_do_not_matter():
    _, y = made(2_000)

    assert delay_bias(rows(y, np.where(y == 1, 0.01, 0.1)), "binary", DAY) is None
    assert delay_bias(rows(y, np.full(2_000, 30.0)), "binary", DAY) is None  # as data.mature_after makes them
    assert delay_bias(rows(y[:50], np.where(y[:50] == 1, 0, 30.0)), "binary", DAY) is None
    assert delay_bias(rows(np.ones(500), np.linspace(0, 30, 500)), "binary", DAY) is None
