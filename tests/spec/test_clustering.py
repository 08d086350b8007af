"""`task: clustering` has no label, and says so of every key that needs one."""

from __future__ import annotations

from pathlib import Path

import pytest

from ratoon.spec.errors import SpecError
from ratoon.spec.load import load_spec

GOOD = """\
model: segments
task: clustering
data: {source: rows.parquet, id: row, time: at, label_delay: 1h}
learner: {build: "training.py:build"}
"""


def read(folder: Path, text: str):
    file = folder / "spec.yaml"
    file.write_text(text)
    return load_spec(file)


def test_a_clustering_needs_no_target_and_is_judged_by_distance(tmp_path):
    spec = read(tmp_path, GOOD)

    assert spec.data.target is None
    assert spec.metric == "distance"
    assert spec.deciding.tolerance == 0.05  # a share of the reference, as of every metric with a unit
    assert spec.replayed.rows == 0


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("time: at,", "time: at, target: y,", "data.target: found 'y', which has no meaning for task 'clustering'"),
        ("label_delay: 1h", "label_time: late", "data.label_time: found 'late'"),
        ("label_delay: 1h", "labels: {source: labels.csv}", "data.labels: found 'a table of labels'"),
        ("label_delay: 1h", "prediction: said", "the number of a cluster has no distance"),
        ('build"}', 'build", replay: {rows: 100}}', "learner.replay: found 100"),
        ('build"}', 'build", patience: 2}', "learner.patience: found 2"),
        ('build"}', 'build", weights: balanced}', "learner.weights: 'balanced' needs classes"),
        ('build"}', 'build"}\ngate: {flips: {margin: 0.1}}', "gate.flips.margin: found '0.1'"),
        ('build"}', 'build"}\ngate: {calibration: {margin: 0}}', "gate.calibration.margin: found '0'"),
        ('build"}', 'build"}\ngate: {metric: mae}', "gate.metric: 'mae' does not fit task 'clustering'"),
        ('build"}', 'build"}\nmonitors: {performance: {estimate: count}}', "monitors.performance.estimate"),
    ],
)
def test_what_needs_a_label_or_a_class_is_refused_by_name(tmp_path, old, new, words):
    with pytest.raises(SpecError) as refused:
        read(tmp_path, GOOD.replace(old, new))
    assert words in str(refused.value)


def test_every_other_task_needs_its_target(tmp_path):
    with pytest.raises(SpecError, match=r"data\.target: this key is required for task 'binary' and is not there"):
        read(tmp_path, GOOD.replace("clustering", "binary"))


def test_distance_is_for_clusterings_only(tmp_path):
    text = GOOD.replace("clustering", "regression").replace("time: at,", "time: at, target: y,")
    with pytest.raises(SpecError, match="'distance' does not fit task 'regression'"):
        read(tmp_path, text + "gate: {metric: distance}\n")
