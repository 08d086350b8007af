"""Errors that nobody foresaw, as a sentence: what was raised, where, and the next step."""

from __future__ import annotations

import asyncio
import errno
import os
import re
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from .masked import masked

_MARKS = re.compile(r"[^\w.-]")  # in a column's name, what some libraries refuse
_LONGEST = 300
_BESIDE = ("(raised as a result of", "(Background on this error")  # SQLAlchemy's, before and after what was raised
_OF_PARAMETERS = ("ParameterTypeError", "ParameterBindError", "SignatureMismatchError")  # Prefect's, of a start
_FULL = ("database or disk is full", "No space left on device", "could not extend file")


class Left(Exception):
    """A user's or a library's code ended by what no `except Exception` catches, such as `sys.exit()`; as an error."""


@contextmanager
def users_code() -> Iterator[None]:
    """Turn `SystemExit` and its like into `Left`: code of the user's that ends itself is one error among others.

    Ctrl-C, a cancelled run and Prefect's signals go through: they are about this process and not about that code.
    """
    try:
        yield
    except (Exception, KeyboardInterrupt, asyncio.CancelledError):
        raise
    except BaseException as error:
        if type(error).__module__.partition(".")[0] == "prefect":
            raise
        words = said(error)
        raise Left(
            f"it ended by {type(error).__name__}{f' ({words})' if words else ''}, which a model must not"
        ) from error


def said(error: BaseException) -> str:
    """The first line of what *error* says, all lines of Prefect's about parameters, cut; what cannot be said (an
    error's own `__str__` may raise) is empty."""
    try:
        text = str(error)
    except Exception:  # a user's class
        return ""
    lines = [line.strip() for line in text[: 100 * _LONGEST].splitlines() if line.strip()]
    line = next((line for line in lines if not line.startswith(_BESIDE)), lines[0] if lines else "")
    if is_of_parameters(error):
        line = " ".join(lines)  # which parameter stands below the first line
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"


def worded(error: BaseException) -> str:
    """The error's kind and first line, where in the user's own code it came from, and what may help."""
    words = said(error)
    # What code ended itself by is said already; the place is where it did
    kind = "" if isinstance(error, Left) else type(error).__name__
    text = ": ".join(each for each in (kind, words) if each)
    place = _place(error)
    return masked(f"{text.rstrip('.')}{f' (at {place})' if place else ''}. {_step(error)}")


def not_learned(error: BaseException, rows: int, columns: Iterable[str]) -> str:
    """Why the model that `learner.build` returned could not be fitted to so many *rows* of such *columns*."""
    odd = [name for name in columns if not name.startswith("_") and _MARKS.search(name)]
    text = f"the trial fit on {rows:,} rows ended with {worded(error)}"
    if odd and "name" in said(error).lower():
        listed = ", ".join(map(repr, odd[:5]))
        text += (
            f" Columns with other marks than letters, digits, `_`, `.` and `-`: {listed}; rename them in the source."
        )
    return text


def _place(error: BaseException) -> str:
    """File and line of the innermost frame of the user's own code, if any is in the stack."""
    ours = Path(__file__).resolve().parents[1]
    inner = error.__cause__ if isinstance(error, Left) and error.__cause__ is not None else error
    for frame in reversed(traceback.extract_tb(inner.__traceback__)):
        path = Path(frame.filename)
        foreign = "site-packages" in path.parts or f"python{path.anchor}" in path.parts or "lib" in path.parts
        if not foreign and not path.is_relative_to(ours) and path.is_file():
            return f"{path.name}:{frame.lineno}"
    return ""


def is_of_parameters(error: BaseException) -> bool:
    """Whether a run was asked for with parameters that it cannot have: bad input, of which Prefect has its own word."""
    return type(error).__name__ in _OF_PARAMETERS


def _prefect_is_away(error: BaseException) -> str:
    """The address of the Prefect server that refused, timed out or could not be reached, if that is what was raised."""
    if is_of_parameters(error):
        return ""
    if type(error).__module__.split(".")[0] in ("httpx", "httpcore", "prefect") or "Failed to reach API" in said(error):
        return os.environ.get("PREFECT_API_URL", "its own address")
    return ""


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """*error* and what it came of, outermost first: a library's own error is often about another."""
    seen: list[BaseException] = []
    while error is not None and not any(error is each for each in seen):
        seen.append(error)
        yield error
        error = error.__cause__ or error.__context__


def _step(error: BaseException) -> str:
    chain = list(_chain(error))
    if any(isinstance(each, MemoryError) for each in chain):
        return "There is not enough memory: fewer rows (`learner.history`, `monitors.sample`) need less."
    if address := _prefect_is_away(error):
        return (
            f"Prefect at {address} does not answer as it should. Look whether it runs, or unset PREFECT_API_URL to go "
            "on without it; what the ledger and the registry hold is as it was."
        )
    numbers = {each.errno for each in chain if isinstance(each, OSError)}
    full = any(words in said(each) for each in chain for words in _FULL)
    if full or numbers & {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        return "The disk is full. Nothing that was there is lost; make room and start it again."
    if numbers & {errno.EACCES, errno.EPERM, errno.EROFS}:
        return "This user may not write there; give it the right, or set `stores.home` to another folder."
    return "RATOON_TRACEBACK=1 shows where it was raised."
