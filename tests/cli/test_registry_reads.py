"""How often a run of the monitor asks MLflow, for a registry that only MLflow's client can read."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

# The command, in a process where the registry's file is no known one; each call of MLflow's client is written down,
# but for those that MLflow makes itself, such as within a download.
COUNTING = """
import functools, json, sys
from mlflow import MlflowClient
from ratoon.models.registry.embedded import EmbeddedVersions
calls = []
def counted(name, method):
    @functools.wraps(method)
    def call(self, *arguments, **named):
        if not sys._getframe(1).f_globals["__name__"].startswith("mlflow"):
            calls.append(name)
        return method(self, *arguments, **named)
    return call
for name, method in list(vars(MlflowClient).items()):
    if callable(method) and not name.startswith("_"):
        setattr(MlflowClient, name, counted(name, method))
EmbeddedVersions.find = classmethod(lambda cls, uri, model: None)
from ratoon.cli.main import run
report, sys.argv = sys.argv[1], ["ratoon", *sys.argv[2:]]
try:
    run()
finally:
    open(report, "w").write(json.dumps(calls))
"""


def calls_of(tmp_path: Path, *arguments: str) -> Counter[str]:
    report = tmp_path / "calls.json"
    command = [sys.executable, "-c", COUNTING, str(report), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return Counter(json.loads(report.read_text()))


def test_a_monitor_that_holds_reads_the_registry_once(models: Path, tmp_path: Path) -> None:
    """To open it, the champion for the data's features, and once more under the lock that others may have held."""
    spec = models / "calm" / "spec.yaml"
    spec.write_text(spec.read_text().replace("learner:\n", "learner:\n  unproven: drop\n"))
    found = calls_of(tmp_path, "monitor", str(spec), "--at", "2026-02-08")
    assert found == {
        "search_registered_models": 1,
        "search_experiments": 1,
        "get_registered_model": 2,
        "get_model_version": 1,
        "search_model_versions": 1,
    }


def test_evidence_is_logged_in_batches(models: Path, tmp_path: Path) -> None:
    """A monitor that learns in the background makes versions: one call for their parameters, one for metrics."""
    spec = models / "calm" / "spec.yaml"
    found = calls_of(tmp_path, "monitor", str(spec), "--at", "2026-02-14")
    made = found["create_model_version"]
    assert made > 0
    assert found["log_batch"] == 2 * made
    assert found["log_param"] == found["log_metric"] == 0
