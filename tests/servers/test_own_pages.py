"""Servers answer programs and their own pages, and no page of the web, however it names this machine."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ratoon.servers.own_pages import Message, OwnPages
from ratoon.servers.settings import Settings
from ratoon.spec.errors import BadInput

HERE = "127.0.0.1:4200"


@dataclass
class Server:
    """An ASGI application that notes that it was reached, and says a secret."""

    reached: bool = False
    sent: list[Message] = field(default_factory=list)

    async def __call__(self, scope: Message, receive: Any, send: Any) -> None:
        self.reached = True
        if scope["type"] == "websocket":
            await send({"type": "websocket.accept"})
            return
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"secret"})


@dataclass
class Answer:
    reached: bool
    status: int
    headers: dict[str, str]


def send(*headers: tuple[str, str], kind: str = "http", method: str = "POST", names: tuple[str, ...] = ()) -> Answer:
    server, sent = Server(), []

    async def receive() -> Message:
        return {"type": f"{kind}.connect"}

    async def keep(message: Message) -> None:
        sent.append(message)

    raw = [(name.lower().encode(), value.encode()) for name, value in headers]
    scope = {"type": kind, "method": method, "path": "/api", "headers": raw}
    asyncio.run(OwnPages(server, names)(scope, receive, keep))
    start = sent[0]
    said = {name.decode(): value.decode() for name, value in start.get("headers", [])}
    return Answer(server.reached, start.get("status", 0), said)


def ask(host: str, origin: str | None = None, *, method: str = "POST", names: tuple[str, ...] = ()) -> Answer:
    more = [("Origin", origin)] if origin is not None else []
    return send(("Host", host), *more, method=method, names=names)


@pytest.mark.parametrize(
    "host", [HERE, "localhost:4200", "LOCALHOST:4200", "[::1]:4200", "10.1.2.3:4200", "localhost.", "0.0.0.0:4200"]
)
def test_programs_are_answered_by_every_address_of_this_machine(host: str) -> None:
    """They send no origin; no name of somebody else's is an address."""
    assert ask(host).status == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example", "evil.example:4200", "127.0.0.1.evil.example:4200", "localhost.evil.example", "10.evil.example",
        "evil-localhost", "user@127.0.0.1:4200", "127.0.0.1:4200@evil.example", "127.0.0.1:x", "127.0.0.1/evil.example",
        "[::1", "", "0x7f.1",
    ],
)  # fmt: skip
def test_a_name_that_was_made_to_point_here_is_not_answered(host: str) -> None:
    """DNS rebinding: the page's own name leads here, and its browser takes the answers for the page's."""
    refused = ask(host)
    assert (refused.status, refused.reached) == (403, False)


@pytest.mark.parametrize("origin", [f"http://{HERE}", "http://localhost:4200", "http://[::1]:4200"])
def test_own_pages_are_answered_by_each_of_this_machines_names(origin: str) -> None:
    assert ask(HERE, origin).status == 200


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "OPTIONS"])
@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example", "https://evil.example:4200", "null", "", "http://127.0.0.1:8888", "http://localhost",
        "file://", "http://127.0.0.1.evil.example:4200", "http://evil.example@127.0.0.1:4200", "chrome-extension://abc",
        "http://10.1.2.3:4200", "https://127.0.0.1:4201", "http://127.0.0.1:4200/", "//127.0.0.1:4200",
    ],
)  # fmt: skip
def test_pages_of_others_are_not_answered(origin: str, method: str) -> None:
    """Also not where no answer can be read: the request itself would do the harm."""
    refused = ask(HERE, origin, method=method)
    assert (refused.status, refused.reached) == (403, False)
    assert "access-control-allow-origin" not in refused.headers


def test_two_hosts_or_one_bad_origin_among_good_ones_are_not_answered() -> None:
    assert not send(("Host", HERE), ("Host", "evil.example")).reached
    assert not send(("Host", HERE), ("Origin", f"http://{HERE}"), ("Origin", "http://evil.example")).reached
    assert not send().reached


@pytest.mark.parametrize("origin", ["http://evil.example", "null"])
def test_websockets_are_no_way_round(origin: str) -> None:
    """No browser asks first before it opens one."""
    assert not send(("Host", HERE), ("Origin", origin), kind="websocket").reached
    assert send(("Host", HERE), ("Origin", f"http://{HERE}"), kind="websocket").reached


@pytest.mark.parametrize("host", ["ratoon.example.com", "ratoon.example.com:8443", "127.0.0.1:4200"])
def test_listed_names_are_answered_behind_a_proxy_too(host: str) -> None:
    """Which may end TLS, listen on another port, and ask by this machine's own address."""
    names = Settings(allowed_hosts=" Ratoon.example.com , other").names
    assert ask(host, "https://ratoon.example.com", names=names).status == 200
    assert ask(host, "https://ratoon.example.com.evil.example", names=names).status == 403
    assert ask("ratoon.example.com.evil.example", names=names).status == 403


def test_answers_cannot_be_shown_within_another_page() -> None:
    said = ask(HERE).headers
    assert (said["x-frame-options"], said["x-content-type-options"]) == ("SAMEORIGIN", "nosniff")


@pytest.mark.parametrize("hosts", ["*", "http://name", "name/path", "a b", "name;other", "*.example.com"])
def test_hosts_that_are_no_names_are_refused(hosts: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A wildcard would let everybody in."""
    monkeypatch.setenv("RATOON_ALLOWED_HOSTS", hosts)
    with pytest.raises(BadInput, match="RATOON_ALLOWED_HOSTS"):
        Settings.settle(tmp_path)
