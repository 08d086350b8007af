"""Servers killed with -9 in the middle of a monitored retrain: the work ends once, in the right state."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

sys.path.insert(0, str(Path(__file__).parent))

from running import wait_for
from upped import Upped

from ratoon.ledger.ledger import Ledger
from ratoon.servers.processes import marked

pytestmark = pytest.mark.timeout(3000)

FIRST, LATER = "2026-02-05T00:00:00", "2026-02-19T00:00:00"
VICTIMS = ("worker", "prefect", "mlflow", "database", "up")
IN_CI = ("database",)  # flows killed without a server are in tests/flows/test_invariants_crash.py
TRAINING = '''
"""Trains only while the file `hold` is not there, so that a test can kill servers in the middle."""

import time
from pathlib import Path

from sklearn.ensemble import HistGradientBoostingClassifier

HERE = Path(__file__).parent


def build():
    (HERE / "training").touch()
    while (HERE / "hold").exists():
        time.sleep(0.2)
    return HistGradientBoostingClassifier(max_iter=20)
'''


@pytest.fixture(scope="module")
def up(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, postgres_url: str) -> Iterator[Upped]:
    """One installation on PostgreSQL with a model for each victim that is tried, which the change of day 40 harms."""
    here = [each for each in request.session.items if isinstance(each, pytest.Function) and each.path == request.path]
    tried = {each.callspec.params["victim"] for each in here if hasattr(each, "callspec")} | set(IN_CI)
    folder = tmp_path_factory.mktemp("project")
    started = Upped.on_free_ports(folder, RATOON_DATABASE_URL=_named(postgres_url, "killed"))
    try:
        for name in sorted(tried):
            started.ratoon("init", name)
            spec = folder / name / "spec.yaml"
            _replace(spec, "mode: live", "triage: {persist: 1 of 1}\nmode: live")
            _replace(
                spec,
                """when: gain.pays
    do: warm_start""",
                """when: triage == "harm"
    do: full_retrain""",
            )
            _replace(spec, "learner:\n", "learner:\n  strategies: [scratch]\n")
            _replace(spec, "data:\n", "data:\n  features: [distance, hour, wind]\n")
            (folder / name / "training.py").write_text(TRAINING)
        started.start()
        yield started
        assert started.stop() == 0, started.log
    finally:
        started.clean_up()


@pytest.mark.parametrize(
    "victim", [pytest.param(name, marks=pytest.mark.slow if name in IN_CI else pytest.mark.long) for name in VICTIMS]
)
def test_the_work_ends_once_whoever_is_killed(up: Upped, victim: str) -> None:
    """One version for the decision, one finished run, a champion that loads, rows learned once."""
    project = up.folder / victim
    spec = project / "spec.yaml"
    up.ratoon("train", str(spec), "--at", FIRST)
    _deployed(up, victim, spec)
    (project / "hold").touch()
    (project / "training").unlink()
    _start(up, "monitor", spec, at=LATER)
    wait_for(
        (project / "training").exists, seconds=240, what="a training run in the middle", log=lambda: _logs(up, "worker")
    )

    _kill(up, victim)
    (project / "hold").unlink()
    if victim == "up":
        up.start()

    with _ledger(up) as ledger:
        wait_for(
            lambda: [each.outcome for each in _patient(lambda: ledger.runs.of(victim))] == ["registered"],
            seconds=300,
            what="a finished training run",
            log=lambda: f"{up.log}\n{_logs(up, 'worker')}\n{_runs(up, victim)}",
        )
    wait_for(
        lambda: not _going_on(up, victim), seconds=120, what="the end of all runs", log=lambda: _logs(up, "worker")
    )
    with _ledger(up) as ledger:
        (run,) = ledger.runs.of(victim)
        fired = [each.id for each in ledger.decisions.of(victim) if each.action == "full_retrain"]
    assert fired == [run.decision], "one decision fired"
    versions = _versions(up, victim)
    assert [each["tags"].get("ratoon.decision") for each in versions].count(run.decision) == 1
    assert len(versions) == 2, "the first version, and one for the decision"
    again = json.loads(up.ratoon("monitor", str(spec), "--at", LATER, "--json"))  # loads the champion
    assert (again["id"], again["champion"]) == (run.decision, "1"), "the same look decides the same"
    assert len(_versions(up, victim)) == 2, "and starts nothing anew"
    rows = pd.read_parquet(project / "data" / "flights.parquet", columns=["row_id", "label_time"])
    known = (rows["label_time"] <= pd.Timestamp(LATER)).sum()
    assert run.rows < known, "each row at most once, and the holdout never"


@pytest.mark.slow
def test_after_a_stop_nothing_is_left_running(up: Upped) -> None:
    """SIGINT ends every process; the next start holds everything that was there."""
    before = _versions(up, IN_CI[0])

    assert up.stop() == 0
    assert marked(up.home) == []
    up.start()

    assert _versions(up, IN_CI[0]) == before


def _kill(up: Upped, victim: str) -> None:
    if victim == "database":
        _kill_database(up)
    elif victim == "up":
        up.kill_up_itself()
    else:
        up.kill({"worker": "prefect worker", "prefect": "guarded:prefect", "mlflow": "mlflow server"}[victim])


def _kill_database(up: Upped) -> None:
    """SIGKILL to one of PostgreSQL's processes: it ends every connection and recovers from its log."""
    engine = create_engine(_named(up.environment["RATOON_DATABASE_URL"], "postgres"), poolclass=NullPool)

    def answers() -> bool:
        try:
            with engine.connect():
                return True
        except OperationalError:
            return False

    with pytest.raises(OperationalError), engine.connect() as connection:
        found = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'walwriter'"
        os.kill(int(connection.execute(text(found)).scalar_one()), signal.SIGKILL)
        connection.execute(text("SELECT pg_sleep(60)"))  # until it is cut off
    wait_for(answers, seconds=120, what="PostgreSQL again", log=lambda: _logs(up, "worker"))


