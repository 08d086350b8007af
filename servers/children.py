"""The servers as child processes: started with a log each, watched, and started again when one dies."""

from __future__ import annotations

import subprocess
import time
from collections import deque
from collections.abc import Mapping
from pathlib import Path

from ..spec.private import private_files, private_folder
from .services import Service, log_of

TRIES = 5
WITHIN = 600.0  # seconds in which a server may be started again TRIES times
_LONG = 20_000_000  # bytes after which a log is put aside at the next start


class Child:
    """One server of the installation in *home*; start it with `start`."""

    def __init__(self, service: Service, home: Path, base: Mapping[str, str]) -> None:
        self.service = service
        self.log = log_of(home, service)
        self._base = dict(base)
        self._process: subprocess.Popen[bytes] | None = None
        self._again: deque[float] = deque(maxlen=TRIES)
        self.began = 0.0

    @property
    def code(self) -> int | None:
        """How it ended; None while it lives."""
        return None if self._process is None else self._process.poll()

    @property
    def pid(self) -> int:
        """0 before it was started."""
        return 0 if self._process is None else self._process.pid

    def start(self) -> None:
        """Start it in a session of its own, so that Ctrl-C at the terminal reaches `ratoon up` alone."""
        private_folder(self.log.parent)
        if self.log.exists() and self.log.stat().st_size > _LONG:
            self.log.replace(self.log.with_suffix(".old.log"))
        with private_files(), self.log.open("ab") as log:
            log.write(f"\n--- started {time.strftime('%Y-%m-%d %H:%M:%S')}\n".encode())
            log.flush()
            self._process = subprocess.Popen(  # noqa: S603 - our own command
                self.service.command,
                env={**self._base, **self.service.environment},
                cwd=self.log.parent,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.began = time.monotonic()

    def may_start_again(self) -> bool:
        """Whether it has been started again fewer than TRIES times lately; counts this time."""
        now = time.monotonic()
        if len(self._again) == TRIES and now - self._again[0] < WITHIN:
            return False
        self._again.append(now)
        return True

    def ask_to_end(self) -> None:
        """SIGTERM, and no waiting."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()

    def terminate(self, patience: float) -> None:
        """SIGTERM, and SIGKILL after *patience* seconds."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.terminate()
        try:
            self._process.wait(patience)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def last_lines(self, count: int = 15) -> str:
        """The end of its log, of this start only."""
        try:
            text = self.log.read_text(errors="replace")
        except OSError:
            return ""
        return "\n".join(text.rpartition("--- started ")[2].strip().splitlines()[-count:])
