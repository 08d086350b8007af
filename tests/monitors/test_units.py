"""A unit change is abrupt and affine by known numbers; growth, a season, counters and sentinels are none."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from sensor_stream import START, changed

from ratoon.data.window import Window
from ratoon.monitors.quality import Quality
from ratoon.spec.keys.watching import QualitySpec
from ratoon.spec.values import Span

DAYS, A_DAY, WINDOW = 280, 48, 7
ROWS = DAYS * A_DAY
SCREEN = Quality(QualitySpec(), ("x", "other"))


def rng() -> np.random.Generator:
    return np.random.default_rng(3)


def growth(to: float) -> np.ndarray:
    """From 1 to *to* over the stream, by the same share each day."""
    return to ** (np.arange(ROWS) / ROWS)


def season() -> np.ndarray:
    return -np.cos(2 * np.pi * np.arange(ROWS) / A_DAY / 365)


COLUMNS: dict[str, Callable[[], np.ndarray]] = {
    "an amount that doubles": lambda: growth(2) * rng().normal(25, 5, ROWS),
    "an amount that grows tenfold": lambda: growth(10) * rng().normal(25, 5, ROWS),
    "log-normal growth, x2": lambda: growth(2) * rng().lognormal(3.5, 1, ROWS),
    "log-normal growth, x10": lambda: growth(10) * rng().lognormal(3.5, 1, ROWS),
    "a loss that shrinks tenfold": lambda: growth(0.1) * rng().lognormal(3.5, 1, ROWS),
    "counts that grow": lambda: rng().poisson(40 * growth(3)).astype(float),
    "a counter": lambda: np.arange(ROWS, dtype=float),
    "a counter that starts at a million": lambda: 1e6 + 3.0 * np.arange(ROWS),
    "a sentinel of -1 that becomes rare": lambda: np.where(
        rng().uniform(size=ROWS) < 0.9 - 0.6 * np.arange(ROWS) / ROWS, -1.0, growth(3) * rng().lognormal(4, 1, ROWS)
    ),
    "mostly -1": lambda: np.where(rng().uniform(size=ROWS) < 0.7, -1.0, growth(2) * rng().uniform(1, 400, ROWS)),
    "few values": lambda: rng().integers(1, 8, ROWS) + np.floor(4 * np.arange(ROWS) / ROWS),
    "a season": lambda: 12 + 14 * season() + rng().normal(0, 3, ROWS),
    "a season on a scale": lambda: np.exp(season()) * rng().lognormal(3, 0.5, ROWS),
    "a level": lambda: rng().normal(100, 8, ROWS),
    "a spread that grows round zero": lambda: growth(6) * rng().normal(0, 1, ROWS),
}


def frame(values: np.ndarray) -> pd.DataFrame:
    times = pd.Series(pd.date_range(START, periods=ROWS, freq=timedelta(days=1) / A_DAY)).astype("datetime64[us]")
    return pd.DataFrame(
        {
            "_id": [f"r{i}" for i in range(ROWS)],
            "_time": times,
            "_label_time": times,
            "_target": np.random.default_rng(1).normal(size=ROWS),
            "_holdout": False,
            "x": np.asarray(values, dtype=float),
            "other": np.random.default_rng(2).normal(size=ROWS),
        }
    ).astype({"_id": object})


def window(rows: pd.DataFrame, start: int, days: int) -> Window:
    span = Span(start=START + timedelta(days=start), end=START + timedelta(days=start + days))
    part = rows[(rows["_time"] > span.start) & (rows["_time"] <= span.end)].reset_index(drop=True)
    return Window("w", span, part, rows=len(part), labelled=len(part), schema={"x": "double", "other": "double"})


def broken(rows: pd.DataFrame, start: int, change: Callable[[pd.Series], pd.Series] | None = None) -> set[str]:
    """What fails in the window from day *start* against the reference of the first eight weeks."""
    current = window(rows, start, WINDOW)
    if change is not None:
        current = changed(current, x=change)
    asked = Quality(SCREEN.spec, SCREEN.features, recent=lambda: window(rows, start - 5 * WINDOW, 4 * WINDOW))
    return {f"{s.metric} {s.column}" for s in asked(window(rows, 0, 8 * WINDOW), current) if s.status == "fail"}


@pytest.mark.parametrize("name", COLUMNS)
def test_what_is_slow_or_lasts_is_no_fault_even_against_an_old_reference(name):
    rows = frame(COLUMNS[name]())

    found = {start: broken(rows, start) for start in range(13 * WINDOW, DAYS - WINDOW, 2 * WINDOW)}

    assert {start: each for start, each in found.items() if each} == {}


CHANGES: dict[str, tuple[str, Callable[[pd.Series], pd.Series]]] = {
    "x1000": ("an amount that doubles", lambda c: c * 1000),
    "x1000, log-normal": ("log-normal growth, x10", lambda c: c * 1000),
    "percent to share": ("an amount that grows tenfold", lambda c: c / 100),
    "C to F": ("a season", lambda c: c * 1.8 + 32),
    "C to K": ("a season", lambda c: c + 273.15),
    "km to miles": ("a level", lambda c: c / 1.609344),
    "miles to km": ("a level", lambda c: c * 1.609344),
    "minutes to seconds": ("log-normal growth, x2", lambda c: c * 60),
    "mostly a sentinel, x1000": ("mostly -1", lambda c: c.where(c == -1, c * 1000)),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("start", [91, 196, 266])
def test_a_unit_change_is_caught_on_streams_that_grew(change, start):
    name, made = CHANGES[change]

    assert "scale x" in broken(frame(COLUMNS[name]()), start, made)


PREPARED: dict[str, Callable[[pd.Series], pd.Series]] = {
    "log": np.log,
    "log1p": np.log1p,
    "log10": np.log10,
    "unknown": lambda c: 7 * np.power(c, 0.33) - 11,  # drift
    "square root": np.sqrt,
    "0 to 1": lambda c: (c - c.min()) / (c.max() - c.min()),
    "standardised": lambda c: (c - c.mean()) / c.std(),
    "standardised by others": lambda c: (c - c.mean() - 0.1 * c.std()) / (1.1 * c.std()),
}


@pytest.mark.parametrize("how", PREPARED)
@pytest.mark.parametrize("name", ["a level", "log-normal growth, x2", "an amount that doubles"])
def test_a_column_that_came_prepared_is_caught(name, how):
    found = broken(frame(COLUMNS[name]()), 196, PREPARED[how])

    assert ("scale x" in found) == (how != "unknown")


def test_a_standard_column_that_spreads_or_moves_is_not_called_prepared():
    rows = frame(COLUMNS["a spread that grows round zero"]())

    assert "scale x" not in broken(rows, 196, lambda c: c * 0.2)
    assert "scale x" not in broken(rows, 196, lambda c: c + 9)
    assert "scale x" not in broken(frame(COLUMNS["a level"]()), 196, lambda c: c * 0.01 * np.arange(len(c)) / len(c))


def test_a_window_of_another_unit_is_caught_for_two_windows_and_then_is_the_world():
    """It was said, twice; who left it so meant it, and the model must be able to learn it."""
    values = COLUMNS["an amount that doubles"]()
    values[100 * A_DAY :] *= 1000
    rows = frame(values)

    found = [bool(broken(rows, start)) for start in range(100, 100 + 6 * WINDOW, WINDOW)]

    assert found == [True, True, False, False, False, False]


def test_a_doubling_from_one_window_to_the_next_is_no_change_of_unit():
    rows = frame(COLUMNS["log-normal growth, x2"]())

    assert "scale x" not in broken(rows, 196, lambda c: c * 2)
    assert "scale x" not in broken(frame(COLUMNS["an amount that doubles"]()), 196, lambda c: c * 2)


def test_a_new_category_that_became_common_is_no_fault_and_one_that_floods_in_is():
    rows = frame(COLUMNS["a season"]())
    share = np.clip(np.arange(ROWS) / ROWS, 0, 1)
    rows["x"] = np.where(rng().uniform(size=ROWS) < share - 0.3, "new", rng().choice(["a", "b", "c"], ROWS))
    rows["x"] = rows["x"].astype(object)

    assert broken(rows, 196) == set()
    assert broken(rows, 196, lambda c: c.map(lambda v: v if v == "new" else f"{v}!")) == {"new_categories x"}


def test_a_column_that_is_gone_stays_a_fault_however_long():
    values = COLUMNS["a season"]()
    values[100 * A_DAY :] = np.nan

    assert "missing_share x" in broken(frame(values), 200)


def test_a_stream_that_shrank_slowly_has_rows_enough():
    rows = frame(COLUMNS["a season"]())
    kept = rng().uniform(size=ROWS) < growth(0.05)
    rows = rows[kept].reset_index(drop=True)

    assert broken(rows, 266) == set()
    assert broken(rows[rows["_time"] <= START + timedelta(days=266)], 266) == {"volume None"}


@pytest.mark.parametrize("seed", range(5))
def test_a_share_whose_tail_moves_is_not_called_brought_to_0_1(seed):
    drawn = np.random.default_rng(seed)
    rows = frame(drawn.beta(0.3, 4, ROWS))

    def moved(column: pd.Series) -> pd.Series:
        return column.mask(drawn.uniform(size=len(column)) < 0.12, drawn.beta(6, 4, len(column)))

    assert "scale x" not in broken(rows, 196, moved)


@pytest.mark.parametrize("change", [lambda c: c * 0.7 + 0.3, lambda c: c.clip(lower=0.5)])
def test_a_column_that_was_standardised_may_move(change):
    assert "scale x" not in broken(frame(rng().normal(0, 1, ROWS)), 196, change)
