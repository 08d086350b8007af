"""Drift by Evidently with our calibrated PSI."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sensor_stream import FEATURES, START, changed, pair

from ratoon.data.window import Window
from ratoon.monitors.columns.drift import Drift
from ratoon.monitors.columns.psi import bins_of, psi, without_drift
from ratoon.spec.keys.watching import DriftSpec
from ratoon.spec.values import Span

DRIFT = Drift(DriftSpec(), FEATURES)


def iid(rows: int, *, seed: int, shift: float = 0.0, levels: int = 10) -> Window:
    rng = np.random.default_rng(seed)
    times = pd.Series(pd.date_range(START, periods=rows, freq="min") + pd.Timedelta(minutes=1))
    frame = pd.DataFrame(
        {
            "_id": [str(i) for i in range(rows)],
            "_time": times.astype("datetime64[us]"),
            "normal": rng.normal(shift, 1, rows),
            "skewed": np.exp(rng.normal(0, 2, rows)),
            "counts": rng.poisson(2 + shift, rows).astype(float),
            "zeros": np.where(rng.uniform(size=rows) < 0.7, 0.0, rng.gamma(2, 1, rows)),
            "level": pd.Series(rng.integers(0, levels, rows)).map("c{}".format).astype(object),
        }
    )
    span = Span(start=START, end=times.iloc[-1].to_pydatetime())
    return Window("w", span, frame, rows=rows, labelled=rows)


COLUMNS = ("normal", "skewed", "counts", "zeros", "level")


@pytest.mark.parametrize("rows", [200, 1000])
@pytest.mark.parametrize("levels", [3, 30, 200])
def test_without_drift_hardly_any_column_drifts(rows, levels):
    """At sizes where Evidently's defaults alarm on up to 100 % of the columns."""
    judge = Drift(DriftSpec(), COLUMNS)
    reference = iid(5000, seed=0, levels=levels)

    alarms = [
        s.column
        for seed in range(1, 5)
        for s in judge(reference, iid(rows, seed=seed, levels=levels))
        if s.metric == "drift_score" and s.status == "fail"
    ]

    assert len(alarms) <= 1, alarms


def test_a_shift_of_one_sigma_drifts_and_names_its_columns():
    signals = Drift(DriftSpec(), COLUMNS)(iid(5000, seed=0), iid(500, seed=1, shift=1.0))

    assert {s.column for s in signals if s.metric == "drift_score" and s.status == "fail"} == {"normal", "counts"}
    share = signals[0]
    assert (share.metric, share.column, share.value, share.status) == ("drift_share", None, 0.4, "fail")


def test_one_outlier_does_not_hide_a_shift():
    """With equal-width bins a single 1e9 hides three sigmas."""
    current = iid(500, seed=1, shift=3.0)
    spoiled = changed(current, normal=lambda c: c.where(c.index > 0, 1e9))

    signals = Drift(DriftSpec(), ("normal",))(iid(5000, seed=0), spoiled)

    assert {s.status for s in signals} == {"fail"}


def test_too_few_rows_cannot_be_judged():
    signals = Drift(DriftSpec(min_rows=200), COLUMNS)(iid(5000, seed=0), iid(150, seed=1, shift=5.0))

    assert {s.status for s in signals} == {"unknown"}
    assert "at least 200" in signals[1].note


@pytest.mark.parametrize(
    "fault",
    [
        {"temp": np.nan},
        {"temp": np.inf},
        {"weather": None},
        {"temp": lambda c: c.astype(str).astype(object)},
        {"weather": 1.0},
    ],
)
def test_a_broken_column_does_not_hide_the_others(fault):
    reference, current = pair()

    signals = {s.column: s.status for s in DRIFT(reference, changed(current, **fault))}

    assert signals[next(iter(fault))] == "unknown"
    assert sum(status != "unknown" for status in signals.values()) == len(FEATURES)


def test_a_column_that_evidently_chokes_on_is_unknown_and_the_rest_is_judged():
    """Lists cannot be counted; whatever breaks inside one column's report stays there."""
    reference, current = pair()
    odd = pd.Series([{"a": 1}] * len(current.frame), dtype=object)

    signals = {s.column: s.status for s in DRIFT(reference, changed(current, weather=odd))}

    assert signals["weather"] == "unknown"
    assert signals["hour"] == "ok"


def test_an_empty_window_is_unknown():
    reference, current = pair()

    signals = DRIFT(reference, replace(current, frame=current.frame.head(0), rows=0))

    assert {s.status for s in signals} == {"unknown"}


@pytest.mark.parametrize("name", ["a b", "a.b", "", "target", "prediction", "%s", "{x}", "index", "Ünï", "'", "a\nb"])
def test_odd_names_are_judged_as_any_other(name):
    reference, current = (changed(w, **{name: w.frame["temp"]}) for w in pair())
    text = name + "§"
    reference, current = (changed(w, **{text: w.frame["weather"]}) for w in (reference, current))

    signals = Drift(DriftSpec(), (name, text))(reference, current)

    assert all(s.status != "unknown" for s in signals), signals


def test_equal_windows_give_equal_signals():
    assert DRIFT(*pair()) == DRIFT(*pair())


def test_the_threshold_grows_as_the_window_shrinks():
    counts = bins_of(iid(5000, seed=0).frame["level"]).count(iid(5000, seed=0).frame["level"])

    assert without_drift(counts, 50) > 2 * without_drift(counts, 500) > 0


def test_bins_keep_ties_together_and_give_the_unseen_a_place():
    bins = bins_of(pd.Series([1.0, 1.0, 2.0, np.nan, np.inf]))

    assert bins.count(pd.Series([1.0, 2.0, 2.0, 7.0, 1.5, np.nan])).tolist() == [1, 2, 2]


def test_psi_of_equal_shares_is_zero_and_of_empty_bins_finite():
    assert psi(np.array([100, 100]), np.array([1000, 1000])) == pytest.approx(0, abs=1e-5)
    assert np.isfinite(psi(np.array([1000, 0]), np.array([0, 10])))
