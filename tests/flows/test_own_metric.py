"""A team's own metric through the whole life: train, monitor, retrain, report; and a backtest by an entry point."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from processes import Processes
from project import CALM, LATE, TRAINED, Project, write_project

from ratoon.backtest.backtest import run_backtest
from ratoon.cli.checks.metric import metric_tried
from ratoon.cli.commands.check import check_spec
from ratoon.cli.commands.recompute import recompute
from ratoon.cli.commands.report import report
from ratoon.data.source import open_source

COST = """
import numpy as np

class Cost:
    name = "cost"
    greater_is_better = False
    response_method = "predict_proba"
    per_row = True

    def __init__(self, missed=1.0):
        self.missed = missed

    def __call__(self, y_true, y_score):
        return np.where(y_true == 1, self.missed * (1 - y_score) ** 2, y_score**2)
"""
ACCURACY = """
from sklearn.metrics import accuracy_score

class Right:
    name = "right"
    greater_is_better = True
    bounds = (0, 1)

    def __call__(self, y_true, y_pred):
        return accuracy_score(y_true, y_pred)
"""
AFTER = datetime(2026, 2, 24)


def write(folder: Path, metric: str) -> Project:
    project = write_project(folder)
    (folder / "cost.py").write_text(COST)
    project.write(r"metric: brier", f"metric: {metric}")
    project.write(r"margin: 0.5", "margin: 1.0")  # a share of the champion's
    return project


def test_check_tries_it_on_the_datas_own_labels(tmp_path: Path) -> None:
    """One that breaks is named by file, key and fault before anything is trained; its direction is a warning."""
    project = write(tmp_path / "project", "cost.py:Cost")
    spec = project.spec
    assert {each.status for each in check_spec(spec) if each.what == "metric"} == {"ok"}
    for old, new, status, words in (
        ("** 2, y_score**2)", "** 2, y_score**2)[:-1]", "fail", "a number for each"),
        ("return np", "raise KeyError('amount'); return np", "fail", "KeyError"),
        ("** 2, y_score**2)", "** 2, y_score**2) * np.random.random()", "fail", "second time"),
        ("** 2, y_score**2)", "** 2, np.nan)", "fail", "finite"),
        ("better = False", "better = True", "warn", "greater_is_better"),
    ):
        (project.folder / "cost.py").write_text(COST.replace(old, new))
        with open_source(spec) as source:
            found = list(metric_tried(spec, source))
        assert [each.status for each in found] == [status], (new, found)
        assert words in found[0].text and "monitors.performance.metric" in found[0].text
    (project.folder / "cost.py").write_text(COST.replace('name = "cost"', 'name = "brier"'))
    (found_one,) = [each for each in check_spec(spec) if each.what == "metric"]
    assert found_one.status == "fail" and "brier" in found_one.text


@pytest.mark.slow
def test_the_loop_judges_by_it_and_outlives_its_faults(tmp_path: Path, processes: Processes) -> None:
    project = write(tmp_path / "project", "{use: cost.py:Cost, missed: 2.0}")
    ended = processes.run("train", spec=project.path, at=TRAINED)
    assert ended.result == "1", ended.trace
    for at in (CALM, LATE):
        ended = processes.run("monitor", spec=project.path, at=at)
        assert ended.error is None, ended.trace
    with project.context() as context:
        decisions = context.ledger.decisions.of("flights")
        assert [(d.triage.verdict, d.action) for d in decisions] == [("healthy", "hold"), ("harm", "warm_start")]
        assert decisions[1].facts["performance"]["metric"] == "cost"
        runs = {each.decision: each for each in context.ledger.runs.of("flights")}
        run = runs[decisions[1].id]
        assert run.outcome == "registered", run.evidence
        (gate,) = [each.gate for each in run.evidence.attempts if each.gate]
        assert gate.metric == "cost" and gate.passed
        state = context.registry.load(run.version).state
        assert set(state.accepted) == {"cost"} and state.accepted["cost"].definition
    for text, words in ((COST.replace("return", "raise KeyError('amount') #"), "KeyError"), (COST + "x = 1", "")):
        (project.folder / "cost.py").write_text(text)
        ended = processes.run("monitor", spec=project.path, at=AFTER)
        assert ended.error is None, ended.trace
        with project.context() as context:
            last = context.ledger.decisions.of("flights")[-1]
            drop = next(each for each in context.ledger.decisions.signals(last.id) if each.metric == "drop")
            assert drop.status == "unknown" and words in drop.note, "what it gave before is no match for an edited one"
    assert all(each.same for each in recompute(project.spec))
    page = report(project.spec, file=project.folder / "report.html", start=None, end=None, now=AFTER)
    assert "Performance: cost (lower is better)" in page.read_text()
    (project.folder / "cost.py").unlink()
    ended = processes.run("monitor", spec=project.path, at=datetime(2026, 2, 26))
    assert ended.error is not None and "cost.py" in ended.error


@pytest.mark.slow
def test_a_backtest_judges_by_one_of_a_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A metric of the whole set, whose trials are by groups of rows."""
    info = tmp_path / "installed" / "teams_metrics-1.dist-info"
    info.mkdir(parents=True)
    (info.parent / "teams_right.py").write_text(ACCURACY)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: teams-metrics\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[ratoon.metrics]\nright = teams_right:Right\n")
    monkeypatch.syspath_prepend(str(info.parent))
    project = write(tmp_path / "project", "right")
    stretch = {"start": TRAINED, "end": datetime(2026, 2, 23), "every": timedelta(days=5)}
    found = run_backtest(project.spec, workers=1, scratch=False, **stretch)
    assert (found.metric, found.greater_is_better) == ("right", True)
    arms = {each.name: each for each in found.arms}
    assert arms["policy"].runs and arms["policy"].quality.value > arms["never"].quality.value
