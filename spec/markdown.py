"""Texts from data, people and libraries within Markdown: they read as they are, and make no markup of their own.

Values of categories, names of columns, reasons and names of actors stand in descriptions and artifacts, which MLflow
(Showdown) and Prefect (marked) draw: a link, an image, a heading or a table's border in them would be drawn too.
"""

from __future__ import annotations

import re

# Code that our sentences quote, such as `gain.pays`: drawn as it is, unless something in it could be markup where a
# renderer pairs backticks in another way.
_CODE = re.compile(r"(?<![`\\])`([^`\n]{1,300})`(?!`)")
_NO_CODE = re.compile(r"[\[\]|\\]|<(?=[A-Za-z/!?])|&#?\w+;|://|www\.", re.IGNORECASE)
_ANYWHERE = re.compile(r"[\\`*\[\]~]|(?<![^\W_])_+|_+(?![^\W_])")  # drift_share stays as it is
_ENTITIES = (
    (re.compile(r"&(?=#?\w+;)"), "&amp;"),
    (re.compile(r"<"), "&lt;"),
    (re.compile(r"\|"), "&#124;"),  # no renderer takes that for a table's border
)
_LINKS = ((re.compile(r":(?=//)"), r"\:"), (re.compile(r"(?i)(\bwww)\."), r"\1\."))
# Control signs but tab and ends of lines, signs of direction, signs without width but joiners, halves of pairs
_STEERING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_BEGINNING = re.compile(r"^(\s*)(?:(\d{1,9})([.)])(?=\s|$)|([#>]|[+-](?=\s|$)|-(?=--)|=(?==|$)))")


def visible(text: str) -> str:
    """*text* in one line, without what steers a terminal, a page or the direction of reading: each is `�`."""
    return harmless(re.sub(r"[\t\n\v\f\r\x85\u2028\u2029]+", " ", text))


def harmless(text: str) -> str:
    """*text*, ends of lines and all, without what steers a terminal or the direction of reading: each is `�`."""
    return _STEERING.sub("\ufffd", text)


def in_markdown(text: str) -> str:
    """*text* as part of a line of Markdown, in a table's cell too; code in backticks stays code."""
    line = visible(text)
    parts: list[str] = []
    at = 0
    for found in _CODE.finditer(line):
        if _NO_CODE.search(found[1]):
            continue
        parts += [_escaped(line[at : found.start()]), found[0]]
        at = found.end()
    return at_beginning("".join([*parts, _escaped(line[at:])]))


def at_beginning(line: str) -> str:
    """A *line* of escaped text at the beginning of one of Markdown's, where a text was folded: no heading, no list."""
    return _BEGINNING.sub(_no_beginning, line)


def as_code(text: str) -> str:
    """*text* as code, such as a path or a command; what would end it early, or a table's cell, is another sign."""
    return f"`{visible(text).translate(_NEVER_IN_CODE)}`"


def link(words: str, address: str) -> str:
    """A link to *address*; where that is none of the web's, its words and the address as code."""
    if not re.fullmatch(r"https?://[^\s\"'<>\\`|]+", address):
        return f"{in_markdown(words)}: {as_code(address)}"
    return f"[{in_markdown(words)}]({address.replace('(', '%28').replace(')', '%29')})"


_NEVER_IN_CODE = str.maketrans({"`": "'", "|": "¦", "<": "‹", "[": "(", "]": ")"})


def _escaped(text: str) -> str:
    text = _ANYWHERE.sub(lambda found: "".join(f"\\{sign}" for sign in found[0]), text)
    for sign, instead in (*_ENTITIES, *_LINKS):
        text = sign.sub(instead, text)
    return text


def _no_beginning(found: re.Match[str]) -> str:
    blank, number, sign, other = found.groups()
    return f"{blank}{number}\\{sign}" if number else f"{blank}\\{other}"
