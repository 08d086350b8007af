"""Rows that were learned leave the source, as by retention: looks say so, hold training, and still tell of columns."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ratoon.backtest.arm import start
from ratoon.data.source import open_source
from ratoon.loop.champion import champion_as_of
from ratoon.loop.context import simulated
from ratoon.loop.turn import Turn
from ratoon.spec.load import load_spec

START = datetime(2026, 1, 1)
DAY = timedelta(days=1)
SPEC = """
model: kept-short
task: binary
data: {source: rows.parquet, id: id, time: at, target: y, label_delay: 1d, features: [a, b]}
learner: {build: "build.py:build"}
monitors: {window: 7d, every: 1d, performance: {min_labels: 50, estimate: "off"}}
"""
BUILD = """
from sklearn.linear_model import SGDClassifier


def build():
    return SGDClassifier(loss="log_loss", random_state=0)
"""


def rows() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    n = 70 * 60
    at = pd.Series(pd.date_range(START, periods=n, freq=DAY / 60)).astype("datetime64[us]")
    a = rng.normal(size=n)
    return pd.DataFrame({"id": range(n), "at": at, "y": (a + rng.normal(0, 0.5, n) > 0).astype(int), "a": a, "b": a**2})


@pytest.mark.parametrize("share", [0.0, 0.02])
@pytest.mark.parametrize("sound", [True, False])
def test_what_the_champion_learned_is_deleted(tmp_path: Path, share: float, sound: bool) -> None:
    (tmp_path / "spec.yaml").write_text(SPEC)
    (tmp_path / "build.py").write_text(BUILD)
    frame, first, now = rows(), START + 50 * DAY, START + 65 * DAY
    frame.to_parquet(tmp_path / "rows.parquet")
    spec = load_spec(tmp_path / "spec.yaml")
    with simulated(spec) as context:
        start(context, first)
        champion = champion_as_of(context, now)
        before = Turn(context, champion, now).signals
        kept = frame[(frame["at"] > START + 52 * DAY) | (frame.index % 1000 < 1000 * share)]
        broken = (kept["at"] > now - 7 * DAY) & (not sound)
        kept.assign(a=kept["a"].where(~broken, kept["a"] * 1000)).to_parquet(tmp_path / "rows.parquet")
        with open_source(spec, expected={"a": "number", "b": "number"}) as left:
            context = replace(context, source=left)
            turn = Turn(context, champion_as_of(context, now), now)
            signals, asked = turn.signals, turn.asked

    failed = {(s.metric, s.column) for s in signals if s.monitor == "quality" and s.status == "fail"}
    assert not [s for s in before if s.metric == "reference"]
    assert ("reference", None) in failed
    assert (("out_of_range", "a") in failed) is not sound
    assert asked.triage.verdict == "broken_data" and asked.action == "alert"
