"""Prefect server, MLflow server and worker as processes of their own, on free ports, that are surely stopped."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Servers:
    """The processes of one installation in *folder*; each writes a log there."""

    folder: Path
    environment: dict[str, str]
    started: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @classmethod
    def on_free_ports(cls, folder: Path) -> Servers:
        prefect, mlflow = free_ports(2)
        chosen = {
            "PREFECT_HOME": str(folder / "prefect"),
            "PREFECT_SERVER_API_HOST": "127.0.0.1",
            "PREFECT_SERVER_API_PORT": str(prefect),
            "PREFECT_API_URL": f"http://127.0.0.1:{prefect}/api",
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "PREFECT_WORKER_QUERY_SECONDS": "1",
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
            "MLFLOW_TRACKING_URI": f"http://127.0.0.1:{mlflow}",
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "DO_NOT_TRACK": "1",
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
        }
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "MLFLOW_"))}
        return cls(folder, kept | chosen)

    @property
    def prefect(self) -> str:
        return self.environment["PREFECT_API_URL"]

    @property
    def mlflow(self) -> str:
        return self.environment["MLFLOW_TRACKING_URI"]

    def start(self) -> None:
        """Start both servers and wait until they answer."""
        port = self.mlflow.rsplit(":", 1)[1]
        store, artifacts = f"sqlite:///{self.folder / 'mlflow.db'}", str(self.folder / "artifacts")
        self._run("prefect", "prefect", "server", "start")
        self._run(
            "mlflow", "mlflow", "server", "--host", "127.0.0.1", "--port", port, "-w", "1",
            "--backend-store-uri", store, "--artifacts-destination", artifacts,
        )  # fmt: skip
        for address, name in ((f"{self.prefect}/health", "prefect"), (f"{self.mlflow}/health", "mlflow")):
            wait_for(lambda address=address: _answers(address), seconds=120, what=address, log=self.log_of(name))

    def start_worker(self) -> None:
        self._run("worker", "prefect", "worker", "start", "--pool", "ratoon", "--type", "process")

    def call(self, *command: str, folder: Path | None = None, **environment: str) -> str:
        """Run one command to its end in the servers' environment; returns what it printed."""
        done = subprocess.run(
            [_script(command[0]), *command[1:]],
            cwd=folder or self.folder,
            env=self.environment | environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=540,
        )
        assert done.returncode == 0, f"{command} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def log_of(self, name: str) -> Callable[[], str]:
        return lambda: (self.folder / f"{name}.log").read_text(errors="replace")[-4000:]

    def stop(self) -> None:
        """Kill every process and all that they started: runs of a worker lead groups of their own."""
        for process in reversed(self.started.values()):
            # Stopped first, so that a worker cannot start another run between the listing and the kill.
            for pid in [process.pid, *_descendants(process.pid)]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            process.wait(30)

    def _run(self, name: str, *command: str) -> None:
        with (self.folder / f"{name}.log").open("wb") as log:
            self.started[name] = subprocess.Popen(
                [_script(command[0]), *command[1:]],
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )


PATIENCE = 3  # a busy machine takes so many times as long as a quiet one; no test is about time


def wait_for(true: Callable[[], object], *, seconds: float, what: str, log: Callable[[], str]) -> None:
    """Ask twice a second until *true* holds; fails with the end of *log* when the time is over.

    *seconds*: what a quiet machine surely keeps to.
    """
    seconds *= PATIENCE
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if true():
            return
        time.sleep(0.5)
    raise AssertionError(f"after {seconds:g} s still not: {what}\n{log()}")


def _script(name: str) -> str:
    if Path(name).is_absolute():
        return name
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    assert found, f"{name} is not installed beside {sys.executable}"
    return found


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def _descendants(pid: int) -> list[int]:
    """All processes below *pid*; it and they are halted while they are listed."""
    try:
        os.kill(pid, signal.SIGSTOP)
    except ProcessLookupError:
        return []
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True).stdout
    return [below for child in map(int, listed.split()) for below in (child, *_descendants(child))]
