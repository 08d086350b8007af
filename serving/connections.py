"""What one connection may take of a replica: uvicorn itself waits for ever for a request to be whole."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ..spec.keys.serving import ServingLimits

HEAD = 64 * 1024  # bytes of a request's head


def settings(limits: ServingLimits) -> dict[str, Any]:
    """Settings for uvicorn, by which connections keep to *limits*."""
    made = type(
        "Limited",
        (Limited,),
        {
            "whole_within": limits.time.total_seconds(),
            "idle": limits.idle.total_seconds(),
            "most": limits.connections,
        },
    )
    return {
        "http": made,
        "ws": "none",
        "timeout_keep_alive": int(limits.idle.total_seconds()),
        "server_header": False,
        "proxy_headers": False,
        "access_log": False,
        "log_config": None,
    }


class Limited(HttpToolsProtocol):
    """A connection that is cut where its request is not whole in time, and where a newer one needs its place."""

    whole_within: float
    idle: float
    most: int

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        if len(self.connections) >= self.most:
            _make_room(self.connections)
        super().connection_made(transport)
        self._since: float | None = self.loop.time()  # when the connection, or its unfinished request, began
        self._begun = False  # whether a request has begun and is not whole
        self._head = 0
        self._timer = self.loop.call_later(self.whole_within, self._look)
        if len(self.connections) > self.most:
            transport.abort()  # all others are at work

    def connection_lost(self, exc: Exception | None) -> None:
        self._timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._begun and self._head > HEAD:
            self.transport.abort()
            return
        if self._begun:
            self._head += len(data)
        super().data_received(data)

    def on_message_begin(self) -> None:
        self._since, self._begun, self._head = self.loop.time(), True, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._begun = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._since = None
        super().on_message_complete()

    def _look(self) -> None:
        """Cut a connection whose request, or first request, has not come in time."""
        waits = self.loop.time() - self._since if self._since is not None else 0.0
        if waits >= self.whole_within:
            self.transport.abort()
            return
        self._timer = self.loop.call_later(max(self.whole_within - waits, 0.05), self._look)

    @property
    def idle_since(self) -> float | None:
        """Since when nothing is lost with it: no request, or one that is not whole; None while one is answered."""
        answering = self.cycle is not None and not self.cycle.response_complete and self._since is None
        if answering or self.transport.is_closing():
            return None
        return self._since or 0.0


def _make_room(connections: set[Any]) -> None:
    """Close the connection that has been idle the longest."""
    idle = [(each.idle_since, each) for each in connections if isinstance(each, Limited)]
    known = [(since, each) for since, each in idle if since is not None]
    if known:
        oldest = min(known, key=lambda each: each[0])[1]
        connections.discard(oldest)
        oldest.transport.abort()
