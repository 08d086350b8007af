"""The facts of a source's files: read where they are known, worked out where they are not."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa

from ...spec.model import Spec
from ..columns import ID, TIME
from .counted import placing
from .engine import Engine
from .facts import Facts, FactsFile, File, stamps
from .layout import INNER
from .moment import LAST_ROW, literal
from .place import files_of, named_rows
from .rows import FIRST, Rows

_MOST = 20_000  # ids that come twice; more are looked for anew by each question
_SORTED = 100_000_000  # most ids whose hashes are sorted at once, 8 bytes each
_FILE = f"{INNER}file"
_COPIES = "ratoon_copies"


def known_facts(spec: Spec, engine: Engine, rows: Rows, *, check: Callable[[], None]) -> Facts:
    """The facts of the source's files, of which only what is not known yet is read.

    *check* refuses values that cannot play their role; it runs unless these very files have passed.
    """
    if spec.data.logged:  # it takes each row once, with id and time, and no label before it
        check()
        return Facts(files=(), unplaced=0, copies=(), surplus=0, in_order=True, named=True)
    files = files_of(spec)
    now, kept = stamps(list(files)), _kept(spec, rows, files)
    held = kept.read() if kept is not None else None
    if now is not None and held is not None and held.files == now:
        return held
    check()
    added = _added(held, now) if rows.labels is None else None
    facts = None if held is None or added is None else _grown(engine, spec, rows, held, now or (), added)
    facts = facts or _measured(engine, rows, now or ())
    if now is not None and kept is not None:
        kept.write(facts)
    return facts


def with_facts(engine: Engine, rows: Rows, facts: Facts) -> Rows:
    """*rows* that know the facts of their files."""
    known = replace(rows, unplaced=facts.unplaced, in_order=facts.in_order, named=facts.named)
    if facts.copies is None:
        return known
    if not facts.copies:
        return replace(known, unique=True)
    ids, times = zip(*facts.copies, strict=True)
    table = pa.table({ID: pa.array(ids, pa.string()), FIRST: pa.array(times, pa.timestamp("us"))})
    copies = engine.keep(_COPIES, table)
    return replace(known, copies=copies, surplus=facts.surplus)


def _kept(spec: Spec, rows: Rows, files: tuple[Path, ...]) -> FactsFile | None:
    if any(Path(f"{each}.wal").exists() for each in files):  # a DuckDB database that is being written
        return None
    data = spec.data
    asked = {
        "rows": [data.source, data.table, list(data.id), data.time, str(data.time_unit), data.target, data.label_time],
        "labels": None if data.labels is None else data.labels.model_dump(mode="json"),
        "csv": data.csv.model_dump(mode="json"),
        "task": spec.task,
        "schema": rows.layout.schema,
        "unsure": rows.layout.unsure,
    }
    return FactsFile((spec.folder / spec.stores.home).resolve(), json.dumps(asked, sort_keys=True, default=str))


def _added(held: Facts | None, now: tuple[File, ...] | None) -> set[str] | None:
    """The files that came since, where all others are as they were; else None."""
    if held is None or now is None or held.copies is None or not set(held.files) <= set(now):
        return None
    return {path for path, _, _ in set(now) - set(held.files)}


def _measured(engine: Engine, rows: Rows, files: tuple[File, ...]) -> Facts:
    """All facts, by reading the ids, times and label times of every row."""
    ids = rows.ids(literal(LAST_ROW))
    twice = _twice(engine, ids)
    if twice is not None:
        held = engine.keep(f"{_COPIES}_hashes", pa.table({"hash": pa.array(twice, pa.uint64())}))
        ids = ids.semi_join(held, _hash(ids[ID]) == held["hash"])
    copies = engine.rows(_several(ids))
    return _facts(files, engine.one(placing(rows)), copies, 0, in_order=True, named=True)


def _twice(engine: Engine, ids: ir.Table) -> list[int] | None:
    """The hashes that come twice, sorted here: a tenth of what it costs the engine to group all ids.

    None where they are too many to be worth it.
    """
    if engine.one(ids.aggregate(rows=ids.count()))["rows"] > _SORTED:
        return None
    hashes = ids.select(hash=_hash(ids[ID]))
    found = engine.fetch(engine.compile(hashes), pa.schema([("hash", pa.uint64())]))
    ordered = np.sort(found["hash"].to_numpy())
    again = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    return [int(each) for each in again] if len(again) <= _MOST else None


def _several(ids: ir.Table) -> ir.Table:
    """The ids that come more than once, with how often and when first; no more than are kept, and one."""
    found = ids.group_by(ID).aggregate(n=ids.count(), **{FIRST: ids[TIME].min()})
    return found.filter(found.n > 1).limit(_MOST + 1)


@ibis.udf.scalar.builtin(name="hash")  # type: ignore[untyped-decorator]
def _hash(row_id: str) -> dt.UInt64:  # DuckDB's own
    ...


def _grown(
    engine: Engine, spec: Spec, rows: Rows, held: Facts, files: tuple[File, ...], added: set[str]
) -> Facts | None:
    """The facts of *files*, from those *held* of all but the *added* ones; None where they must be read whole."""
    named = named_rows(engine, spec, _FILE)
    if named is None:
        return None
    new = replace(rows, table=named.filter(named[_FILE].isin(sorted(added))))
    fresh, every = new.ids(literal(LAST_ROW)), rows.ids(literal(LAST_ROW))
    # An id of the new files that comes anywhere twice, and those known to: how often, and when first
    again = every.semi_join(fresh, every[ID] == fresh[ID])
    copies = engine.rows(_several(again))
    places = engine.one(placing(new))
    places["unplaced"] = int(places["unplaced"] or 0) + held.unplaced
    facts = _facts(files, places, copies, 0, in_order=held.in_order, named=held.named)
    if facts.copies is None:
        return facts
    together = dict(held.copies or ()) | dict(facts.copies)
    if len(together) > _MOST:
        return replace(facts, copies=None)
    # The surplus is a bound, and a bound it stays: an id of both is counted in both
    return replace(facts, copies=tuple(sorted(together.items())), surplus=held.surplus + facts.surplus)


def _facts(
    files: tuple[File, ...],
    places: dict[str, Any],
    copies: list[dict[str, Any]],
    surplus: int,
    *,
    in_order: bool,
    named: bool,
) -> Facts:
    known: tuple[tuple[str, datetime], ...] | None = None
    if len(copies) <= _MOST:
        known = tuple(sorted((row[ID], row[FIRST]) for row in copies))
        surplus += sum(row["n"] - 1 for row in copies)
    return Facts(
        files,
        int(places["unplaced"] or 0),
        known,
        surplus,
        in_order and not places.get("early"),
        named and not places["nameless"],
    )
