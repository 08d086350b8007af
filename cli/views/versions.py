"""A model's versions in the registry, and what serves, for people."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table

from ...policy.strategies.standings import Standing, standings
from ..reading import ModelFacts
from ..terminal import Terminal, marked
from .decisions import decision

if TYPE_CHECKING:
    from ...flows.adopt import Adoption

out = Terminal()


def versions(facts: ModelFacts, note: str) -> None:
    """The model's versions in the registry, newest first."""
    out.print(_version_table(facts))
    out.print(note, highlight=False)


def status(facts: ModelFacts, spec: Path) -> None:
    """Who serves, who waits, what was decided last, what trained last; *spec* is the file to name in advice."""
    out.print(_version_table(facts))
    for each in facts.versions:
        if each["changed"]:
            said = marked(
                "[bold red]v{} is not as it was registered[/]: {}. It is neither loaded nor trained on; restore its "
                "files, or let another version serve: ratoon promote {} --version NUMBER",
                each["version"],
                each["changed"],
                spec,
            )
            out.print(said, highlight=False)
    if facts.decisions:
        if found := standings(facts.decisions):
            out.print(_strategy_table(found))
        decision(facts.decisions[-1], facts.updates)
    else:
        out.print(f"No decision yet; make one with `ratoon monitor {spec.name}`.", highlight=False)


def _strategy_table(found: Sequence[Standing]) -> Table:
    """What each way to learn on has earned."""
    table = Table(title="strategies", title_justify="left")
    for column in ("strategy", "", "tries", "would gain over the champion", "against the background candidate"):
        table.add_column(column, overflow="fold")
    for each in found:
        leads = "leads" if each.leads else ""
        table.add_row(each.strategy, leads, str(each.tries), each.gain_text, each.beside_text)
    return table


def _version_table(facts: ModelFacts) -> Table:
    table = Table(title=f"{facts.model} in {facts.registry}", title_justify="left")
    for column in ("version", "alias", "strategy", "parent", "learned up to", "rows", "gate"):
        table.add_column(column, overflow="fold")
    keys = ("version", "alias", "strategy", "parent", "watermark", "learned_rows", "gate")
    for version in facts.versions:
        told = {key: str(version[key]) for key in keys}
        rows = told["learned_rows"]
        told |= {"watermark": told["watermark"].replace("T", " ")[:16]}
        table.add_row(*(told | {"learned_rows": f"{int(rows):,}" if rows.isdigit() else rows}).values())
    if not facts.versions:
        table.caption = "no version yet: `ratoon train`"
    return table


def adopted(adoption: Adoption) -> None:
    """What was recovered of a model that was trained elsewhere, and what is missing."""
    for title, lines, colour in (
        ("Recovered", adoption.recovered, "green"),
        ("Missing", adoption.missing, "yellow"),
    ):
        out.print(marked(f"[{colour}]{{}}[/]", title))
        for line in lines:
            out.print(f"  {line}", highlight=False)
