"""What `init` and `check` print."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..terminal import Terminal, marked
from .words import coloured

if TYPE_CHECKING:
    from ..commands.finding import Finding
    from ..commands.init_own_data import Written

out = Terminal()


def started(folder: Path, written: Sequence[Path]) -> None:
    """What `init` wrote, and the next commands."""
    for path in written:
        out.print(f"wrote {path}", highlight=False)
    spec = folder / "spec.yaml"
    out.print(f"\nNext:\n  ratoon check {spec}\n  ratoon replay {spec} --every 5d", highlight=False)
    out.print(f"  ratoon train {spec} --at 2026-01-31", highlight=False)
    out.print(f"  ratoon monitor {spec} --at 2026-02-12\n  ratoon monitor {spec} --at 2026-02-14", highlight=False)


def started_own(folder: Path, written: Written) -> None:
    """What `init --data` took the data for, and the next commands."""
    for path in written.paths:
        out.print(f"wrote {path}", highlight=False)
    numbers, categories = (", ".join(each) or "none" for each in (written.numbers, written.categories))
    out.print(f"\nTaken as {written.task}. Numbers: {numbers}. Categories: {categories}.", highlight=False)
    if written.left_out:
        out.print(
            f"Left out, being neither number, boolean nor text: {', '.join(written.left_out)}.",
            highlight=False,
        )
    for doubt in written.doubts:
        out.print(marked("[yellow]doubt[/] {}", doubt), highlight=False)
    spec = folder / "spec.yaml"
    out.print(f"Read {spec} once, then:\n  ratoon check {spec}", highlight=False)
    out.print(f"  ratoon train {spec} --at {written.first:%Y-%m-%dT%H:%M:%S}", highlight=False)


def findings(found: Sequence[Finding]) -> None:
    """What `check` found, a line each."""
    for finding in found:
        out.print(marked("{} [bold]{}[/]  {}", coloured(finding.status), finding.what, finding.text), highlight=False)
