"""A look by the warm parent: a real flow run in a fork, which takes no other with it when it dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import pytest
from project import CALM, TRAINED, Project

# The first test starts a Prefect server and trains; on a loaded machine that alone takes minutes.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

PATIENCE = 300.0


@dataclass
class WarmParent:
    process: subprocess.Popen[str]
    environment: dict[str, str]
    looks: list[subprocess.Popen[str]] = field(default_factory=list)

    def forks(self) -> list[int]:
        return [
            int(pid) for pid in Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        ]

    def until_forks(self, there: bool, look: subprocess.Popen[str] | None = None) -> list[int]:
        """The forks, once there are some (or none), or *look* has ended without one."""
        until = time.monotonic() + PATIENCE
        while bool(forks := self.forks()) is not there and time.monotonic() < until:
            if look is not None and look.poll() is not None:
                break
            time.sleep(0.02)
        return forks

    def look(self, run: UUID, **more: str) -> subprocess.Popen[str]:
        environment = self.environment | {"PREFECT__FLOW_RUN_ID": str(run)} | more
        started = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "ratoon.servers.warm"],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.looks.append(started)
        return started

    def end_looks(self) -> None:
        """No look of one test goes on into the next, which would take its fork for its own."""
        while self.looks:
            look = self.looks.pop()
            look.kill()
            look.communicate()
        assert self.until_forks(there=False) == []


@pytest.fixture(scope="module")
def warm_parent(prefect_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WarmParent]:
    home = tmp_path_factory.mktemp("a-home-with-a-long-name-" + 60 * "x")
    environment = {
        **os.environ,
        "PREFECT_API_URL": prefect_server,
        "RATOON_HOME": str(home),
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "ratoon.servers.warm_parent"],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline().startswith("warm:")
    yield WarmParent(process, environment)
    process.terminate()
    process.communicate(timeout=PATIENCE)  # it closes the pipe too: an open one is a warning in whatever test is next


@pytest.fixture
def warm(warm_parent: WarmParent) -> Iterator[WarmParent]:
    yield warm_parent
    warm_parent.end_looks()


def submitted(project: Project, at: object) -> UUID:
    """A run of the project's monitor, as a worker has taken it."""
    from prefect.client.orchestration import get_client
    from prefect.states import Pending

    from ratoon.flows.prefect.deploy import deploy_all

    deploy_all([Path(project.path)], pool="warm", environment={}, warm="python -m ratoon.servers.warm")
    with get_client(sync_client=True) as client:
        deployment = client.read_deployment_by_name(f"monitor/{project.spec.model}")
        assert deployment.job_variables["command"] == "python -m ratoon.servers.warm"
        run = client.create_flow_run_from_deployment(
            deployment.id, parameters={"spec": project.path, "at": f"{at:%Y-%m-%dT%H:%M:%S}"}
        )
        client.set_flow_run_state(run.id, Pending(), force=True)
        return run.id


def state_of(run: UUID) -> str:
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        return str(client.read_flow_run(run).state_name)


def test_a_look_is_a_completed_run_in_a_fork_of_the_warm_parent(warm: WarmParent, trained: Project) -> None:
    run = submitted(trained, CALM)
    look = warm.look(run)
    forks = warm.until_forks(there=True, look=look)
    said, _ = look.communicate(timeout=PATIENCE)
    assert look.returncode == 0, said
    assert forks, "it did not start in a fork"
    assert state_of(run) == "Completed"
    with trained.context() as context:
        (decision,) = context.ledger.decisions.of("flights")
    assert decision.at == CALM
    assert warm.forks() == []


def test_a_look_that_is_killed_takes_neither_the_parent_nor_the_next_look_with_it(
    warm: WarmParent, trained: Project
) -> None:
    look = warm.look(submitted(trained, CALM))
    (fork,) = warm.until_forks(there=True, look=look)
    os.kill(fork, signal.SIGKILL)
    look.communicate(timeout=PATIENCE)
    assert look.returncode == -signal.SIGKILL  # the worker sees how it ended
    run = submitted(trained, TRAINED)
    again = warm.look(run)
    again.communicate(timeout=PATIENCE)
    assert (again.returncode, state_of(run)) == (0, "Completed")


def test_the_fork_ends_with_its_client(warm: WarmParent, trained: Project) -> None:
    look = warm.look(submitted(trained, CALM))
    assert warm.until_forks(there=True, look=look)
    look.kill()
    look.wait(PATIENCE)
    assert warm.until_forks(there=False) == []


def test_a_run_with_an_environment_of_its_own_starts_afresh(warm: WarmParent, trained: Project) -> None:
    run = submitted(trained, CALM)
    look = warm.look(run, OMP_NUM_THREADS="2")
    said, _ = look.communicate(timeout=PATIENCE)
    assert "OMP_NUM_THREADS" in said
    assert (look.returncode, state_of(run)) == (0, "Completed")
