"""A file in its own order: sensors, modes and flags that come and go are no fault; one that was frozen is."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from ratoon.data.window import Window
from ratoon.monitors.profile import kinds_of, profile
from ratoon.monitors.quality import Quality
from ratoon.spec.keys.watching import QualitySpec
from ratoon.spec.values import Span

START, MINUTE = datetime(2026, 1, 1), timedelta(minutes=1)
WINDOW, LEARNED = 800, 6400  # rows
FEATURES = ("sensor", "mode", "x", "z", "flag", "motion", "code")


def stretches(rng: np.random.Generator, rows: int, on: float, off: float) -> np.ndarray:
    """True and False by turns, each for so many rows in the mean."""
    found, place, state = np.zeros(rows, dtype=bool), 0, bool(rng.random() < 0.5)
    while place < rows:
        length = int(rng.exponential(on if state else off)) + 200
        found[place : place + length] = state
        place, state = place + length, not state
    return found


def rows(seed: int, count: int = 16_000, sensors: int = 3) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    there = np.stack([stretches(rng, count, 5000, 4000) for _ in range(sensors)], axis=1)
    there[~there.any(axis=1), 0] = True
    there[:400] = True  # all of them were seen once
    who = (there * rng.random(there.shape)).argmax(axis=1)
    flag = stretches(rng, count, 2500, 3500)
    x = rng.normal(0, 5, sensors)[who] + rng.normal(0, 2, count)
    times = pd.Series(pd.Timestamp(START) + pd.to_timedelta(np.arange(count) + 1, unit="min")).astype("datetime64[us]")
    return pd.DataFrame(
        {
            "_id": [f"r{n}" for n in range(count)], "_time": times, "_label_time": times, "_holdout": False,
            "_target": (x + rng.normal(0, 2, count) > np.median(x)).astype(float),
            "sensor": np.array([f"s{n}" for n in who], dtype=object),
            "mode": np.where(flag, "on", "off").astype(object), "x": x,
            "z": 20 + 5 * np.sin(np.arange(count) / 700) + rng.normal(0, 1, count), "flag": flag.astype(float),
            "motion": np.where(flag, rng.gamma(2, 3, count), 0.0), "code": who.astype(float),
        }
    )  # fmt: skip


def part(frame: pd.DataFrame, start: int, count: int, name: str = "current") -> Window:
    span = Span(start=START + start * MINUTE, end=START + (start + count) * MINUTE)
    found = frame.iloc[start : start + count].reset_index(drop=True)
    schema = {name: "string" if found[name].dtype == object else "float64" for name in FEATURES}
    return Window(name, span, found, rows=len(found), labelled=len(found), schema=schema)


def broken(frame: pd.DataFrame, start: int, *, fresh: bool) -> set[tuple[str, str | None]]:
    history = part(frame, 0, LEARNED)
    screen = Quality(QualitySpec(), FEATURES, profile(history, kinds_of(history.frame, FEATURES)))
    reference = part(frame, start - LEARNED, LEARNED, "reference") if fresh else history
    return {(s.metric, s.column) for s in screen(reference, part(frame, start, WINDOW)) if s.status == "fail"}


@pytest.mark.parametrize("seed", range(4))
def test_what_comes_and_goes_is_no_fault(seed: int) -> None:
    """Sensors alone for whole windows, a flag that is never raised, a number that rests as long."""
    frame = rows(seed)
    starts = range(LEARNED, len(frame) - WINDOW + 1, WINDOW)
    found = {(start, fresh): broken(frame, start, fresh=fresh) for start in starts for fresh in (False, True)}

    assert sum(1 for faults in found.values() if faults) <= 1, found
    assert any(frame["sensor"][s : s + WINDOW].nunique() == 1 for s in starts) or seed


def together(seed: int = 1) -> pd.DataFrame:
    """Rows of all sensors at all times."""
    frame = rows(seed).sample(frac=1, random_state=seed, ignore_index=True)
    return frame.assign(_time=rows(seed)["_time"], _label_time=rows(seed)["_time"])


@pytest.mark.parametrize("column", ["sensor", "mode", "flag", "code"])
def test_one_that_was_frozen_is_denied_by_the_rest_of_the_row(column: str) -> None:
    frame = together()
    frame.loc[LEARNED:, column] = frame[column].mode().iloc[0]

    assert ("constant", column) in broken(frame, LEARNED, fresh=False)


def test_a_number_that_never_rested_is_frozen_also_at_a_known_value() -> None:
    frame = rows(0)
    frame.loc[LEARNED:, "z"] = frame["z"].iloc[10]

    assert ("constant", "z") in broken(frame, LEARNED, fresh=False)
