"""A clustering through the real flows: a stream of blobs that moves away after day 40 (2026-02-10)."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from processes import Processes
from project import Project

from ratoon.backtest.fits import Fits
from ratoon.cli.commands.check import check_spec
from ratoon.cli.commands.recompute import recompute
from ratoon.cli.commands.report import report
from ratoon.data.holdout import fingerprint
from ratoon.loop.context import simulated
from ratoon.loop.learn.first import first_version
from ratoon.spec.load import load_spec

TRAINED, CALM, MOVED, LATER = (datetime(2026, 2, day) for day in (3, 9, 17, 25))

SPEC = """\
model: segments
task: clustering
data: {source: data/rows.parquet, id: row, time: at}
learner: {build: "training.py:build", strategies: [warm, scratch_recent]}
monitors: {window: 5d, every: 1d, performance: {min_labels: 100}}
triage: {persist: 1 of 1}
policy:
  - when: triage == "broken_data"
    do: alert
  - when: triage == "harm"
    do: warm_start
    min_rows: 50
gate:
  anchor: {margin: 0.5}
  slices: [{name: spenders, where: {spend: {from: 40}}, margin: 0.5}]
  resamples: 200
review: automatic
"""
TRAINING = """\
from sklearn.cluster import MiniBatchKMeans
from sklearn.compose import make_column_transformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler


def build():
    columns = make_column_transformer(
        (StandardScaler(), ["spend", "visits"]),
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), ["kind"]),
    )
    return make_pipeline(columns, MiniBatchKMeans(4, n_init=3))
"""


def moving_blobs(rows: int = 6000, seed: int = 0) -> pd.DataFrame:
    """100 rows a day around four centres, which jump by 1.5 standard deviations after day 40."""
    rng = np.random.default_rng(seed)
    corners = np.array([[0.0, 0.0], [8.0, 0.0], [0.0, 8.0], [8.0, 8.0]])
    day = np.arange(rows) / 100
    at = corners[rng.integers(0, 4, rows)] + np.where(day > 40, 1.5, 0.0)[:, None] + rng.normal(size=(rows, 2))
    return pd.DataFrame(
        {
            "row": np.arange(rows),
            "at": pd.Timestamp("2026-01-01") + pd.to_timedelta(day * 24 * 60, unit="min"),
            "spend": 10 * at[:, 0],
            "visits": at[:, 1],
            "kind": rng.choice(["x", "y"], rows),
        }
    )


def write_segments(folder: Path) -> Project:
    (folder / "data").mkdir(parents=True)
    (folder / "spec.yaml").write_text(SPEC)
    (folder / "training.py").write_text(TRAINING)
    moving_blobs().to_parquet(folder / "data" / "rows.parquet", index=False)
    return Project(folder)


@pytest.fixture(scope="module")
def lived(processes: Processes, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Trained, found healthy, then harmed; two retrains, each by the live flows and in a process of its own."""
    project = write_segments(tmp_path_factory.mktemp("segments") / "project")
    assert {each.status for each in check_spec(project.spec)} == {"ok"}
    ended = processes.run("train", spec=project.path, at=TRAINED)
    assert ended.result == "1", ended.trace
    for at in (CALM, MOVED, LATER):
        ended = processes.run("monitor", spec=project.path, at=at)
        assert ended.error is None, ended.trace
    return project


@pytest.mark.slow
def test_the_loop_finds_the_move_and_follows_it(lived: Project) -> None:
    """Healthy before, harm after; what the gate let through serves, and lies nearer to the rows that came next."""
    with lived.context() as context:
        decisions = context.ledger.decisions.of("segments")
        assert [(d.triage.verdict, d.action) for d in decisions[:2]] == [("healthy", "hold"), ("harm", "warm_start")]
        outcomes = {run.decision: run.outcome for run in context.ledger.runs.of("segments")}
        assert outcomes.pop(decisions[0].id) == "background"  # a look that holds lets the strategies learn
        assert outcomes and set(outcomes.values()) == {"registered"}
        runs = [run for run in context.ledger.runs.of("segments") if run.outcome == "registered"]
        champion = context.registry.champion()
        assert champion is not None and champion.number == runs[-1].version
        first, now = context.registry.load("1"), context.registry.load(champion.number)
        view = context.source.as_of(datetime(2026, 3, 2))
        after = view.learned(view.now, since=LATER)
        assert now.predict(after).score.mean() < 0.95 * first.predict(after).score.mean()
        gates = [each.gate.model_dump() for run in runs for each in run.evidence.attempts if each.gate]
        assert all(gate["metric"] == "distance" and not gate["checks"] for gate in gates)


@pytest.mark.slow
def test_numbers_and_unit_are_those_of_the_first_version(lived: Project) -> None:
    """Each of the four blobs has the number that it had before it moved; the scaler has not moved with them."""
    with lived.context() as context:
        champion = context.registry.champion()
        assert champion is not None
        first, now = context.registry.load("1"), context.registry.load(champion.number)
    corners = pd.DataFrame({"spend": [0.0, 80, 0, 80], "visits": [0.0, 0, 8, 8], "kind": "x"})
    moved = corners.assign(spend=corners["spend"] + 15, visits=corners["visits"] + 1.5)
    assert sorted(first.estimator.predict(corners)) == [0, 1, 2, 3]
    np.testing.assert_array_equal(now.estimator.predict(moved), first.estimator.predict(corners))
    scalers = [each.estimator[0].named_transformers_["standardscaler"] for each in (first, now)]
    np.testing.assert_array_equal(scalers[0].mean_, scalers[1].mean_)
    assert now.state.updates >= 1 and now.state.replay_rows == 0


@pytest.mark.slow
def test_every_row_outside_the_holdout_was_learned_once(lived: Project) -> None:
    """Invariant 1, by count and by the sum over the ids: up to the watermark none is missing and none came twice."""
    with lived.context() as context:
        champion = context.registry.champion()
        assert champion is not None
        state = context.registry.load(champion.number).state
        rows = context.source.as_of(LATER).learned(state.watermark)
    assert (state.learned_rows, state.fingerprint) == (len(rows), fingerprint(rows["_id"]))


@pytest.mark.slow
def test_decisions_are_recomputed_and_the_pages_are_written(lived: Project) -> None:
    found = recompute(load_spec(lived.path))
    assert len(found) == 3 and all(each.same for each in found), found
    page = report(lived.spec, file=lived.folder / "report.html", start=None, end=None, now=LATER)
    assert "distance" in page.read_text()


def test_arms_from_scratch_are_measured_in_the_first_versions_unit(tmp_path: Path) -> None:
    """A backtest compares arms on the same rows: a scaler of its own would let one of them win by its unit."""
    spec = write_segments(tmp_path / "project").spec
    with simulated(spec) as context:
        began = context.registry.load(first_version(context, TRAINED).number)
        fit = Fits(context, timedelta(days=10), tmp_path / "fits", began)(MOVED, sliding=True)
    assert fit is not None
    scalers = [each.estimator[0].named_transformers_["standardscaler"] for each in (began, fit[0])]
    np.testing.assert_array_equal(scalers[0].mean_, scalers[1].mean_)
