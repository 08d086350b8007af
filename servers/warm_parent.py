"""The warm parent: a process with everything imported, which forks itself for each look.

    python -m ratoon.servers.warm_parent

A look by a fresh process spends most of its CPU on imports. Here each look is still a process of its own, so that
one that crashes, or eats memory, takes no other with it, and all of it is given back at its end; but it is forked
from this one, which has imported the flows, scikit-learn, MLflow and Evidently before. In the fork Prefect's own
engine carries out the run: it is a flow run like any other, can be cancelled, and writes its logs.

This process itself has one thread of Python (jemalloc has one more, and minds forks itself) and opens no file of
Ratoon's, no database and no network: nothing that would be unsafe to share by forking. It serves only runs whose
environment is its own but for Prefect's variables, since libraries read some of it at import; others are told no, and
start afresh. The client (`warm.py`) stands for the fork towards the worker: where the client is killed, so is the fork.
"""

from __future__ import annotations

import gc
import json
import os
import runpy
import selectors
import signal
import socket
import sys
import threading
import warnings
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from .warm import ENGINE, HOME, SOCKET, address

WARM = (
    "skops.io",  # first: its import searches every module that is loaded by then
    "ratoon.flows.monitor",
    "ratoon.flows.review",
    "ratoon.models.registry.mlflow_registry",
    "ratoon.models.families",
    "mlflow.tracking",
    "mlflow.sklearn",
    "mlflow.store.tracking.rest_store",
    "ibis.backends.duckdb",
    "evidently",
    "prefect.flow_engine",
    "prefect.runner",
)
_OF_THE_RUN = "PREFECT_"  # Prefect's settings, which the fork reads again, and its own words for one run
_OF_THE_SHELL = frozenset({"PWD", "OLDPWD", "SHLVL", "_"})


@dataclass(frozen=True)
class Asked:
    """What a client lends: the run's environment, its folder, and its output streams."""

    environment: Mapping[str, str]
    folder: str
    streams: tuple[int, ...]


def main() -> None:
    """Import, listen, fork; returns only in a fork, whose run this is."""
    own = _of_the_process(os.environ)  # before libraries add to it
    for name in WARM:
        with suppress(ImportError), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import_module(name)
    gc.collect()
    gc.freeze()  # what is here by now is shared with every fork: the collector must not touch its pages
    home = Path(os.environ[HOME])
    with address(home) as path:
        (home / SOCKET).unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        before = os.umask(0o177)  # nobody else may ask for a process of this user
        listener.bind(path)
        os.umask(before)
    listener.listen(64)
    print(f"warm: {len(sys.modules)} modules, {threads()} thread", flush=True)  # noqa: T201 - its log
    run = Parent(listener, own).serve()
    carry_out(run)


def threads() -> int:
    """How many threads this process has, those of C libraries included."""
    tasks = Path("/proc/self/task")
    return len(list(tasks.iterdir())) if tasks.is_dir() else threading.active_count()


def carry_out(run: Asked) -> None:
    """In the fork: take over what was lent, and be Prefect's engine."""
    for number, stream in enumerate(run.streams, start=1):
        os.dup2(stream, number)
        os.close(stream)
    os.environ.clear()
    os.environ.update(run.environment)
    os.chdir(run.folder)
    sys.argv = [ENGINE]
    from prefect.context import refresh_global_settings_context

    refresh_global_settings_context()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # "found in sys.modules": that is the purpose
        runpy.run_module(ENGINE, run_name="__main__", alter_sys=True)


class Parent:
    """The loop of the warm parent over *listener*, its clients and its forks; *own* is its environment."""

    def __init__(self, listener: socket.socket, own: Mapping[str, str]) -> None:
        self._listener = listener
        self._clients: dict[int, socket.socket] = {}  # by the fork's process id
        self._own = own
        self._woken, self._wakes = socket.socketpair()
        for each in (self._woken, self._wakes):
            each.setblocking(False)
        self._ready = selectors.DefaultSelector()
        self._ready.register(listener, selectors.EVENT_READ)
        self._ready.register(self._woken, selectors.EVENT_READ)
        signal.set_wakeup_fd(self._wakes.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, lambda *_: self._stop())

    def serve(self) -> Asked:
        """Serve until asked to stop, which ends the process. Returns in a fork only: what it shall carry out."""
        while True:
            for key, _ in self._ready.select():
                if key.fileobj is self._woken:
                    with suppress(BlockingIOError):
                        self._woken.recv(4096)
                elif key.fileobj is self._listener:
                    run = self._accept()
                    if run is not None:
                        return run
                else:
                    self._gone(int(key.data))
            self._reap()

    def _accept(self) -> Asked | None:
        client, _ = self._listener.accept()
        client.settimeout(10.0)
        try:
            asked = _read(client)
        except (OSError, ValueError):
            client.close()
            return None
        differs = self._differs(asked.environment)
        if differs:
            _say(client, {"no": f"these are not as the warm parent has them: {', '.join(differs)}"})
            _close(client, asked.streams)
            return None
        pid = os.fork()
        if pid == 0:
            self._leave()
            client.close()
            return asked
        for stream in asked.streams:
            os.close(stream)
        client.settimeout(None)
        self._clients[pid] = client
        self._ready.register(client, selectors.EVENT_READ, pid)
        _say(client, {"pid": pid})
        return None

    def _differs(self, environment: Mapping[str, str]) -> list[str]:
        theirs = _of_the_process(environment)
        return sorted(name for name in theirs.keys() | self._own.keys() if theirs.get(name) != self._own.get(name))

    def _leave(self) -> None:
        """In the fork: let go of all that is the parent's."""
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        self._ready.close()
        for each in (self._listener, self._woken, self._wakes, *self._clients.values()):
            each.close()

    def _gone(self, pid: int) -> None:
        """A client ended before its fork: nobody waits for that any more, and the worker counts it as dead."""
        client = self._clients.get(pid)
        if client is None:
            return
        self._ready.unregister(client)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            client = self._clients.pop(pid, None)
            if client is not None:
                with suppress(KeyError):
                    self._ready.unregister(client)
                _say(client, {"code": os.waitstatus_to_exitcode(status)})
                client.close()

    def _stop(self) -> None:
        for pid in self._clients:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        sys.exit(0)


def _of_the_process(environment: Mapping[str, str]) -> dict[str, str]:
    return {
        name: value
        for name, value in environment.items()
        if name not in _OF_THE_SHELL and not name.startswith(_OF_THE_RUN)
    }


def _read(client: socket.socket) -> Asked:
    head, streams, _, _ = socket.recv_fds(client, 4, 2)
    try:
        wanted = int.from_bytes(head, "big")
        body = b""
        while len(body) < wanted:
            part = client.recv(wanted - len(body))
            if not part:
                raise ValueError("the client went away")
            body += part
        asked = json.loads(body)
        return Asked(dict(asked["environment"]), str(asked["folder"]), tuple(streams))
    except BaseException:
        for stream in streams:
            os.close(stream)
        raise


def _say(client: socket.socket, answer: Mapping[str, object]) -> None:
    with suppress(OSError):
        client.sendall(json.dumps(answer).encode() + b"\n")


def _close(client: socket.socket, streams: tuple[int, ...]) -> None:
    client.close()
    for stream in streams:
        os.close(stream)


if __name__ == "__main__":
    main()
