"""Several replicas behind one port: a process each, started again if it ends, stopped together."""

from __future__ import annotations

import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Sequence

from ..spec.errors import Refused
from .server import CAN_SHARE, listen

_log = logging.getLogger("ratoon.serving")
TRIES, WITHIN = 5, 600.0  # a replica may end so often in so many seconds
SOCKET = "RATOON_SERVING_SOCKET"  # the number of the inherited socket, if the kernel cannot share a port


class Replicas:
    """The processes of one model. *command* is a replica's, to which its number is added."""

    def __init__(self, command: Sequence[str], count: int, host: str, port: int, *, grace: float) -> None:
        self._command, self._grace = list(command), grace
        # Held without listening, it keeps others from the port; where it cannot be shared all replicas take from it.
        self._held = listen(host, port, shared=CAN_SHARE)
        if not CAN_SHARE:
            self._held.listen(2048)
        self.port: int = self._held.getsockname()[1]
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        self._ended: dict[int, deque[float]] = {each: deque(maxlen=TRIES) for each in range(count)}
        self._asked = threading.Event()

    def run(self) -> None:
        """Start all, and watch over them until a signal. Raises Refused where one ends again and again."""
        before = {name: signal.signal(name, lambda *_: self._asked.set()) for name in (signal.SIGINT, signal.SIGTERM)}
        try:
            for number in self._ended:
                self._processes[number] = self._start(number)
            while not self._asked.wait(0.5):
                self._look()
        finally:
            self._stop()
            self._held.close()
            for name, handler in before.items():
                signal.signal(name, handler)

    def _start(self, number: int) -> subprocess.Popen[bytes]:
        command = [*self._command, "--port", str(self.port), "--replica", str(number)]
        inherited: dict[str, str] = {} if CAN_SHARE else {SOCKET: str(self._held.fileno())}
        return subprocess.Popen(  # noqa: S603 - our own command
            command,
            env={**os.environ, **inherited},
            pass_fds=() if CAN_SHARE else (self._held.fileno(),),
            start_new_session=True,  # Ctrl-C reaches this process alone, which drains them
        )

    def _look(self) -> None:
        for number, process in list(self._processes.items()):
            if process.poll() is None:
                continue
            now, ended = time.monotonic(), self._ended[number]
            if len(ended) == TRIES and now - ended[0] < WITHIN:
                raise Refused(
                    f"replica {number} ended again (exit code {process.returncode}), for the {TRIES + 1}th time within "
                    "minutes; all replicas were stopped. What it printed says why."
                )
            ended.append(now)
            _log.error("replica %d ended (exit code %s); it is started again", number, process.returncode)
            self._processes[number] = self._start(number)

    def _stop(self) -> None:
        living = [each for each in self._processes.values() if each.poll() is None]
        for process in living:
            process.terminate()
        until = time.monotonic() + self._grace
        for process in living:
            try:
                process.wait(max(until - time.monotonic(), 0.1))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def socket_for(host: str, port: int, *, shared: bool) -> socket.socket:
    """The socket of one replica: its own, or the one that it inherited. Refused where the port cannot be had."""
    number = os.environ.get(SOCKET)
    if shared and number is not None:
        return socket.socket(fileno=int(number))
    try:
        return listen(host, port, shared=shared and CAN_SHARE)
    except OSError as error:
        raise Refused(
            f"port {port} on {host} cannot be used: {error.strerror}. Nothing was started. Stop what listens there, or "
            "set serving.port (or --port) to another."
        ) from None


def replica_command(spec: str) -> list[str]:
    """`ratoon serve SPEC` as a process."""
    return [sys.executable, "-m", "ratoon.cli.main", "serve", spec]
