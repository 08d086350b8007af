"""Whose requests a server answers: programs', and browsers' only from its own pages under its own names.

Every page of the web may let its reader's browser send requests to this machine, and a name of its owner's may be made
to point here (DNS rebinding), so that the browser takes the answers for the page's own. Neither can hide where it
comes from: browsers send `Origin` and `Host` themselves. Prefect's and Evidently's servers look at neither; MLflow's
looks at both by itself.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Callable[[], Awaitable[Message]], Send], Awaitable[None]]

LOOPBACK = ("localhost", "127.0.0.1", "::1")
_PORTS = {"http": 80, "https": 443}
_HEADERS = ((b"x-frame-options", b"SAMEORIGIN"), (b"x-content-type-options", b"nosniff"))


class OwnPages:
    """ASGI middleware that answers 403 to requests under foreign names and from foreign pages, websockets included.

    Answered are hosts that are addresses (a name can be made to point here, an address cannot), `localhost` and
    *names*; and pages of the host that was asked, of *names*, and of this machine under the same port.
    """

    def __init__(self, app: App, names: Iterable[str] = ()) -> None:
        self._app = app
        self._names = frozenset(name.lower() for name in names)

    async def __call__(self, scope: Message, receive: Callable[[], Awaitable[Message]], send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        wrong = self._wrong(scope["headers"])
        if wrong is None:
            await self._app(scope, receive, _unframed(send))
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": "refused"})
        else:
            await _refuse(send, wrong)

    def _wrong(self, headers: Iterable[tuple[bytes, bytes]]) -> str | None:
        """Why a request with these headers is not answered; None for one that is."""
        sent = [(name.lower(), value.decode("latin-1")) for name, value in headers]
        hosts = [value for name, value in sent if name == b"host"]
        here = _place(hosts[0]) if len(hosts) == 1 else None
        if here is None:
            return "the request needs one header Host"
        if not (here[0] in self._names or here[0] in LOOPBACK or _is_address(here[0])):
            return f"the host {here[0][:100]!r} is none of this server's names: RATOON_ALLOWED_HOSTS adds it"
        for origin in (value for name, value in sent if name == b"origin"):
            if not self._is_own(origin, here):
                return f"pages of {origin[:100]!r} may not ask this server: RATOON_ALLOWED_HOSTS adds their host"
        return None

    def _is_own(self, origin: str, here: tuple[str, int | None]) -> bool:
        scheme, _, rest = origin.partition("://")
        place = _place(rest) if scheme in _PORTS else None
        if place is None:  # `null` too: a sandboxed frame, a file
            return False
        if place[0] in self._names:
            return True
        same = place[0] == here[0] or (place[0] in LOOPBACK and here[0] in LOOPBACK)
        return same and (place[1] or _PORTS[scheme]) == (here[1] or _PORTS[scheme])


def _place(text: str) -> tuple[str, int | None] | None:
    """Host and port of `host:port`; None for anything else."""
    try:
        parts = urlsplit(f"//{text}")
        port = parts.port
    except ValueError:
        return None
    if not parts.hostname or parts.netloc != text or "@" in text:
        return None
    return parts.hostname.rstrip("."), port


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _unframed(send: Send) -> Send:
    """Let no other page show the answers within itself, nor take them for another kind of file."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            said = list(message.get("headers", []))
            known = {name.lower() for name, _ in said}
            message["headers"] = [*said, *(each for each in _HEADERS if each[0] not in known)]
        await send(message)

    return sending


async def _refuse(send: Send, why: str) -> None:
    body = f"Not answered: {why}\n".encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8"), *_HEADERS]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": body})
