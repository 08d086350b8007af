"""An MLflow server of the test's own, with accounts and Ratoon's guard, that sends webhooks."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

ADMIN, REVIEWER, SERVICE = "admin", "rita", "ratoon-service"
PASSWORD = "a long password of the test"  # of all three: the store asks for twelve letters


@dataclass
class Guarded:
    """A running server; `as_user` is what a client of it needs in its environment."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def as_user(self, name: str) -> dict[str, str]:
        return {
            "MLFLOW_TRACKING_URI": self.url,
            "MLFLOW_TRACKING_USERNAME": name,
            "MLFLOW_TRACKING_PASSWORD": PASSWORD,
            "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
        }

    @property
    def log(self) -> str:
        return (self.folder / "mlflow.log").read_text(errors="replace")

    def stop(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(30)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def start_guarded(folder: Path) -> Guarded:
    """Start it and wait until it answers.

    The installed package may be older than the entry point of the plugin: a folder on the path names it.
    """
    plugin = folder / "plugin" / "ratoon_guard_trial-0.dist-info"
    plugin.mkdir(parents=True)
    (plugin / "METADATA").write_text("Metadata-Version: 2.1\nName: ratoon-guard-trial\nVersion: 0\n")
    (plugin / "entry_points.txt").write_text("[mlflow.app]\nratoon-auth = ratoon.servers.registry_guard:create_app\n")
    settings = folder / "auth.ini"
    settings.write_text(
        f"[mlflow]\ndefault_permission = READ\ndatabase_uri = sqlite:///{folder / 'auth.db'}\n"
        "grant_default_workspace_access = true\nauth_cache_ttl_seconds = 60\n"
        "authorization_function = mlflow.server.auth:authenticate_request_basic_auth\n"
    )
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")},
        "PYTHONPATH": os.pathsep.join([str(plugin.parent), *filter(None, [os.environ.get("PYTHONPATH")])]),
        "MLFLOW_AUTH_CONFIG_PATH": str(settings),
        "MLFLOW_AUTH_ADMIN_USERNAME": ADMIN,
        "MLFLOW_AUTH_ADMIN_PASSWORD": PASSWORD,
        "MLFLOW_FLASK_SERVER_SECRET_KEY": "a key of the test",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY": "cmF0b29uLXRyaWFsLWtleS1vZi0zMi1ieXRlcy0uLi4=",
        "MLFLOW_WEBHOOK_ALLOWED_SCHEMES": "http,https",
        "MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS": "true",
        "MLFLOW_WEBHOOK_CACHE_TTL": "1",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "1",
        "OMP_NUM_THREADS": "1",
    }
    port = free_port()
    with (folder / "mlflow.log").open("wb") as log:
        process = subprocess.Popen(
            [
                sys.executable, "-m", "mlflow", "server", "--app-name", "ratoon-auth", "--host", "127.0.0.1",
                "--port", str(port), "-w", "1", "--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}",
                "--artifacts-destination", str(folder / "artifacts"),
            ],
            cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip
    started = Guarded(folder, port, process)
    until = time.monotonic() + 400
    while not _answers(started.url):
        if process.poll() is not None or time.monotonic() > until:
            started.stop()
            raise AssertionError(started.log[-4000:])
        time.sleep(0.5)
    return started


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
