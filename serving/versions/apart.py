"""A version that runs code of its own answers from a process of its own: its code never enters the replica."""

from __future__ import annotations

import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
import orjson
import pandas as pd

from ...models.learning.state import TrainingState
from ...spec.errors import Refused, RegistryError, Unavailable
from ...system.processes import kill_with_children
from .frames import from_table, receive, send
from .prepared import Answer


class Apart:
    """The process of one version. It is started again where it ended; one table is asked at a time.

    *state* and *probabilistic* are the version's. Raises RegistryError where the version does not load and verify.
    """

    def __init__(self, spec: Path, number: str, *, seconds: float, start_seconds: float = 120.0) -> None:
        self._command = [sys.executable, "-P", "-m", "ratoon.serving.versions.worker", str(spec), number]
        self._number, self._seconds, self._start_seconds = number, seconds, start_seconds
        self._lock, self._closed = threading.Lock(), False
        self._process, hello = self._start()
        self.state = TrainingState.model_validate_json(str(hello["state"]))
        self.probabilistic = bool(hello["probabilistic"])

    def __call__(self, X: pd.DataFrame) -> Answer:
        """As `Answering`. Raises Unavailable where the process ended or took longer than it may; the next call finds
        another."""
        with self._lock:
            if self._closed:
                raise Unavailable(f"version {self._number} is served no more")
            if self._process.poll() is not None:
                self._process, _ = self._start()
            found = self._ask(self._process, from_table(X), self._seconds)
        if "error" in found:
            raise Refused(str(found["error"]))
        scores = found["scores"]
        prediction = np.asarray(found["prediction"], dtype=object)
        if not any(isinstance(each, str) for each in prediction[:1]):
            prediction = np.asarray(found["prediction"])
        return Answer(prediction, None if scores is None else np.asarray(scores, dtype=np.float64))

    def close(self) -> None:
        """End the process, once it has answered what it was asked."""
        with self._lock:
            self._closed = True
            self._end(self._process)

    @property
    def pid(self) -> int:
        """Of the process that answers now."""
        return self._process.pid

    def _start(self) -> tuple[subprocess.Popen[bytes], dict[str, object]]:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and module, no shell
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
        )
        hello = self._ask(process, None, self._start_seconds)
        if "error" in hello:
            self._end(process)
            raise RegistryError(str(hello["error"]))
        return process, hello

    def _ask(self, process: subprocess.Popen[bytes], content: bytes | None, seconds: float) -> dict[str, object]:
        late = threading.Timer(seconds, kill_with_children, [process.pid])
        late.daemon = True
        late.start()
        try:
            if content is not None:
                send(cast(BinaryIO, process.stdin), content)
            answer = receive(cast(BinaryIO, process.stdout))
        except (OSError, ValueError):
            answer = None
        finally:
            late.cancel()
        if answer is None:
            self._end(process)
            raise Unavailable(
                f"the process of version {self._number} ended, or took longer than {seconds:g} s; it is started again"
            )
        found: dict[str, object] = orjson.loads(answer)
        return found

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        with suppress(OSError):
            if process.stdin is not None:
                process.stdin.close()
        kill_with_children(process.pid)
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
