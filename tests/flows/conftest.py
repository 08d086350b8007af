"""One Prefect server, one warm parent of processes and one trained project for all tests of the flows."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from machines import database, shared_project, trained_and_decided
from processes import Processes, dies
from project import LATE, TRAINED, Project, write_project


@pytest.fixture(scope="session", autouse=True)
def prefect_server() -> Iterator[str]:
    """The address of a Prefect server of this session's own; the heartbeat, a second a flow, is off."""
    from prefect.settings import PREFECT_API_URL, PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings
    from prefect.testing.utilities import prefect_test_harness

    with (
        prefect_test_harness(server_startup_timeout=600),
        temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}),
    ):
        yield str(PREFECT_API_URL.value())


@pytest.fixture(scope="session")
def processes(prefect_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processes]:
    started = Processes(tmp_path_factory.mktemp("processes"), prefect_server)
    yield started
    started.close()


@pytest.fixture(scope="session")
def trained_project(processes: Processes, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The first version serves; nothing has been decided yet. Copy it, never change it."""
    project = write_project(tmp_path_factory.mktemp("trained") / "project")
    ended = processes.run("train", spec=project.path, at=TRAINED)
    assert ended.result == "1", ended.trace
    return project


@pytest.fixture(scope="session")
def decided_project(
    processes: Processes, trained_project: Project, tmp_path_factory: pytest.TempPathFactory
) -> Project:
    """Harm was found and a warm start decided; the monitor was killed before it could start the retrain."""
    project = trained_project.copy(tmp_path_factory.mktemp("decided") / "project")
    ended = processes.run("monitor", dies("ratoon.flows.monitor:start_training"), spec=project.path, at=LATE)
    assert ended.killed, ended
    return project


@pytest.fixture(scope="session")
def finished_project(
    processes: Processes, decided_project: Project, tmp_path_factory: pytest.TempPathFactory
) -> Project:
    """The decided retrain ran through: version 2 serves, since the project's review is automatic."""
    project = decided_project.copy(tmp_path_factory.mktemp("finished") / "project")
    with project.care() as care:
        (decision,) = care.ledger.decisions("flights")
    ended = processes.run("retrain", spec=project.path, decision=decision.id)
    assert ended.result is not None and ended.result["promoted"], ended
    return project


@pytest.fixture(scope="session")
def shared(
    processes: Processes, postgres_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Project, str]]:
    """A project with a decision to train, and its ledger's URL. Copy both, never change them.

    The registry is a file, which all machines of a test share: MLflow takes a minute to make one in PostgreSQL.
    """
    folder = tmp_path_factory.mktemp("ready") / "project"
    with database(postgres_url) as ledger:
        project = shared_project(folder, ledger, f"sqlite:///{folder}/.ratoon/mlflow.db")
        trained_and_decided(processes, project)
        yield project, ledger


@pytest.fixture
def copied(tmp_path: Path) -> Callable[[Project], Project]:
    """A copy of a project, with all its stores, for one test to change."""

    def copy(project: Project, name: str = "project") -> Project:
        return project.copy(tmp_path / name)

    return copy


@pytest.fixture
def decided(decided_project: Project, copied: Callable[..., Project]) -> Project:
    return copied(decided_project)


@pytest.fixture
def trained(trained_project: Project, copied: Callable[..., Project]) -> Project:
    return copied(trained_project)


@pytest.fixture
def finished(finished_project: Project, copied: Callable[..., Project]) -> Project:
    return copied(finished_project)
