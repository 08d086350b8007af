"""A ledger and a registry made by an earlier release open, recompute, and go on."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import tarfile
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
MADE_IN = "/tmp/kept01/small"
PATHS = {
    "experiments": "artifact_location",
    "runs": "artifact_uri",
    "logged_models": "artifact_location",
    "model_versions": "storage_location",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The project that Ratoon 0.1 left, unpacked into a folder of this test's."""
    folder = tmp_path / "project"
    with tarfile.open(HERE / "ratoon-0.1.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    with closing(sqlite3.connect(folder / ".ratoon" / "mlflow.db")) as opened, opened:
        for table, column in PATHS.items():
            opened.execute(f"update {table} set {column} = replace({column}, ?, ?)", (MADE_IN, str(folder)))
    return folder


def ratoon(*arguments: object, code: int = 0) -> str:
    """What `ratoon ARGUMENTS` prints, in a process of its own that no server is named to."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "MLFLOW_", "RATOON_"))
    }
    done = subprocess.run(
        [sys.executable, "-m", "ratoon.cli.main", *map(str, arguments)],
        capture_output=True,
        text=True,
        env=environment | {"OMP_NUM_THREADS": "1"},
        timeout=500,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def facts(*arguments: object, code: int = 0) -> Any:
    return json.loads(ratoon(*arguments, "--json", code=code))


def recomputed(spec: Path) -> list[dict[str, Any]]:
    """Every decision, taken again from the ledger alone."""
    found: list[dict[str, Any]] = facts("history", spec, "--recompute")
    return found


def test_what_0_1_decided_recomputes_and_its_champion_stands(project: Path) -> None:
    spec = project / "spec.yaml"

    status = facts("status", spec)
    again = recomputed(spec)

    assert [each["version"] for each in status["versions"] if each["alias"] == "champion"] == ["6"]
    assert len(again) == 5
    assert not [each for each in again if each["differs"] or each["skipped"]]


def test_a_registry_that_is_named_in_the_spec_is_found_with_its_champion(project: Path) -> None:
    (project / "named").mkdir()
    (project / ".ratoon" / "mlflow.db").rename(project / "named" / "registry.db")
    with (project / "spec.yaml").open("a") as spec:
        spec.write("\nstores:\n  mlflow: sqlite:///named/registry.db\n")

    found = {each["what"]: each["text"] for each in facts("check", project / "spec.yaml")}

    assert "champion v6" in found["registry"]


@pytest.mark.slow
def test_the_loop_goes_on_from_there(project: Path) -> None:
    """A further look, a run by hand, the way back; and all of it recomputes, old and new."""
    spec = project / "spec.yaml"

    looked = facts("monitor", spec, "--at", "2026-02-20")
    run = facts("retrain", spec, "--at", "2026-02-21", "--reason", "kept")
    back = facts("rollback", spec, "--reason", "kept", "--actor", "reviewer")

    assert (looked["action"], looked["rule"]) == ("warm_start", "gain.pays")
    assert looked["rule_id"].startswith("2-")
    assert run["outcome"] in {"registered", "refused", "nothing_new"}
    assert [each["version"] for each in back["versions"] if "champion" in each["alias"].split(", ")] == ["1"]
    again = recomputed(spec)
    assert not [each for each in again if each["differs"]]
    by_hand = [each["decision"] for each in again if each["skipped"]]
    assert by_hand == [run["decision"]]  # no policy took it
    assert len(again) == 7
