"""Around every request: its time and status for the metrics, and a line of the access log without secrets."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, MutableMapping
from datetime import UTC, datetime
from typing import Any

import orjson

from .replica import Replica

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

_access = logging.getLogger("ratoon.access")


class Observed:
    """ASGI middleware. A line has the route rather than the address, no header and no body: keys and rows stay out."""

    def __init__(self, app: App, replica: Replica) -> None:
        self._app, self._replica = app, replica

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = time.perf_counter(), 500

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                if self._replica.draining:  # the next request of this client goes to another replica
                    message["headers"] = [*message["headers"], (b"connection", b"close")]
            await send(message)

        try:
            await self._app(scope, receive, sending)
        finally:
            seconds = time.perf_counter() - began
            route = getattr(scope.get("route"), "path", None) or "none"
            self._replica.metrics.request(route, status, seconds)
            if self._replica.serving.access_log and _access.isEnabledFor(logging.INFO):
                _access.info(_line(scope, route, status, seconds))


def _line(scope: Message, route: str, status: int, seconds: float) -> str:
    version, name, rows, key = scope.get("ratoon", ("", "", 0, "-"))
    client = scope.get("client")
    return orjson.dumps(
        {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "method": scope["method"],
            "route": route,
            "status": status,
            "ms": round(seconds * 1000, 3),
            "rows": rows,
            "version": version,
            "id": name,
            "key": key,
            "client": client[0] if client else "",
        }
    ).decode()
