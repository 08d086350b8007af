"""The client of the warm parent: what a worker starts for a look, in place of Prefect's engine.

    python -m ratoon.servers.warm

It asks the warm parent of its home (`warm_parent.py`) for a process that has everything imported, lends it its own
environment, folder and streams, and ends as that process ends. Where there is no warm parent, or the run's
environment is not its own, it becomes Prefect's engine itself, as if it had never been here. Only the standard
library is imported: this is all that a look's start costs.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SOCKET = "warm.sock"
HOME = "RATOON_HOME"
ENGINE = "prefect.engine"


@contextmanager
def address(home: Path) -> Iterator[str]:
    """The socket's path, short however long *home* is: paths of sockets may have 107 bytes."""
    folder = os.open(home, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{SOCKET}"
    finally:
        os.close(folder)


def main() -> None:
    """Run one look in a fork of the warm parent, else here."""
    warm = _connected()
    if warm is None:
        os.execv(sys.executable, [sys.executable, "-m", ENGINE])  # noqa: S606 - no shell
    # From here on the run is the fork's: it must not be done twice, whatever happens.
    sys.exit(_wait(warm))


class Warm:
    """A connection to the warm parent, and the fork that it made."""

    def __init__(self, stream: socket.socket, pid: int) -> None:
        self.stream, self.pid = stream, pid


def _connected() -> Warm | None:
    home = os.environ.get(HOME)
    if not home or not hasattr(socket, "send_fds"):
        return None
    stream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with address(Path(home)) as path:
            stream.connect(path)
        asked = json.dumps({"environment": dict(os.environ), "folder": str(Path.cwd())}).encode()
        socket.send_fds(stream, [len(asked).to_bytes(4, "big")], [1, 2])
        stream.sendall(asked)
        answer = json.loads(_line(stream) or "{}")
    except (OSError, ValueError):
        stream.close()
        return None
    if "pid" not in answer:
        print(f"A fresh process: {answer.get('no', 'the warm parent does not answer')}", file=sys.stderr)  # noqa: T201
        stream.close()
        return None
    return Warm(stream, int(answer["pid"]))


def _wait(warm: Warm) -> int:
    """The fork's exit code; signals go on to it. 1 where the warm parent died: its forks die with it."""

    def pass_on(number: int, _frame: object) -> None:
        try:
            os.kill(warm.pid, number)
        except ProcessLookupError:
            return

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, pass_on)
    text = _line(warm.stream)
    if not text:
        pass_on(signal.SIGKILL, None)
        return 1
    code = int(json.loads(text)["code"])
    if code < 0:  # ended by a signal: end the same way, so that whoever waits sees it
        if -code not in (signal.SIGKILL, signal.SIGSTOP):  # whose handling cannot be set, nor need be
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    return code


def _line(stream: socket.socket) -> str:
    """What comes up to the end of a line; empty at the end of the stream."""
    found = b""
    while not found.endswith(b"\n"):
        part = stream.recv(1)
        if not part:
            return ""
        found += part
    return found.decode()


if __name__ == "__main__":
    main()
