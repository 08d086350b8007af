"""The terminal as commands write to it: a text is a text, whatever stands in it.

Values of data, reasons, names and errors may hold Rich's markup (`[red]`, `[link=…]`) or signs that steer a terminal
(colours, the title, a cleared screen): neither is acted upon. Colours of our own are put in by `marked`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.markup import escape
from rich.segment import Segment
from rich.text import Text

from ..spec.markdown import harmless


class Marked(str):
    """Text with Rich's markup that this program wrote; made by `marked` alone."""

    __slots__ = ()


def marked(template: str, *values: object) -> Marked:
    """*template*, which may hold markup, with *values* in its braces as they read; Marked ones keep theirs."""
    return Marked(template.format(*(each if isinstance(each, Marked) else escape(str(each)) for each in values)))


class Terminal(Console):
    """A console that takes markup from `marked` only, and lets nothing through that steers."""

    def render_str(self, text: str, **options: Any) -> Text:
        ours = isinstance(text, Marked)
        return super().render_str(text, **options | {"markup": ours, "emoji": False})

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(harmless(segment.text), segment.style)
