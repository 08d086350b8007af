"""A real `ratoon up` in a folder of its own, that is surely stopped; and the means to kill what it started."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from base64 import b64encode
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from running import free_ports, wait_for

from ratoon.servers.addresses import Addresses
from ratoon.servers.processes import end, living, marked

RATOON = [sys.executable, "-m", "ratoon.cli.main"]


@dataclass
class Upped:
    """The installation of the project in *folder*; *environment* is that of a terminal without servers' names."""

    folder: Path
    environment: dict[str, str]
    process: subprocess.Popen[bytes] | None = None
    _read: int = field(default=0)

    @classmethod
    def on_free_ports(cls, folder: Path, **more: str) -> Upped:
        names = ("RATOON_PREFECT_PORT", "RATOON_MLFLOW_PORT", "RATOON_EVIDENTLY_PORT", "RATOON_HOOKS_PORT")
        ports = {name: str(port) for name, port in zip(names, free_ports(len(names)), strict=True)}
        foreign = ("PREFECT_", "MLFLOW_", "RATOON_")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        return cls(folder, kept | ports | more)

    @property
    def home(self) -> Path:
        return self.folder / ".ratoon"

    @property
    def where(self) -> Addresses:
        return Addresses.model_validate_json((self.home / "servers.json").read_text())

    @property
    def password(self) -> str:
        """What Prefect's server asks for."""
        return self.where.credentials()["PREFECT_API_AUTH_STRING"]

    @property
    def log(self) -> str:
        """What this start of `ratoon up` has printed so far."""
        return (self.folder / "up.log").read_text()[self._read :]

    def start(self) -> None:
        """Start, and wait for the table of addresses."""
        file = self.folder / "up.log"
        self._read = len(file.read_text()) if file.exists() else 0
        with file.open("ab") as log:
            self.process = subprocess.Popen(
                [*RATOON, "up"],
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.await_note("Ctrl-C stops them")

    def stop(self) -> int:
        """As Ctrl-C does; returns the exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        return self.process.wait(240)

    def clean_up(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        end(lambda: marked(self.home), patience=2)

    def await_note(self, text: str, *, seconds: float = 300) -> None:
        def there() -> bool:
            code = self.process.poll() if self.process else 0
            assert code is None or text in self.log, f"`ratoon up` ended with {code}:\n{self.log}"
            return text in self.log

        wait_for(there, seconds=seconds, what=f"«{text}» from `ratoon up`", log=lambda: self.log)

    def kill(self, server: str) -> None:
        """SIGKILL, at once, to the server whose command holds these words and to all that it started."""
        found = {each.pid: each for each in marked(self.home)}
        heads = [pid for pid in found if server in _command(pid)]
        assert heads, f"no process of {server!r} among {[_command(pid) for pid in found]}"
        victims = [pid for pid in found if any(_is_below(pid, head, found) for head in heads)]
        for pid in victims:
            os.kill(pid, signal.SIGKILL)

    def kill_up_itself(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def ratoon(self, *arguments: str) -> str:
        """One command, as in a second terminal."""
        done = subprocess.run(
            [*RATOON, *arguments],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=900,
        )
        assert done.returncode == 0, f"{arguments} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def prefect(self, path: str, body: dict[str, Any] | None = None) -> Any:
        address = f"{self.where.prefect}/api/{path}"
        data = None if body is None else json.dumps(body).encode()
        login = b64encode(self.password.encode()).decode()
        headers = {"Content-Type": "application/json", "Authorization": f"Basic {login}"}
        request = urllib.request.Request(address, data, headers)
        until = time.monotonic() + 270  # it may be the one that was killed
        while True:
            try:
                with urllib.request.urlopen(request, timeout=60) as answer:
                    return json.load(answer)
            except urllib.error.HTTPError:
                raise
            except OSError:
                if time.monotonic() > until:
                    raise
                time.sleep(1)


def processes_of(run: str) -> list[int]:
    """The processes that carry out this Prefect run."""
    return [each.pid for each in living() if each.run == run]


def _is_below(pid: int, head: int, found: dict[int, Any]) -> bool:
    while pid in found:
        if pid == head:
            return True
        pid = found[pid].parent
    return False


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""
