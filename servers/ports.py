"""Ports are looked at before anything starts: a server that finds its port taken dies minutes later, unread."""

from __future__ import annotations

import socket
from collections.abc import Iterable

from ..spec.errors import Refused
from .settings import Settings


def refuse_taken(settings: Settings, servers: Iterable[str]) -> None:
    """Raise Refused, naming port and variable, where one of these servers' ports is taken or two are the same."""
    _refuse_host(settings.host)
    seen: dict[int, str] = {}
    for server in servers:
        port, name = settings.ports[server]
        if port in seen:
            raise Refused(f"${name} and ${seen[port]} are both {port}. Nothing was started. Set one of them apart.")
        seen[port] = name
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the servers do: TIME_WAIT is no bar
            try:
                probe.bind((settings.host, port))
            except OSError as error:
                raise Refused(
                    f"Port {port} on {settings.host}, for {server} (${name}), cannot be used: {error.strerror}. "
                    f"Nothing was started. Stop what listens there, or set {name} to a free port."
                ) from None


def _refuse_host(host: str) -> None:
    with socket.socket() as probe:
        try:
            probe.bind((host, 0))
        except OSError as error:
            raise Refused(
                f"$RATOON_HOST is {host!r}, on which no server can listen: {error.strerror}. Nothing was started. Set "
                "it to an IPv4 address or name of this machine, such as 127.0.0.1, or 0.0.0.0 for all of them."
            ) from None
