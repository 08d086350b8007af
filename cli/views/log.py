"""What `ratoon log` prints."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ...spec.size import format_size
from ..terminal import Terminal

if TYPE_CHECKING:
    from ...log.seal import Sealed
    from ..commands.log_body import Imported, LogStatus

out = Terminal()


def status(found: LogStatus) -> None:
    """What the log holds, a line each."""
    out.print(f"log {found.url}", highlight=False)
    held = found.summary
    if held is None:
        out.print("It holds nothing of this model yet.")
        return
    lines = {
        "rows": f"{held.rows:,}" + (f", the first of {held.first_time:%Y-%m-%d}" if held.first_time else ""),
        "labels": f"{held.labels:,} of {held.labelled_rows:,} rows, {held.corrections:,} of them corrections",
        "newest label": f"{held.last_arrival:%Y-%m-%d %H:%M:%S}" if held.last_arrival else "none",
        "waiting": f"{held.waiting:,} labels without a prediction, {held.orphans:,} of them orphans",
        "sealed": f"{held.sealed_days:,} days, {format_size(held.sealed_bytes)}" if held.sealed_days else "no day",
    }
    if len(held.partitions) > 1:
        lines["partitions"] = ", ".join(each or "(unnamed)" for each in held.partitions)
    for name, text in lines.items():
        out.print(f"{name:<13} {text}", highlight=False)


def imported(found: Imported) -> None:
    """What came in, and what was there before."""
    out.print(f"rows    {found.rows:,}, of which {found.new_rows:,} are new", highlight=False)
    text = f"labels  {found.labels:,}, of which {found.new_labels:,} are new and {found.corrections:,} corrections"
    out.print(text, highlight=False)
    if found.orphans:
        out.print(f"{found.orphans:,} labels wait for a row that is not there.", highlight=False)


def exported(folder: Path, rows: int, labels: int) -> None:
    """The files that were written."""
    out.print(f"wrote {folder / 'rows.parquet'}: {rows:,} rows", highlight=False)
    out.print(f"wrote {folder / 'labels.parquet'}: {labels:,} labels", highlight=False)


def sealed(found: Sequence[Sealed]) -> None:
    """The days that were sealed, a line each."""
    for each in found:
        where = f" of partition {each.partition}" if each.partition else ""
        out.print(f"sealed {each.day}{where}: {each.rows:,} {each.kind}", highlight=False)
    if not found:
        out.print("No day is to be sealed.")
