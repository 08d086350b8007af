"""Labels that went wrong in the last week, in files: broken data, not harm, and nothing trains."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ratoon.loop.champion import champion_as_of
from ratoon.loop.turn import Turn
from ratoon.spec.values import Decision

from .small_streams import DAY, START, moments, serving, spec_of

DAYS, A_DAY, WRONG = 70, 80, 63
POLICY = """
policy:
  - {when: 'triage == "broken_data"', do: alert}
  - {when: 'performance.failing', do: warm_start}
"""


def decided(folder: Path, kind: str, fault: str) -> Decision:
    """What is decided on the last day of a stream whose last week had the *fault*."""
    rng, at = np.random.default_rng(3), moments(DAYS, A_DAY)
    n = len(at)
    late = np.arange(n) >= WRONG * A_DAY
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
    rows = pd.DataFrame({"at": at, "y": y, "a": a, "b": b, "site": site})
    with serving(spec_of(folder, rows, "label_delay: 0s", kind=kind, more=POLICY), 40) as context:
        now = START + DAYS * DAY
        return Turn(context, champion_as_of(context, now), now).asked


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
