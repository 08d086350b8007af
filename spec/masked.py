"""Addresses, connection strings and headers without their secrets, for everything that people and programs may read.

It rather masks too much than too little: a text that only looks like a secret loses a word, a secret that is shown
must be changed everywhere.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from urllib.parse import quote, quote_plus, unquote

MASK = "***"
MOST = 20_000  # characters
_QUOTED = r"'(?:[^'\\]|\\.|'')*'|\"(?:[^\"\\]|\\.)*\""
_WORDS = r"password|passwd|passphrase|pwd|secret[_-]?(?:access[_-]?)?key|api[_-]?key|auth[_-]?string"
_KEY = (
    rf"(?:[\w.-]{{0,60}}(?:{_WORDS}|secret|token|credentials?|access[_-]?key|account[_-]?key|private[_-]?key"
    r"|shared[_-]?access[_-]?signature|signature|cookie)[\w-]{0,60}|(?:sig|auth|pass|pw|psw))"
)
_SCHEME = r"(?P<scheme>[A-Za-z][\w+.-]{0,40}:\\?/\\?/)"
# scheme://user:secret@host, up to the last @ before a blank; the user may be left out, and so may the host (a socket).
_USERINFO = re.compile(rf"{_SCHEME}(?P<user>[^\s/@:?#]*):(?P<secret>\S{{0,4000}})@")
# An address in quotes ends with them, unless its secret holds a quote, as only that of one without an end does
_IN_QUOTES = re.compile(
    rf"(?P<open>['\"`]){_SCHEME}(?P<user>[^\s/@:?#'\"`]*):(?P<secret>[^'\"`\n]{{0,4000}})@(?=[^'\"`\n]{{0,4000}}(?P=open))"
)
# One that ends too early: cut off in a message, or with a blank in its secret
_UNFINISHED = re.compile(
    rf"{_SCHEME}(?P<user>[^\s/@:?#\[]*):(?!\d{{1,5}}(?:[\s/?#'\"`),.;\]}}]|$)|\*\*\*)(?P<secret>\S+(?:[^\S\n]+[^\s'\"`]+@)?)"
)
_ENCODED = re.compile(r"(?i)(?P<user>%2F%2F[^\s%/]{0,60})(?P<sign>%3A|:)(?P<secret>[^\s'\"]*?)(?P<end>%40|@)")
# The same without a scheme, as drivers repeat it
_BARE = re.compile(r"(?<![\w@:.-])(?P<user>[A-Za-z_][\w.+-]{0,60}):(?P<secret>[^\s:@/'\"`,;()<>]{3,200})@(?=[\w\[%/.])")
# libpq on an address whose secret holds a sign that ends it
_MISREAD = re.compile(
    r"(?i)(?P<what>(?:host name|hostaddr|port(?: number)?|integer value|service|option)[: ]+\")(?P<secret>[^\"\n]*)@"
)
_PORT = re.compile(r"\d{1,5}(?:[/?#]|$)")  # host:5000/path@x of the web, and no password
_WEB = re.compile(r"https?:\\?/\\?/", re.IGNORECASE)
_WEB_TOKEN = re.compile(r"(?P<scheme>https?://)[^\s/?#@:'\"]+@", re.IGNORECASE)
_CALLED = r"\w{0,40}\([^()\n]*\)"  # ('user', 'secret'), BasicAuth(…), SecretStr(…)
_ASSIGNED = re.compile(
    rf"(?i)(?<![\w-])(?P<key>{_KEY})(?P<sign>\s*=\s*)(?!=)(?:{_CALLED}|\{{[^}}\n]*\}}|{_QUOTED}|[^\s,;&'\"]+)"
)
_NAMED = re.compile(
    rf"(?i)(?P<quote>\\*['\"])(?P<key>{_KEY})(?P=quote)(?P<sign>\s*[:,]\s*)(?:\\+\"[^\"\\]*\\+\"|{_QUOTED})"
)
_LINE = re.compile(rf"(?im)^(?P<key>\s*(?:-\s+)?{_KEY})(?P<sign>:\s+)(?:{_QUOTED}|[^\s'\"]+)(?P<end>\s*)$")
_SAID = re.compile(rf"(?i)\b(?P<key>[\w.-]{{0,60}}(?:{_WORDS}))(?P<sign>:\s+)(?:{_QUOTED}|[^\s'\",;]+)")
_SQL = re.compile(rf"(?i)\b(?P<key>password|passwd|passphrase|secret|identified\s+by)(?P<gap>\s+)(?:{_QUOTED})")
_OPTION = re.compile(rf"(?i)(?P<key>(?<![\w-])--?{_KEY})(?P<gap>\s+)(?!-)(?:{_QUOTED}|\S+)")
_WRAPPED = re.compile(rf"\b(?P<kind>Secret(?:Str|Bytes))\(b?(?:{_QUOTED})\)")
_HEADER = re.compile(r"(?i)\b(?P<kind>bearer|basic|digest|token)(?P<gap>\s+)(?P<secret>[\w.~+/=-]{12,})")
# Whatever scheme it names, which may be none that we know
_AUTHORIZATION = re.compile(
    r"(?i)(?P<key>(?:proxy-)?authorization\\*['\"]?\s*[:=,]\s*\\*['\"]?(?:[a-z][\w-]{0,30}[ \t]+)?)"
    r"(?!\*\*\*)[^\s'\",;\\]+"
)
# Addresses that are secrets themselves: who knows them may post
_HOOK = re.compile(
    r"(?i)(?P<place>https?:\\?/\\?/(?:hooks\.slack\.com\\?/(?:services|workflows|triggers)|(?:[\w-]{1,40}\.)?discord(?:app)?\.com"
    r"\\?/api(?:\\?/v\d{1,3})?\\?/webhooks|[\w-]{1,60}\.webhook\.office\.com\\?/webhookb2|api\.telegram\.org)\\?/)[^\s'\"?#]+"
)
_QUERY = re.compile(r"(?i)(?P<key>[?&#](?:[\w.-]{0,40}[_-])?key=)[^\s&#'\"]{6,}")
_COOKIE = re.compile(r"(?i)\b(?P<kind>(?:set-)?cookie)(?P<sign>:\s*)[^\r\n]+")
# What services give out, known by its form wherever it stands
_ISSUED = re.compile(
    r"\b(?:(?:AKIA|ASIA)[0-9A-Z]{16}|gh[opsur]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|xox[a-z]-[\w-]{10,}"
    r"|sk-[\w-]{20,}|hf_\w{20,}|pn[ub]_\w{16,}|dapi[0-9a-f]{32}|AIza[\w-]{30,}|eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*)"
)
_PEM = re.compile(r"(-----BEGIN [A-Z ]*PRIVATE KEY-----).*?(-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL)
_LOGIN = re.compile(r"(?P<scheme>https?://)[^\s/?#]*@")
_NAMES = re.compile(rf"(?i){_KEY}\Z")
_ADDRESS = re.compile(r"[A-Za-z][\w+.-]*://[^\s/@:?#]*:(\S+)@\S*")
_NO_SECRETS = frozenset({"PWD", "OLDPWD"})
_LEAST = 8  # characters of a secret that is masked by itself: shorter ones stand within ordinary words


def masked(text: str) -> str:
    """*text* with the secrets in it as `***`: `postgresql://user:***@host/db`, `password=***`, `Bearer ***`.

    Known are logins in addresses (up to the last `@` before the next blank, so that a secret may hold any other mark),
    tokens that stand for a login, and values of keys that are named as secrets are: in queries, in libpq's connection
    strings, in assignments, JSON, YAML, SQL, options and headers; tokens and private keys by their form; and whatever
    this process's environment holds under the name of a secret, wherever it stands. No message has so many characters
    as MOST: what is longer is cut, since looking through it would take minutes.
    """
    if len(text) > MOST:
        text = f"{text[:MOST]}… ({len(text):,} characters)"
    for secret in sorted(_held(), key=len, reverse=True):
        text = text.replace(secret, MASK)
    text = _HOOK.sub(rf"\g<place>{MASK}", text)
    text = _PEM.sub(rf"\1{MASK}\2", text)
    text = _IN_QUOTES.sub(_login, text)
    text = _USERINFO.sub(_login, text)
    text = _UNFINISHED.sub(_unfinished, text)
    text = _WEB_TOKEN.sub(rf"\g<scheme>{MASK}@", text)
    text = _ENCODED.sub(rf"\g<user>\g<sign>{MASK}\g<end>", text)
    text = _BARE.sub(rf"\g<user>:{MASK}@", text)
    text = _MISREAD.sub(rf"\g<what>{MASK}@", text)
    text = _WRAPPED.sub(rf"\g<kind>('{MASK}')", text)
    text = _ASSIGNED.sub(rf"\g<key>\g<sign>{MASK}", text)
    text = _NAMED.sub(rf"\g<quote>\g<key>\g<quote>\g<sign>\g<quote>{MASK}\g<quote>", text)
    text = _LINE.sub(rf"\g<key>\g<sign>{MASK}\g<end>", text)
    text = _SAID.sub(rf"\g<key>\g<sign>{MASK}", text)
    text = _SQL.sub(rf"\g<key>\g<gap>{MASK}", text)
    text = _OPTION.sub(rf"\g<key>\g<gap>{MASK}", text)
    text = _QUERY.sub(rf"\g<key>{MASK}", text)
    text = _AUTHORIZATION.sub(rf"\g<key>{MASK}", text)
    text = _COOKIE.sub(rf"\g<kind>\g<sign>{MASK}", text)
    text = _ISSUED.sub(MASK, text)
    return _HEADER.sub(rf"\g<kind>\g<gap>{MASK}", text)


def _login(found: re.Match[str]) -> str:
    scheme, secret = found["scheme"], found["secret"]
    if _WEB.fullmatch(scheme) and _PORT.match(secret) and found["user"]:
        return found[0]
    return f"{found.groupdict().get('open') or ''}{scheme}{found['user']}:{MASK}@"


def _unfinished(found: re.Match[str]) -> str:
    if MASK in found["secret"]:
        return found[0]
    return f"{found['scheme']}{found['user']}:{MASK}{'@' if found['secret'].endswith('@') else ''}"


def _held() -> Iterator[str]:
    """Secrets of this process's environment, also as addresses write them."""
    for name, value in os.environ.items():
        found = _ADDRESS.fullmatch(value)
        if found and _PORT.match(found[1]):
            continue
        secret = found[1] if found else value
        if not found and (name in _NO_SECRETS or not _NAMES.match(name) or value.startswith("/")):
            continue
        forms = {secret, unquote(secret), quote(secret, safe=""), quote_plus(secret)}
        yield from (form for form in forms if len(form) >= _LEAST)


def without_login(address: str) -> str:
    """A web address without user and password, for links: the reader signs in as themselves."""
    return _LOGIN.sub(r"\g<scheme>", address, count=1)
