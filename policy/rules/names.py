"""Which names a CEL condition uses, found in its text.

CEL's `&&` and `||` skip what they need not evaluate, so that a misspelt variable could stay unseen for
months. Its own list of names stops at the first dot. Hence this reading of the text, which knows just
enough of CEL's grammar (cel-spec, doc/langdef.md): strings, comments, dotted names, index by a string,
calls, and the variables bound by macros such as `exists(c, …)`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""
    (?P<comment>//[^\n]*)
  | (?P<string>[rRbB]{0,2}(?:\"{3}(?:\\.|[^\\])*?\"{3}|'{3}(?:\\.|[^\\])*?'{3}|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'))
  | (?P<number>\d[\w.]*|\.\d\w*)
  | (?P<name>[A-Za-z_]\w*)
  | (?P<mark>\S)
    """,
    re.VERBOSE,
)
MACROS = frozenset({"all", "exists", "exists_one", "map", "filter"})
_WORDS = frozenset({"true", "false", "null", "in"})
# Names of types, as in `type(x) == int`.
_TYPES = frozenset({"int", "uint", "double", "bool", "string", "bytes", "list", "map", "null_type", "type"})


@dataclass(frozen=True)
class Names:
    """*variables* are dotted as written; *functions* are called names, methods included. Both sorted."""

    variables: tuple[str, ...]
    functions: tuple[str, ...]


def depth_of(condition: str) -> tuple[int, int]:
    """How deep brackets are nested in *condition*, and how deep comprehensions are."""
    tokens = [m.group() for m in _TOKEN.finditer(condition) if m.lastgroup not in ("comment", "string")]
    deepest, most, open_ones = 0, 0, list[bool]()
    for at, text in enumerate(tokens):
        if text in ("(", "[", "{"):
            open_ones.append(text == "(" and at > 1 and tokens[at - 1] in MACROS and tokens[at - 2] == ".")
            deepest, most = max(deepest, len(open_ones)), max(most, sum(open_ones))
        elif text in (")", "]", "}") and open_ones:
            open_ones.pop()
    return deepest, most


def names_in(condition: str) -> Names:
    """The variables and functions that *condition* uses; it must be text that CEL could parse."""
    tokens = [(m.lastgroup, m.group()) for m in _TOKEN.finditer(condition) if m.lastgroup != "comment"]
    tokens += [("end", "")] * 4
    bound = {
        tokens[i + 2][1]
        for i, (_, text) in enumerate(tokens)
        if text in MACROS and tokens[i + 1][1] == "(" and tokens[i + 3][1] == ","
    }
    variables: set[str] = set()
    functions: set[str] = set()
    at = 0
    while tokens[at][0] != "end":
        kind, text = tokens[at]
        after_dot = at > 0 and tokens[at - 1][1] == "."
        if kind != "name" or (text in _WORDS and not after_dot):
            at += 1
        elif tokens[at + 1][1] == "(":
            functions.add(text)
            at += 1
        elif after_dot or text in bound or text in _TYPES:
            at += 1
        else:
            chain, at, method = _chain(tokens, at)
            variables.add(".".join(chain))
            functions |= method
    return Names(tuple(sorted(variables)), tuple(sorted(functions)))


def _chain(tokens: list[tuple[str | None, str]], at: int) -> tuple[list[str], int, set[str]]:
    """The dotted chain that begins at *at*, where it ends, and the method called on it, if any."""
    chain = [tokens[at][1]]
    at += 1
    while True:
        if tokens[at][1] == "." and tokens[at + 1][0] == "name":
            if tokens[at + 2][1] == "(":
                return chain, at + 2, {tokens[at + 1][1]}
            chain.append(tokens[at + 1][1])
            at += 2
        elif tokens[at][1] == "[" and tokens[at + 1][0] == "string" and tokens[at + 2][1] == "]":
            chain.append(tokens[at + 1][1].strip("rRbB").strip("\"'"))
            at += 3
        else:
            return chain, at, set()
