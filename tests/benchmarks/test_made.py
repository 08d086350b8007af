"""Made streams: seeded, readable as any other, and changed when and how they say."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made import DAYS, NUMBERS, START, WORLDS, made, write_made
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from ratoon.data.source import open_source
from ratoon.spec.load import load_spec

END = START + timedelta(days=DAYS)


@pytest.mark.parametrize("name", WORLDS)
def test_a_world_is_seeded_and_opens_as_a_source(name: str, tmp_path: Path) -> None:
    """Equal seeds give equal rows, another seed another stream; labels never come before their rows."""
    rows = made(name, 0, 600).rows
    pd.testing.assert_frame_equal(rows, made(name, 0, 600).rows)
    assert not rows[list(NUMBERS)].equals(made(name, 1, 600).rows[list(NUMBERS)])
    assert (rows["label_time"] >= rows["event_time"]).all()
    assert all(START < each <= END for each in made(name, 0, 600).changes)
    spec = load_spec(write_made(name, 0, tmp_path, rows=600))
    with open_source(spec) as source:
        extent = source.extent()
    assert extent is not None and extent.end <= END


def test_a_model_of_before_the_change_is_worse_after_it_and_in_a_calm_world_is_not() -> None:
    gaps = {}
    for name in ("calm", "abrupt"):
        rows = made(name, 0, 8000).rows
        change = made("abrupt", 0, 8000).changes[0]
        x, y = rows[list(NUMBERS)], rows["target"]
        before, after = rows["event_time"] < change, rows["event_time"] >= change
        model = LogisticRegression().fit(x[before], y[before])
        areas = [roc_auc_score(y[part], model.predict_proba(x[part])[:, 1]) for part in (before, after)]
        gaps[name] = areas[0] - areas[1]
    assert abs(gaps["calm"]) < 0.03
    assert gaps["abrupt"] > 0.1


def test_regimes_take_turns_in_equal_stretches() -> None:
    turns = made("recurring", 0, 600).changes
    assert len({(b - a) // timedelta(minutes=1) for a, b in pairwise(turns)}) <= 2
    assert len(turns) >= 6


def test_the_share_of_positives_grows_in_a_prior_shift() -> None:
    rows = made("prior_shift", 0).rows
    thirds = [part.mean() for part in np.array_split(rows["target"].to_numpy(), 5)]
    assert thirds[0] < 0.25 < 0.5 < thirds[-1]


def test_amounts_grow_and_their_errors_with_them() -> None:
    rows = made("growing_scale", 0).rows
    first, last = rows.iloc[:3000], rows.iloc[-3000:]
    assert last["target"].median() > 3 * first["target"].median()
    assert last["target"].std() > 3 * first["target"].std()
    assert last["amount"].median() > 3 * first["amount"].median()


def test_labels_of_a_late_stream_come_after_more_than_three_looks() -> None:
    rows = made("late_labels", 0).rows
    assert (rows["label_time"] - rows["event_time"]).min() >= timedelta(days=30)


def test_labels_that_came_early_are_biased_where_the_delay_depends_on_them() -> None:
    """Within a week nearly all positives are known and no negative is; nothing else changes."""
    rows = made("label_dependent_delay", 0).rows
    early = rows[rows["label_time"] - rows["event_time"] < timedelta(days=7)]
    assert early["target"].mean() == 1.0
    assert 0.2 < rows["target"].mean() < 0.5


def test_the_rarest_class_becomes_common_in_a_new_regime() -> None:
    found = made("new_regime", 0)
    after = found.rows["event_time"] >= found.changes[0]
    shares = [(found.rows.loc[part, "target"] == 3).mean() for part in (~after, after)]
    assert shares[1] > 1.5 * shares[0]
