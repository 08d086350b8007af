"""One Prefect server and one warm parent for the tests of a process, one trained project for all of them."""

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
def trained_project(
    processes: Processes, made_once: Callable[..., Path], empty_mlflow: Callable[[Path], None]
) -> Project:
    """The first version serves; nothing has been decided yet. Copy it, never change it."""

    def make(folder: Path) -> None:
        project = write_project(folder)
        empty_mlflow(folder / ".ratoon")
        ended = processes.run("train", spec=project.path, at=TRAINED)
        assert ended.result == "1", ended.trace

    return Project(made_once("trained", make))


@pytest.fixture(scope="session")
def decided_project(processes: Processes, trained_project: Project, made_once: Callable[..., Path]) -> Project:
    """Harm was found and a warm start decided; the monitor was killed before it could start the retrain."""

    def make(folder: Path) -> None:
        project = trained_project.copy(folder)
        ended = processes.run("monitor", dies("ratoon.flows.monitor:start_training"), spec=project.path, at=LATE)
        assert ended.killed, ended

    return Project(made_once("decided", make))


@pytest.fixture(scope="session")
def finished_project(processes: Processes, decided_project: Project, made_once: Callable[..., Path]) -> Project:
    """The decided retrain ran through: version 2 serves, since the project's review is automatic."""

    def make(folder: Path) -> None:
        project = decided_project.copy(folder)
        with project.context() as context:
            (decision,) = context.ledger.decisions.of("flights")
        ended = processes.run("retrain", spec=project.path, decision=decision.id)
        assert ended.result is not None and ended.result["promoted"], ended

    return Project(made_once("finished", make))


@pytest.fixture(scope="session")
def waiting_project(processes: Processes, decided_project: Project, made_once: Callable[..., Path]) -> Project:
    """As `finished_project`, but a person reviews: version 1 serves, version 2 waits as challenger."""

    def make(folder: Path) -> None:
        project = decided_project.copy(folder)
        project.write("review: automatic", "review: required")
        with project.context() as context:
            (decision,) = context.ledger.decisions.of("flights")
        ended = processes.run("retrain", spec=project.path, decision=decision.id)
        told = {"decision": decision.id, "version": "2", "candidate": None, "promoted": False}
        assert ended.result == {**told, "outcome": "registered"}, ended

    return Project(made_once("waiting", make))


@pytest.fixture(scope="session")
def shared(
    processes: Processes,
    postgres_url: str,
    tmp_path_factory: pytest.TempPathFactory,
    empty_mlflow: Callable[[Path], None],
) -> Iterator[tuple[Project, str]]:
    """A project with a decision to train, and its ledger's URL. Copy both, never change them.

    The registry is a file, which all machines of a test share: MLflow takes a minute to make one in PostgreSQL.
    """
    folder = tmp_path_factory.mktemp("ready") / "project"
    with database(postgres_url) as ledger:
        project = shared_project(folder, ledger, f"sqlite:///{folder}/.ratoon/mlflow.db")
        empty_mlflow(folder / ".ratoon")
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
def waiting(waiting_project: Project, copied: Callable[..., Project]) -> Project:
    return copied(waiting_project)


@pytest.fixture
def trained(trained_project: Project, copied: Callable[..., Project]) -> Project:
    return copied(trained_project)


@pytest.fixture
def finished(finished_project: Project, copied: Callable[..., Project]) -> Project:
    return copied(finished_project)
