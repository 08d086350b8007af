"""Addresses without their secrets, for everything that people and programs may read."""

from __future__ import annotations

import re

MASK = "***"
_USERINFO = re.compile(
    r"(?P<scheme>[A-Za-z][\w+.-]*://)(?P<user>[^\s/@:'\"]*):(?!\d+/)(?P<secret>[^\s'\"]*)@(?=[\w\[.-])"
)
_QUERY = re.compile(r"(?i)(?<=[?&])(?P<key>password|passwd|pwd|token|secret|sslpassword)=[^&\s'\"]+")
_LOGIN = re.compile(r"(?P<scheme>https?://)[^\s/?#]*@")


def masked(text: str) -> str:
    """*text* with the password of every address in it as `***`: `postgresql://user:***@host/db`.

    A password that holds `@` is masked up to the last `@` before the next blank or quote.
    """
    return _QUERY.sub(rf"\g<key>={MASK}", _USERINFO.sub(rf"\g<scheme>\g<user>:{MASK}@", text))


def without_login(address: str) -> str:
    """A web address without user and password, for links: the reader signs in as themselves."""
    return _LOGIN.sub(r"\g<scheme>", address, count=1)
