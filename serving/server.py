"""One replica as a process: it loads, listens, and on SIGTERM says that it is not ready, answers on, and ends."""

from __future__ import annotations

import logging
import socket
import sys
import time
from types import FrameType

import uvicorn

from .app import create_app
from .connections import settings
from .replica import Replica

_log = logging.getLogger("ratoon.serving")


class DrainingServer(uvicorn.Server):
    """uvicorn, but the first SIGTERM or SIGINT only turns readiness off; it stops after the replica's `drain`.

    A load balancer has that long to look elsewhere, and no request finds a closed port. A second signal stops at once.
    """

    def __init__(self, config: uvicorn.Config, replica: Replica) -> None:
        super().__init__(config)
        self._replica = replica
        self._until: float | None = None  # on the monotonic clock

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to drain; called in a signal handler."""
        if self._replica.draining:
            self.should_exit = True
            return
        self.drain()

    def drain(self) -> None:
        """Turn readiness off, and stop after the drain."""
        self._replica.draining = True
        seconds = self._replica.serving.drain.total_seconds()
        _log.info("%s is not ready any more, and stops in %g s", self._replica.name, seconds)
        self._until = time.monotonic() + seconds

    async def on_tick(self, counter: int) -> bool:
        """Stop once the drain is over."""
        if self._until is not None and time.monotonic() >= self._until:
            self.should_exit = True
        return await super().on_tick(counter)


def server_of(replica: Replica) -> DrainingServer:
    """The server of *replica*, not started."""
    limits = replica.serving.limits
    config = uvicorn.Config(
        create_app(replica),
        lifespan="off",
        backlog=2048,
        timeout_graceful_shutdown=int(limits.time.total_seconds()) + 1,
        **settings(limits),
    )
    return DrainingServer(config, replica)


def run(replica: Replica, listening: socket.socket) -> None:
    """Serve on *listening* until a signal; the versions load meanwhile, and readiness waits for the first."""
    server = server_of(replica)
    replica.follower.start()
    try:
        server.run(sockets=[listening])
    finally:
        replica.close()


def listen(host: str, port: int, *, shared: bool) -> socket.socket:
    """A listening socket; *shared*: other replicas listen on the same port, if the kernel can (SO_REUSEPORT).

    Raises OSError where the address cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    found = socket.socket(family)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shared:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        found.bind((host, port))
    except OSError:
        found.close()
        raise
    found.set_inheritable(True)
    return found


CAN_SHARE = sys.platform == "linux" and hasattr(socket, "SO_REUSEPORT")
