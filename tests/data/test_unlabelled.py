"""A source without a target: each row is there to be judged when its time, and its delay, have come."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from ratoon.data.metrics.metrics import METRICS, Outcomes, interval, join
from ratoon.data.source import open_source
from ratoon.spec.model import Spec
from ratoon.spec.values import Span

START = datetime(2026, 1, 1)


def stream(rows: int = 100) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "row": range(rows),
            "at": pd.Timestamp(START) + pd.to_timedelta(np.arange(rows), unit="h"),
            "a": np.arange(rows, dtype=float),
            "kind": ["x", "y"] * (rows // 2),
        }
    )


def opened(store, frame: pd.DataFrame, **data):
    place = {**store.keep(frame), "id": "row", "time": "at", **data}
    spec = Spec.model_validate(
        {"model": "m", "task": "clustering", "data": place, "learner": {"build": "training.py:build"}}
    )
    spec._path = store.folder / "spec.yaml"
    return open_source(spec)


@pytest.mark.parametrize("kind", ["parquet", "csv", "postgres"])
def test_a_row_counts_as_labelled_as_soon_as_it_is_there(store_of, kind):
    with opened(store_of(kind), stream()) as source:
        window = source.as_of(START + timedelta(hours=49)).window(Span(start=START, end=START + timedelta(hours=49)))

        assert source.features == ("a", "kind")
        assert window.labelled == window.rows == 49
        assert (window.frame["_label_time"] == window.frame["_time"]).all()
        assert (window.frame["_target"] == 0).all()
        assert window.label_faults == 0


def test_with_a_delay_it_counts_later(store_of):
    with opened(store_of("parquet"), stream(), label_delay="10h") as source:
        now = START + timedelta(hours=49)
        view = source.as_of(now)
        window = view.window(Span(start=START, end=now))

        assert (window.rows, window.labelled) == (49, 39)
        assert view.learned(now)["_time"].max() == pd.Timestamp(START + timedelta(hours=39))


def test_every_row_is_learned_or_held_out_once(store_of):
    """Stretch by stretch of the watermark, each row comes once: holdout and the rest together are all."""
    with opened(store_of("parquet"), stream(400)) as source:
        view = source.as_of(START + timedelta(hours=400))
        middle = START + timedelta(hours=150)
        parts = [view.learned(middle), view.unlearned(middle), view.holdout(None)]
        ids = [each for part in parts for each in part["_id"]]

        assert len(ids) == len(set(ids)) == 400


def test_distance_and_distortion_are_means_over_rows():
    far = Outcomes(np.zeros(4), np.zeros(4), np.array([1.0, 1.0, 1.0, 5.0]))
    near = Outcomes(np.zeros(4), np.zeros(4), np.array([1.0, 1.0, 1.0, 4.0]))

    assert METRICS["distance"](far) == 2.0
    assert METRICS["distortion"](far) == 7.0
    assert METRICS["distance"].gain(METRICS["distance"](near), METRICS["distance"](far)) == 0.25
    assert METRICS["distance"].telling(near, far) == 1
    assert len(join([far, near])) == 8
    assert interval(METRICS["distance"], join([])).rows == 0
