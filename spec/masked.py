"""Addresses, connection strings and headers without their secrets, for everything that people and programs may read.

It rather masks too much than too little: a text that only looks like a secret loses a word, a secret that is shown
must be changed everywhere.
"""

from __future__ import annotations

import re

MASK = "***"
_QUOTED = r"'(?:[^'\\]|\\.|'')*'|\"(?:[^\"\\]|\\.)*\""
_KEY = (
    r"(?:[\w.-]{0,60}(?:password|passwd|passphrase|pwd|secret|token|credentials?|api[_-]?key|access[_-]?key|account[_-]?key"
    r"|private[_-]?key|shared[_-]?access[_-]?signature|signature)[\w-]{0,60}|(?:sig|auth))"
)
# scheme://user:secret@host, up to the last @ before a blank; the user may be left out, and so may the host (a socket).
_USERINFO = re.compile(r"(?P<scheme>[A-Za-z][\w+.-]{0,40}://)(?P<user>[^\s/@:?#]*):(?P<secret>\S*)@")
# An address in quotes ends with them, unless its secret holds a quote, as only that of one without an end does
_IN_QUOTES = re.compile(
    r"(?P<open>['\"`])(?P<scheme>[A-Za-z][\w+.-]{0,40}://)(?P<user>[^\s/@:?#'\"`]*):(?P<secret>[^\s'\"`]*)@"
)
_PORT = re.compile(r"\d{1,5}(?:[/?#]|$)")  # host:5000/path@x of the web, and no password
_WEB = re.compile(r"https?://", re.IGNORECASE)
_WEB_TOKEN = re.compile(r"(?P<scheme>https?://)[^\s/?#@:'\"]+@", re.IGNORECASE)
_ASSIGNED = re.compile(rf"(?i)(?<![\w-])(?P<key>{_KEY})(?P<sign>\s*=\s*)(?!=)(?:{_QUOTED}|[^\s,;&'\"]+)")
_NAMED = re.compile(rf"(?i)(?P<quote>['\"])(?P<key>{_KEY})(?P=quote)(?P<sign>\s*[:,]\s*)(?:{_QUOTED})")
_LINE = re.compile(rf"(?im)^(?P<key>\s*(?:-\s+)?{_KEY})(?P<sign>:\s+)(?:{_QUOTED}|[^\s'\"]+)(?P<end>\s*)$")
_HEADER = re.compile(r"(?i)\b(?P<kind>bearer|basic|digest|token)(?P<gap>\s+)(?P<secret>[\w.~+/=-]{12,})")
_LOGIN = re.compile(r"(?P<scheme>https?://)[^\s/?#]*@")


def masked(text: str) -> str:
    """*text* with the secrets in it as `***`: `postgresql://user:***@host/db`, `password=***`, `Bearer ***`.

    Known are logins in addresses (up to the last `@` before the next blank, so that a secret may hold any other mark),
    tokens that stand for a login, and values of keys that are named as secrets are: in queries, in libpq's connection
    strings, in assignments, JSON, YAML and headers.
    """
    text = _IN_QUOTES.sub(_login, text)
    text = _USERINFO.sub(_login, text)
    text = _WEB_TOKEN.sub(rf"\g<scheme>{MASK}@", text)
    text = _ASSIGNED.sub(rf"\g<key>\g<sign>{MASK}", text)
    text = _NAMED.sub(rf"\g<quote>\g<key>\g<quote>\g<sign>\g<quote>{MASK}\g<quote>", text)
    text = _LINE.sub(rf"\g<key>\g<sign>{MASK}\g<end>", text)
    return _HEADER.sub(rf"\g<kind>\g<gap>{MASK}", text)


def _login(found: re.Match[str]) -> str:
    scheme, secret = found["scheme"], found["secret"]
    if _WEB.fullmatch(scheme) and _PORT.match(secret) and found["user"]:
        return found[0]
    return f"{found.groupdict().get('open') or ''}{scheme}{found['user']}:{MASK}@"


def without_login(address: str) -> str:
    """A web address without user and password, for links: the reader signs in as themselves."""
    return _LOGIN.sub(r"\g<scheme>", address, count=1)
