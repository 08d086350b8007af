"""API keys: who may predict, send labels, and administrate. Only hashes are kept.

A line is `name scopes sha256:HEX`, such as `shop predict,learn sha256:9f86…`; `#` begins a comment. Keys are long
random texts (`ratoon new-key` makes one), so that a plain SHA-256 cannot be searched through.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Literal, get_args

from ..spec.errors import BadInput
from .protocol.errors import RequestError

Scope = Literal["predict", "learn", "admin"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
VARIABLE = "RATOON_API_KEYS"
_LINE = re.compile(r"(?P<name>[\w.-]{1,60})\s+(?P<scopes>[a-z]+(?:,[a-z]+)*)\s+sha256:(?P<hash>[0-9a-f]{64})")
_FROM = {b"authorization": "bearer ", b"x-api-key": ""}


@dataclass(frozen=True)
class Key:
    """One key's *name*, for logs, and what it may do; `admin` may do everything."""

    name: str
    scopes: frozenset[str]

    def may(self, scope: Scope) -> bool:
        """Whether it has *scope*."""
        return scope in self.scopes or "admin" in self.scopes


ANYBODY = Key("-", frozenset(SCOPES))


class Keys:
    """The keys by their hashes. Without any, everybody may do everything: on loopback alone."""

    def __init__(self, by_hash: Mapping[str, Key]) -> None:
        self._by_hash = dict(by_hash)

    def __bool__(self) -> bool:
        return bool(self._by_hash)

    @classmethod
    def read(cls, text: str, where: str) -> Keys:
        """The keys in *text*, lines or parts between `;`. BadInput names *where* and the line that is none."""
        found: dict[str, Key] = {}
        for number, line in enumerate(re.split(r"[\n;]", text), start=1):
            line = line.partition("#")[0].strip()
            if not line:
                continue
            match = _LINE.fullmatch(line)
            scopes = frozenset(match["scopes"].split(",")) if match else frozenset()
            if match is None or not scopes <= set(SCOPES):
                raise BadInput(
                    f"{where}, line {number}: expected `name scopes sha256:HEX`, with scopes of {', '.join(SCOPES)}, "
                    "such as `ratoon new-key` prints. Nothing was started."
                )
            found[match["hash"]] = Key(match["name"], scopes)
        return cls(found)

    def allow(self, headers: list[tuple[bytes, bytes]], scope: Scope) -> Key:
        """Whose request this is. Raises RequestError: 401 for no key or an unknown one, 403 for one without *scope*."""
        if not self._by_hash:
            return ANYBODY
        sent = _sent(headers)
        if sent is None:
            raise RequestError(401, "an API key is needed: `Authorization: Bearer KEY`, or `X-API-Key: KEY`")
        key = self._by_hash.get(hashed(sent))
        if key is None:
            raise RequestError(401, "the API key is unknown")
        if not key.may(scope):
            raise RequestError(403, f"the API key {key.name!r} has no scope {scope!r}")
        return key


def _sent(headers: list[tuple[bytes, bytes]]) -> str | None:
    for name, value in headers:
        prefix = _FROM.get(name)
        if prefix is not None:
            text = value.decode("latin-1").strip()
            if text[: len(prefix)].lower() == prefix:
                return text[len(prefix) :].strip()
    return None


def hashed(key: str) -> str:
    """As a line holds it."""
    return hashlib.sha256(key.encode()).hexdigest()


def new_key(name: str, scopes: tuple[Scope, ...]) -> tuple[str, str]:
    """A new key, which is shown once, and the line for the file."""
    key = secrets.token_urlsafe(32)
    return key, f"{name} {','.join(scopes)} sha256:{hashed(key)}"


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach what listens on *host*."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
