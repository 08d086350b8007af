"""The quality screen: what breaks a window, and what is ordinary."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sensor_stream import FEATURES, changed, pair, stream, window

from ratoon.data.window import Window
from ratoon.monitors.profile import kinds_of, profile
from ratoon.monitors.quality import Quality
from ratoon.spec.keys.watching import QualitySpec
from ratoon.spec.values import Signal

SCREEN = Quality(QualitySpec(), FEATURES)


def failed(signals: list[Signal]) -> set[tuple[str, str | None]]:
    return {(s.metric, s.column) for s in signals if s.status == "fail"}


def metrics(signals: list[Signal], status: str) -> set[str]:
    return {s.metric for s in signals if s.status == status}


@pytest.mark.parametrize("days", [7, 14, 28])
def test_a_clean_year_never_breaks(days):
    """Seasons, months and rare categories come and go; none of it is broken data."""
    frame = stream(seed=1)
    for start in range(8 * days, 365 - days, max(days, 14)):
        reference, current = window(frame, start - 8 * days, 8 * days), window(frame, start, days)

        assert failed(SCREEN(reference, current)) == set(), current.span


def test_a_clean_year_never_breaks_against_an_old_reference():
    """A champion that is never updated keeps its winter reference until the next winter."""
    frame = stream(seed=2)
    reference = window(frame, 0, 112, "reference")
    for start in range(112, 350, 14):
        assert failed(SCREEN(reference, window(frame, start, 14))) == set(), start


@pytest.mark.parametrize("rows", [0, 1, 5, 19])
def test_a_tiny_window_breaks_only_for_its_volume(rows):
    reference, current = pair()
    tiny = replace(current, frame=current.frame.head(rows), rows=rows)

    assert {metric for metric, _ in failed(SCREEN(reference, tiny))} == {"volume"}


@pytest.mark.parametrize(
    ("column", "fault", "metric"),
    [
        ("temp", lambda c: c * 1.8 + 32, "scale"),
        ("temp", lambda c: c + 273.15, "scale"),
        ("load", lambda c: c * 1000, "scale"),
        ("load", lambda c: c * 1000, "out_of_range"),
        ("load", lambda c: c / 10, "scale"),
        ("temp", lambda c: c.iloc[0], "constant"),
        ("hour", lambda c: 99.0, "out_of_range"),
        ("load", lambda c: c.where(np.arange(len(c)) % 3 > 0), "missing_share"),
        ("load", lambda c: c.where(np.arange(len(c)) % 3 > 0, np.inf), "missing_share"),
        ("weather", lambda c: None, "missing_share"),
        ("weather", lambda c: c.str.upper(), "new_categories"),
        ("load", lambda c: c.astype(str).astype(object), "schema"),
        ("weather", lambda c: 1.0, "schema"),
    ],
)
def test_a_fault_is_named_with_its_column(column, fault, metric):
    reference, current = pair()

    assert (metric, column) in failed(SCREEN(reference, changed(current, **{column: fault})))


def test_swapped_columns_are_named_as_a_pair_and_not_as_units():
    reference, current = pair()
    frame = current.frame

    found = failed(SCREEN(reference, changed(current, temp=frame["load"], load=frame["temp"])))

    assert ("swapped", "load<->temp") in found
    assert "scale" not in {metric for metric, _ in found}


def test_a_column_that_the_source_lost_is_missing_and_nothing_else():
    reference, current = pair()
    lost = replace(changed(current, temp=np.nan), missing_columns=("temp",))

    assert failed(SCREEN(reference, lost)) == {("missing_column", "temp")}


def test_a_column_that_was_constant_and_comes_alive_is_no_fault():
    """As in elec2 in May 1997: that is drift, not broken data."""
    reference, current = pair()
    asleep = changed(reference, load=0.4)

    found = SCREEN(asleep, current)

    assert failed(found) == set()
    assert ("out_of_range", "load") in {(s.metric, s.column) for s in found if s.status == "warn"}


def test_a_month_that_does_not_change_within_a_week_is_ordinary():
    frame = stream()
    reference, current = window(frame, 56, 56), window(frame, 121, 7)

    found = SCREEN(reference, current)

    assert failed(found) == set()
    assert "constant" in metrics(found, "warn")


def test_a_few_rows_of_a_new_category_are_worth_a_look_only():
    reference, current = pair()
    odd = current.frame["weather"].copy()
    odd.iloc[:4] = "hail"

    found = SCREEN(reference, changed(current, weather=odd))

    assert failed(found) == set()
    assert "new_categories" in metrics(found, "warn")


def test_growth_by_a_fifth_is_drift_and_no_unit_change():
    reference, current = pair()

    assert failed(SCREEN(reference, changed(current, load=lambda c: c * 1.2))) == set()


@pytest.mark.parametrize(
    ("counts", "metric"),
    [
        ({"duplicates": 40}, "duplicates"),
        ({"label_faults": 40}, "label_faults"),
        ({"orphan_labels": 40}, "label_faults"),
        ({"rows": 20}, "volume"),
    ],
)
def test_true_counts_are_judged_beside_the_sample(counts, metric):
    reference, current = pair()

    assert failed(SCREEN(reference, replace(current, **counts))) == {(metric, None)}


def test_growth_far_beyond_the_reference_is_worth_a_look_and_no_fault():
    """A business that grew must not be kept from learning; rows written twice show as duplicates."""
    reference, current = pair()

    volume = [s for s in SCREEN(reference, replace(current, rows=5000)) if s.metric == "volume"]

    assert [s.status for s in volume] == ["warn"]


def test_a_category_of_last_year_is_not_new_because_the_reference_lacks_it():
    """The reference is a stretch of the champion's history; a season that comes back is no fault."""
    reference, current = pair()
    name = next(c for c in FEATURES if reference.frame[c].dtype.kind != "f")
    returned = changed(current, **{name: lambda c: c.map(lambda _: "last winter")})
    history = replace(reference, frame=pd.concat([reference.frame, returned.frame.head(30)], ignore_index=True))
    knowing = replace(SCREEN, known=profile(history, kinds_of(history.frame, FEATURES)))

    assert ("new_categories", name) in failed(SCREEN(reference, returned))
    assert ("new_categories", name) not in failed(knowing(reference, returned))


def test_thresholds_come_from_the_spec():
    reference, current = pair()
    holed = changed(current, load=lambda c: c.where(np.arange(len(c)) % 3 > 0))

    lenient = Quality(QualitySpec(missing=0.5, volume=(0.01, 50)), FEATURES)

    assert failed(lenient(reference, replace(holed, rows=20))) == set()


def test_only_the_named_columns_are_screened():
    reference, current = pair()
    broken = changed(current, load=lambda c: c * 1000)

    assert failed(Quality(QualitySpec(columns=("temp",)), FEATURES)(reference, broken)) == set()


def test_a_column_that_cannot_be_screened_is_unknown_and_stops_nothing():
    """A list in a cell cannot be hashed; the other columns are screened all the same."""
    reference, current = pair()
    odd = pd.Series([["a", "list"]] * len(current.frame), dtype=object)

    found = SCREEN(reference, changed(current, weather=odd, load=lambda c: c * 1000))

    assert any(s.status == "unknown" and s.column == "weather" for s in found)
    assert ("out_of_range", "load") in failed(found)


def test_an_empty_reference_says_nothing_of_the_columns():
    _, current = pair()
    empty: Window = replace(current, frame=current.frame.head(0), rows=0)

    assert failed(SCREEN(empty, current)) == set()
