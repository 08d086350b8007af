"""Flows in processes of their own, as tests start, kill and await them; see launcher.py."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Ended:
    """How a process ended: by which signal, or with what the flow returned or raised."""

    killed_by: int | None
    result: Any = None
    error: str | None = None
    trace: str = ""

    @property
    def killed(self) -> bool:
        return self.killed_by == signal.SIGKILL


class Processes:
    """The warm parent, and the jobs it was given."""

    def __init__(self, folder: Path, api_url: str) -> None:
        self.folder = folder
        self._numbers = count(1)
        self.lease: float | None = None  # seconds; None: as shipped
        environment = {
            **os.environ,
            "PREFECT_API_URL": api_url,
            "PREFECT_LOGGING_LEVEL": "WARNING",
            "PREFECT_LOGGING_TO_API_ENABLED": "false",
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
        }
        self._log = (folder / "launcher.log").open("w")
        self._parent = subprocess.Popen(
            [sys.executable, "-W", "ignore", str(Path(__file__).with_name("launcher.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            env=environment,
        )

    def start(self, flow: str, *mines: dict[str, Any], **arguments: Any) -> tuple[int, Path]:
        """Start *flow* in a process of its own, with *mines* laid; hand what this returns to `end`."""
        answer = self.folder / f"{next(self._numbers)}-{flow}.json"
        plain = {k: v.isoformat() if hasattr(v, "isoformat") else str(v) for k, v in arguments.items()}
        job = {"flow": flow, "arguments": plain, "mines": list(mines)}
        if self.lease is not None:
            renewed = {"ratoon.loop.holding:RENEWED_EVERY": self.lease / 4}
            job |= {"durations": {"ratoon.ledger.claims:LEASE": self.lease, **renewed}}
        return self._ask({"job": job, "answer": str(answer)})["pid"], answer

    def sleep(self, started: tuple[int, Path]) -> None:
        """Stop a process in the middle of what it does (SIGSTOP), as a machine that is suspended does."""
        os.kill(started[0], signal.SIGSTOP)

    def wake(self, started: tuple[int, Path]) -> None:
        os.kill(started[0], signal.SIGCONT)

    def end(self, started: tuple[int, Path]) -> Ended:
        pid, answer = started
        killed_by = self._ask({"pid": pid, "answer": str(answer)})["killed_by"]
        said = json.loads(answer.read_text()) if answer.exists() else {}
        return Ended(killed_by, **said)

    def run(self, flow: str, *mines: dict[str, Any], **arguments: Any) -> Ended:
        return self.end(self.start(flow, *mines, **arguments))

    def run_all(self, *jobs: tuple[Any, ...], at_once: int = 2) -> list[Ended]:
        """Run jobs (flow, mines, arguments), *at_once* at a time."""
        ended: list[Ended] = []
        for first in range(0, len(jobs), at_once):
            started = [
                self.start(flow, *mines, **arguments) for flow, mines, arguments in jobs[first : first + at_once]
            ]
            ended += [self.end(each) for each in started]
        return ended

    def close(self) -> None:
        if self._parent.stdin is not None:
            self._parent.stdin.close()
        self._parent.wait(60)
        if self._parent.stdout is not None:
            self._parent.stdout.close()
        self._log.close()

    def _ask(self, asked: dict[str, Any]) -> dict[str, Any]:
        assert self._parent.stdin is not None and self._parent.stdout is not None
        self._parent.stdin.write(json.dumps(asked) + "\n")
        self._parent.stdin.flush()
        line = self._parent.stdout.readline()
        assert line, (self.folder / "launcher.log").read_text()[-3000:]
        said: dict[str, Any] = json.loads(line)
        return said


def dies(at: str, when: str = "before", call: int = 1) -> dict[str, Any]:
    """The process kills itself (kill -9) right before or after the *call*-th call of the function *at*."""
    return {"do": "die", "at": at, "when": when, "call": call}


def orphaned(folder: Path, at: str, when: str = "before") -> dict[str, Any]:
    """The flow is killed (kill -9) while its training process is at the function *at*; *folder* gets its `pid`."""
    return {"do": "orphan", "at": at, "when": when, "apart": True, "pid": str(folder / "training.pid")}


def murdered(at: str, when: str = "before") -> dict[str, Any]:
    """The training process kills itself (kill -9) at the function *at*; the flow lives on."""
    return {"do": "die", "at": at, "when": when, "apart": True}


def fails(at: str, when: str = "before") -> dict[str, Any]:
    """The function *at* raises OSError instead of beginning or returning."""
    return {"do": "fail", "at": at, "when": when}


def meets(folder: Path, number: int, at: str) -> dict[str, Any]:
    """Before the function *at*, wait until *number* processes are there."""
    folder.mkdir(exist_ok=True)
    return {"do": "meet", "at": at, "when": "before", "folder": str(folder), "count": number}


def waits(folder: Path, at: str, when: str = "before") -> dict[str, Any]:
    """At the function *at*, leave a file `here` in *folder* and go on when `go` appears there."""
    folder.mkdir(exist_ok=True)
    return {"do": "wait", "at": at, "when": when, "folder": str(folder)}
