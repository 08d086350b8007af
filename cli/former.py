"""What a command says of names that have changed: one line each, on stderr, so that `--json` stays JSON."""

from __future__ import annotations

import warnings
from typing import TextIO

from ..spec.former_keys import FormerKey

_plain = warnings.showwarning
_said: set[str] = set()


def former_name(text: str) -> None:
    """Say once that something has another name now."""
    if text in _said:
        return
    _said.add(text)
    from .terminal import Terminal, marked

    Terminal(stderr=True, soft_wrap=True).print(marked("[yellow]Warning[/]"), text, highlight=False)


def show_former_names() -> None:
    """Let warnings of former keys be shown so too, each once for a command, and all others as before."""
    warnings.simplefilter("always", FormerKey)
    warnings.showwarning = _show


def _show(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    if issubclass(category, FormerKey):
        former_name(str(message))
    else:
        _plain(message, category, filename, lineno, file, line)
