"""The words of the glossary in their colours, and how a line of text is set."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from rich.padding import Padding
from rich.text import Text

from ..terminal import Marked, Terminal, marked

out = Terminal()
err = Terminal(stderr=True)

COLOURS = {
    "ok": "green",
    "warn": "yellow",
    "fail": "red",
    "healthy": "green",
    "harmless_shift": "cyan",
    "unsure": "yellow",
    "harm": "red",
    "right": "green",
    "wrong": "red",
    "even": "dim",
    "broken_data": "magenta",
    "hold": "dim",
    "alert": "magenta",
    "warm_start": "bold green",
    "full_retrain": "bold green",
    "roll_back": "bold red",
}


def coloured(word: str) -> Marked:
    """A word of the glossary in its colour."""
    colour = COLOURS.get(word)
    return marked(f"[{colour}]{{}}[/]" if colour else "{}", word)


def counts(counted: Mapping[str, int]) -> Marked:
    return Marked(", ".join(marked("{} {}", coloured(name), count) for name, count in counted.items()))


def item(text: str) -> None:
    """*text*, set in; where it is wrapped, its further lines stand deeper."""
    for number, line in enumerate(Text(text).wrap(out, max(20, out.width - 4))):
        out.print(Padding(line, (0, 0, 0, 2 if number == 0 else 4), expand=False))


@contextmanager
def working(what: str) -> Iterator[None]:
    """A spinner on standard error while a flow does *what*."""
    from ...flows.prefect.readable import hushed

    hushed()
    with err.status(marked("{} …", what)):
        yield
