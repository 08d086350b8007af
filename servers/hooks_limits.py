"""What one sender may take of the receiver of webhooks: uvicorn itself waits for ever for a request to be complete."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

SECONDS = 20.0  # for a whole request: MLflow sends one of a few hundred bytes at once
MOST = 100  # connections at a time
_HEADERS = 16 * 1024  # bytes of a request's head


def limits(*, seconds: float = SECONDS, most: int = MOST) -> dict[str, Any]:
    """Settings for uvicorn: requests come within *seconds*, on at most *most* connections of one request each."""
    limited = type("Limited", (_Limited,), {"seconds": seconds, "most": most})
    return {
        "http": limited,
        "ws": "none",
        "h11_max_incomplete_event_size": _HEADERS,
        "headers": [("connection", "close")],
        "server_header": False,
        "proxy_headers": False,
    }


class _Limited(H11Protocol):
    """A connection that is cut where its request is not whole in time, or where a newer one needs its place."""

    seconds: float
    most: int

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        unfinished = [each for each in self.connections if isinstance(each, _Limited) and each._may_be_cut()]
        if len(self.connections) >= self.most and unfinished:
            min(unfinished, key=lambda each: each._began).transport.abort()
        super().connection_made(transport)
        self._began = self.loop.time()
        self._late = self.loop.call_later(self.seconds, self._cut)

    def connection_lost(self, exc: Exception | None) -> None:
        self._late.cancel()
        super().connection_lost(exc)

    def _cut(self) -> None:
        if self._may_be_cut():
            self.transport.abort()

    def _may_be_cut(self) -> bool:
        """Whether nothing is lost with it: its request has not come whole, or is answered."""
        going_on = self.cycle is not None and not self.cycle.more_body and not self.cycle.response_complete
        return not going_on and not self.transport.is_closing()
