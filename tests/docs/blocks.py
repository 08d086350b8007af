"""The fenced blocks of the pages, with the mark above each: `<!-- run -->`, `<!-- shows -->` or `<!-- spec -->`."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from pathlib import Path

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
_BLOCK = re.compile(r"(?:<!-- (?P<mark>\w+) -->\n)?^(?P<indent> *)```(?P<kind>\w+)\n(?P<text>.*?)^ *```$", re.M | re.S)


@dataclass(frozen=True)
class Block:
    mark: str | None
    kind: str
    text: str


def blocks(page: Path) -> list[Block]:
    return [
        Block(found["mark"], found["kind"], textwrap.dedent(found["text"]))
        for found in _BLOCK.finditer(page.read_text(encoding="utf-8"))
    ]


def named(page: Path) -> str:
    return str(page.relative_to(DOCS))
