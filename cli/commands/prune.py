"""`ratoon prune`: what it does, for the command."""

from __future__ import annotations

import json

from rich.table import Table

from ...flows.prefect.old_runs import prune_all
from ...loop.context import open_stores
from ...loop.retention import Removed
from ...spec.model import Spec
from ...spec.size import format_size
from ..terminal import Terminal

out = Terminal()


def prune(spec: Spec, *, dry: bool, as_json: bool) -> bool:
    """Remove what is older than the spec's `retention`, or only count it, and say so; whether all could be removed."""
    with open_stores(spec) as kept:
        found = prune_all(kept, dry=dry)
    if as_json:
        out.print_json(json.dumps({"dry_run": dry, "removed": [each.model_dump(mode="json") for each in found]}))
    else:
        _show(found, dry)
    return not any(each.failed for each in found)


def _show(found: list[Removed], dry: bool) -> None:
    table = Table("what", "would be removed" if dry else "removed", "size", "as old, and still needed")
    for each in found:
        table.add_row(each.kind, f"{each.count:,}", format_size(each.bytes) if each.bytes else "–", f"{each.kept:,}")
    out.print(table)
    for each in found:
        for said in each.failed:
            out.print(f"Not removed: {said}", highlight=False)
    if dry:
        out.print("Nothing was removed: this was a dry run.")
