"""Labels that went wrong in the last week, in files: broken data, not harm, and nothing trains."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ratoon.backtest.rehearsed import promoted, rehearsed
from ratoon.backtest.turn import Turn
from ratoon.loop.champion import champion_as_of
from ratoon.loop.learn import first_version
from ratoon.spec.load import load_spec
from ratoon.spec.values import Decision

START = datetime(2026, 1, 1)
DAY = timedelta(days=1)
DAYS, A_DAY, WRONG = 70, 80, 63
SPEC = """
model: wrong
task: binary
data: {source: rows.KIND, id: id, time: at, target: y, label_delay: 0s, holdout: 0.2}
learner: {build: "build.py:build"}
monitors: {window: 7d, every: 1d, performance: {min_labels: 50, estimate: "off"}}
policy:
  - {when: 'triage == "broken_data"', do: alert}
  - {when: 'performance.failing', do: warm_start}
"""
BUILD = """
from sklearn.linear_model import SGDClassifier
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def build():
    numbers = make_column_transformer((StandardScaler(), make_column_selector(dtype_include="number")))
    return make_pipeline(numbers, SGDClassifier(loss="log_loss", random_state=0))
"""


def decided(folder: Path, kind: str, fault: str) -> Decision:
    """What is decided on the last day of a stream whose last week had the *fault*."""
    rng = np.random.default_rng(3)
    n = DAYS * A_DAY
    late = np.arange(n) >= WRONG * A_DAY
    at = pd.Series(pd.date_range(START, periods=n, freq=DAY / A_DAY)).astype("datetime64[us]")
    a, b = rng.normal(size=(2, n))
    z = a + 0.5 * b if fault != "concept" else np.where(late, b - a, a + 0.5 * b)
    y = (z + rng.normal(0, 0.5, n) > 0).astype(int)
    site = rng.choice(["n", "s", "w"], n, p=[0.4, 0.3, 0.3])
    if fault == "group":
        y = np.where(late & (site == "n"), 1 - y, y)
    elif fault == "default":
        y = np.where(late & (rng.uniform(size=n) < 0.4), 0, y)
    elif fault == "shift":
        y = np.where(late, np.roll(y, 1), y)
    frame = pd.DataFrame({"id": [f"r{i}" for i in range(n)], "at": at, "y": y, "a": a, "b": b, "site": site})
    frame.to_csv(folder / "rows.csv", index=False) if kind == "csv" else frame.to_parquet(folder / "rows.parquet")
    (folder / "build.py").write_text(BUILD)
    (folder / "spec.yaml").write_text(SPEC.replace("KIND", kind))
    with rehearsed(load_spec(folder / "spec.yaml")) as care:
        version = first_version(care, START + 40 * DAY)
        promoted(care, version.number, START + 40 * DAY, kind="first", reason="the first")
        now = START + DAYS * DAY
        return Turn(care, champion_as_of(care, now), now).asked


@pytest.mark.parametrize(
    ("kind", "fault", "screens"),
    [
        ("parquet", "group", {"label_group"}),
        ("csv", "group", {"label_group"}),
        ("parquet", "default", {"label_default"}),
        ("csv", "shift", {"label_shift", "label_rows"}),
    ],
)
def test_a_loss_that_a_label_fault_explains_is_broken_data(tmp_path, kind, fault, screens):
    decision = decided(tmp_path, kind, fault)

    assert decision.triage.verdict == "broken_data" and decision.action == "alert"
    assert set(decision.facts["quality"]["failed"]) & screens


@pytest.mark.parametrize(("fault", "action"), [("none", "hold"), ("concept", "warm_start")])
def test_sound_labels_hold_and_a_changed_relation_trains(tmp_path, fault, action):
    assert decided(tmp_path, "parquet", fault).action == action