def _named(url: str, database: str) -> str:
    return make_url(url).set(database=database).render_as_string(hide_password=False)


def _ledger(up: Upped) -> Any:
    return Ledger.open(up.where.ledger)


def _patient(read: Callable[[], Any]) -> Any:
    """Nothing, while the database recovers."""
    try:
        return read()
    except Exception:
        return []


def _deployed(up: Upped, model: str, spec: Path) -> None:
    """`ratoon up` deploys where it can; else by prefect.yaml."""
    if _deployments(up, "retrain", model):
        return
    subprocess.run(
        [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all"],
        cwd=spec.parent,
        env=up.environment
        | up.where.credentials()
        | {"PREFECT_API_URL": f"{up.where.prefect}/api", "RATOON_SPEC": str(spec)},
        check=True,
        capture_output=True,
        timeout=540,
    )


def _deployments(up: Upped, flow: str, model: str) -> list[Any]:
    found = up.prefect("deployments/filter", {"flows": {"name": {"any_": [flow]}}})
    return [each for each in found if f"/{model}/spec.yaml" in str(each["parameters"].get("spec"))]


def _start(up: Upped, flow: str, spec: Path, **parameters: str) -> None:
    (deployment,) = _deployments(up, flow, spec.parent.name)
    up.prefect(f"deployments/{deployment['id']}/create_flow_run", {"parameters": {"spec": str(spec), **parameters}})


def _going_on(up: Upped, model: str) -> list[Any]:
    states = {"state": {"type": {"any_": ["RUNNING", "PENDING", "CANCELLING"]}}}
    runs = up.prefect("flow_runs/filter", {"flow_runs": states})
    return [run for run in runs if f"/{model}/spec.yaml" in str(run["parameters"].get("spec"))]


def _versions(up: Upped, model: str) -> list[Any]:
    from mlflow import MlflowClient

    found = MlflowClient(up.where.mlflow, up.where.mlflow).search_model_versions(f"name='{model}'")
    return [{"version": each.version, "tags": dict(each.tags)} for each in found]


def _runs(up: Upped, model: str) -> str:
    with _ledger(up) as ledger:
        return "\n".join(str(each) for each in ledger.runs.of(model))


def _logs(up: Upped, name: str) -> str:
    return (up.home / "logs" / f"{name}.log").read_text(errors="replace")[-4000:]


def _replace(file: Path, old: str, new: str) -> None:
    content = file.read_text()
    assert content.count(old) == 1, f"{old!r} is not once in {file.name}"
    file.write_text(content.replace(old, new))
