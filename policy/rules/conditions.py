"""A rule's condition: compiled once, checked before it is ever needed, and read against a window.

Conditions are CEL (Common Expression Language, cel-spec), which has no loops without bounds, no access to
Python, and no side effects. A condition that needs a variable without a value in this window does not
hold, and the reading says so; where CEL can decide without it (`false && …`, `true || …`), it does.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import get_args

import cel

from ...spec.errors import SpecError
from ...spec.values import Verdict
from .names import MACROS, depth_of, names_in
from .variables import VARIABLES, nested, value_of

# Every function and macro of the CEL library that a condition may call (its 0.10.0 has no others).
FUNCTIONS = frozenset(
    {"size", "has", "all", "exists", "exists_one", "map", "filter", "contains", "startsWith", "endsWith", "matches"}
    | {"int", "uint", "double", "string", "bytes", "type", "dyn", "timestamp", "duration"}
    | {"getFullYear", "getMonth", "getDate", "getDayOfMonth", "getDayOfWeek", "getDayOfYear"}
    | {"getHours", "getMinutes", "getSeconds", "getMilliseconds"}
)
_CHARACTERS, _DEPTH, _LOOPS = 2_000, 30, 2
_ROOTS = frozenset(name.partition(".")[0] for name in VARIABLES)
# What evaluation may raise because of a window's values; anything else would be a fault of the library.
_BY_VALUE = (KeyError, IndexError, OverflowError, ZeroDivisionError)
_BY_TEXT = (RuntimeError, TypeError, ValueError)


class RuleError(SpecError, ValueError):
    """A rule cannot be used; the message names the rule, what is wrong and the nearest right name.

    *rules* are the wrong rules of a whole policy: their places in it, counted from 0, and what is wrong with each.
    """

    def __init__(self, message: str, rules: tuple[tuple[int, str], ...] = ()) -> None:
        super().__init__(message)
        self.rules = rules


@dataclass(frozen=True)
class Reading:
    """Whether a condition holds in a window; *trouble* says why it could not be evaluated, if so."""

    holds: bool
    trouble: str = ""


@dataclass(frozen=True)
class Condition:
    """A compiled condition and the documented variables that it uses."""

    text: str
    names: tuple[str, ...]
    program: cel.Program

    def __call__(self, seen: Mapping[str, object]) -> Reading:
        """Read the condition against nested facts; never raises for what a window may hold."""
        try:
            holds = self.program.execute(dict(seen))
        except KeyError as error:
            absent = [n for n in self.names if n in VARIABLES and value_of(n, seen) is None]
            named = " and ".join(absent) or str(error)
            return Reading(False, f"{named} {'have' if len(absent) > 1 else 'has'} no value in this window")
        except ZeroDivisionError:
            return Reading(False, "it divides by zero in this window")
        except IndexError as error:
            return Reading(False, f"it asks for an entry that a list does not have in this window ({error})")
        except OverflowError:
            return Reading(False, "its arithmetic overflows in this window")
        except _BY_TEXT as error:
            return Reading(False, f"it cannot be evaluated in this window ({_first_line(error)})")
        if not isinstance(holds, bool):
            return Reading(False, f"it gave {holds!r} in this window, where true or false was expected")
        return Reading(holds)

    def values(self, seen: Mapping[str, object]) -> str:
        """The used variables with their values, as words: `performance.drop is 0.05`."""
        known = [(name, value_of(name, seen)) for name in self.names if name in VARIABLES]
        return ", ".join(f"{name} is {_said(value)}" for name, value in known if value is not None)


@lru_cache(maxsize=1024)
def condition(text: str) -> Condition:
    """Compile and check one condition.

    Raises RuleError (a SpecError and a ValueError) for bad syntax, an unknown variable or function, types
    that do not fit, a condition that is not true or false, and one that is too long or too deep to be read each time.
    """
    _check_size(text)
    try:
        program = cel.compile(text)
    except ValueError as error:
        raise RuleError(f"rule `{text}`: this is not CEL: {_syntax(error)}. {NOTHING}") from None
    used = names_in(text)
    for name in used.variables:
        _check_name(text, name)
    for name in used.functions:
        if name not in FUNCTIONS:
            near = difflib.get_close_matches(name, sorted(FUNCTIONS), n=1)
            hint = f"did you mean `{near[0]}`?" if near else f"there are {', '.join(sorted(FUNCTIONS))}."
            raise RuleError(f"rule `{text}`: unknown function `{name}`; {hint} {NOTHING}")
    _try(text, program)
    return Condition(text, used.variables, program)


NOTHING = "Nothing was decided; `ratoon policy explain` lists the variables."


def _check_size(text: str) -> None:
    """What a condition costs grows with its length to the power of its nested comprehensions."""
    if len(text) > _CHARACTERS:
        raise RuleError(
            f"rule `{text[:60]}…`: it has {len(text):,} characters; expected {_CHARACTERS:,} or fewer. {NOTHING}"
        )
    deep, loops = depth_of(text)
    if deep > _DEPTH:
        raise RuleError(f"rule `{text[:60]}…`: brackets are nested {deep} deep; expected {_DEPTH} or fewer. {NOTHING}")
    if loops > _LOOPS:
        raise RuleError(
            f"rule `{text[:60]}…`: {loops} of {', '.join(sorted(MACROS))} stand inside each other; "
            f"expected {_LOOPS} or fewer. {NOTHING}"
        )


def _check_name(text: str, name: str) -> None:
    if name in VARIABLES or name in _ROOTS:
        return
    root = name.partition(".")[0]
    if name.count(".") > 1 and (shorter := name.rpartition(".")[0]) in VARIABLES:
        raise RuleError(f"rule `{text}`: `{name}` does not exist: {shorter} is a {VARIABLES[shorter].type}. {NOTHING}")
    same_leaf = [known for known in VARIABLES if known.rpartition(".")[2] == name]
    near = same_leaf or difflib.get_close_matches(name, list(VARIABLES), n=1, cutoff=0.5)
    if not near and root in _ROOTS:
        near = [known for known in VARIABLES if known.startswith(f"{root}.")]
    hint = f"did you mean `{near[0]}`?" if near else f"there are {', '.join(VARIABLES)}."
    raise RuleError(f"rule `{text}`: unknown variable `{name}`; {hint} {NOTHING}")


def _try(text: str, program: cel.Program) -> None:
    """Evaluate on the documented examples, under every verdict: finds wrong types and non-boolean results."""
    for verdict in get_args(Verdict):
        example = nested({name: each.example for name, each in VARIABLES.items()} | {"triage": verdict})
        try:
            result = program.execute(example)
        except _BY_VALUE:  # a matter of the example's values: a window may have others
            continue
        except TypeError as error:
            kinds = ", ".join(
                f"{name} is a {VARIABLES[name].type}" for name in names_in(text).variables if name in VARIABLES
            )
            raise RuleError(f"rule `{text}`: the types do not fit ({kinds}): {_first_line(error)} {NOTHING}") from None
        except _BY_TEXT as error:
            raise RuleError(f"rule `{text}`: {_first_line(error)} {NOTHING}") from None
        if not isinstance(result, bool):
            raise RuleError(
                f"rule `{text}`: expected a condition that is true or false, found one that gives {result!r}; "
                f'compare it with something, such as triage == "harm". {NOTHING}'
            )


def _first_line(error: Exception) -> str:
    """The library's message up to its first sentence's end, without its advice."""
    line = str(error).splitlines()[0] if str(error) else type(error).__name__
    return line.partition(". ")[0].rstrip(".") + "."


def _syntax(error: Exception) -> str:
    """The library's first complaint: `at character 8: Syntax error: …`."""
    _, _, complaint = str(error).partition("ERROR: <input>:1:")
    place, _, what = complaint.partition(": ")
    what = what.splitlines()[0] if what else str(error)
    return f"at character {place}: {what}" if place.isdigit() else what


def _said(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list):
        return f"[{', '.join(map(str, value))}]"
    return f'"{value}"' if isinstance(value, str) else str(value)
