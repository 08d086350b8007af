"""`ratoon report`: one model's life as one HTML file."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import datetime
from pathlib import Path

from ...ledger.ledger import Ledger
from ...loop.moment import as_utc
from ...models.registry.mlflow_registry import Registry
from ...report.life import read_life
from ...report.page import write_report
from ...spec.errors import BadInput
from ...spec.model import Spec
from ...spec.private import shared_files
from ...spec.stores import stores_of
from ..terminal import Terminal

out = Terminal()


def report(spec: Spec, *, file: Path | None, start: datetime | None, end: datetime | None, now: datetime) -> Path:
    """Write the page and say where it is; nothing is changed, trained or read but ledger and registry.

    Raises BadInput for a span that is none, or a place that cannot be written.
    """
    start, end = (as_utc(each) if each is not None else None for each in (start, end))
    if start is not None and end is not None and start >= end:
        raise BadInput(
            f"--start {start:%Y-%m-%d %H:%M} is not before --end {end:%Y-%m-%d %H:%M}; no page was written. "
            "Give an earlier start, or a later end"
        )
    stores = stores_of(spec)
    registry = Registry.open(spec)
    with Ledger.open(stores.ledger) as ledger:
        life = read_life(spec, ledger, registry, end=end)
    written = file or stores.home / f"report-{spec.model}.html"
    try:
        with shared_files() if file else nullcontext():
            write_report(life, written, now=now, start=start)
    except OSError as error:
        raise BadInput(
            f"the page {written} cannot be written: {error.strerror}. Nothing was changed. Give another --out"
        ) from error
    out.print(f"The page: {written}", highlight=False, soft_wrap=True)
    return written
