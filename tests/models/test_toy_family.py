"""A family comes with one file and one entry: nothing else of Ratoon has to change for it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow  # processes of its own, since families are found when Ratoon is imported

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of packages that holds the toy family as if it had been installed."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "toy_family.py").write_text((HERE / "toy_family.py").read_text())
    install(folder, "1.0.0")
    return folder


def install(folder: Path, version: str) -> None:
    info = folder / "toy_library.dist-info"
    info.mkdir(exist_ok=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: toy-library\nVersion: {version}\n")
    (info / "entry_points.txt").write_text("[ratoon.families]\ntoy = toy_family:FAMILY\n")


def run(site: Path, *arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(site), *os.environ.get("PYTHONPATH", "").split(os.pathsep)])
    return subprocess.run(
        [sys.executable, "-W", "ignore", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": path},
    )


def test_the_conformance_suite_tries_it_and_it_holds(site: Path) -> None:
    done = run(site, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/models/test_learner_conformance.py",
               "-k", "toy or escapes or left_out")  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:]
    assert int(done.stdout.rsplit(" passed", 1)[0].split()[-1]) >= 15


LIFE = """
import json
from pathlib import Path
from ratoon.backtest.kept import fingerprint_of
from ratoon.data.source import open_source
from ratoon.models.registry.mlflow_registry import Registry
from ratoon.spec.load import load_spec

spec = load_spec(Path("spec.yaml"))
champion = Registry.open(spec).load()
with open_source(spec) as source:
    kept = fingerprint_of(spec, source)
print(json.dumps([champion.state.family, type(champion.estimator).__module__, champion.state.versions, kept]))
"""


@pytest.fixture
def project(site: Path, tmp_path: Path) -> Path:
    """The starter with the toy's model."""
    folder = tmp_path / "project"
    made = run(site, "-m", "ratoon.cli.main", "init", str(folder))
    assert made.returncode == 0, made.stderr
    (folder / "training.py").write_text("from toy_family import small as build\n")
    return folder


def test_check_and_train_take_it(site: Path, project: Path) -> None:
    for command in ("check", "train"):
        done = run(site, "-m", "ratoon.cli.main", command, "spec.yaml", cwd=project)
        assert done.returncode == 0, done.stdout + done.stderr
    family, module, versions, kept = life(site, project)
    assert (family, module, versions["toy-library"]) == ("toy", "toy_family", "1.0.0")

    install(site, "1.1.0")  # what a backtest kept would be of another model
    try:
        assert life(site, project)[3] != kept
    finally:
        install(site, "1.0.0")
    assert life(site, project)[3] == kept


def life(site: Path, project: Path) -> list[Any]:
    done = run(site, "-c", LIFE, cwd=project)
    assert done.returncode == 0, done.stderr[-2000:]
    found: list[Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


ADOPT = """
from pathlib import Path
import mlflow.sklearn
from toy_family import NearestMean
from ratoon.data.source import open_source
from ratoon.data.sources.moment import LATEST
from ratoon.models.learning.features import features_of, table, target
from ratoon.spec.load import load_spec

spec = load_spec(Path("spec.yaml"))
with open_source(spec) as source:
    rows = source.as_of(LATEST).learned(LATEST, None).head(200)
X, y = table(rows, features_of(rows)), target(rows, spec.task)
mlflow.sklearn.save_model(
    NearestMean().fit(X, y), "theirs", serialization_format="skops", skops_trusted_types=["toy_family.NearestMean"],
    input_example=X.head(3), pip_requirements=["scikit-learn"],
)
"""


def test_a_model_of_it_that_somebody_else_logged_is_adopted(site: Path, project: Path) -> None:
    logged = run(site, "-c", ADOPT, cwd=project)
    assert logged.returncode == 0, logged.stderr[-2000:]
    done = run(site, "-m", "ratoon.cli.main", "adopt", "spec.yaml", "--model-uri", str(project / "theirs"),
               "--learned-until", "2026-02-01", cwd=project)  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "the family: toy" in " ".join((done.stdout + done.stderr).split())
