"""The data behind a spec: open it, then look at it as of a moment."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from datetime import datetime, timedelta
from types import TracebackType
from typing import TYPE_CHECKING

import pandas as pd

from ..spec.errors import DataError
from ..spec.model import Spec
from ..spec.values import Span
from .columns import ID, LABEL_TIME, TARGET, TIME
from .doubts.ids import unmet
from .doubts.unmeant import unmeant
from .sources.counted import label_ids, moved, placing, several_labels
from .sources.engine import Engine, name_of
from .sources.layout import Kind, Layout, layout
from .sources.measured import known_facts, with_facts
from .sources.moment import LAST_ROW, TICK, check_moments, literal
from .sources.place import open_tables
from .sources.query import Questions
from .sources.revisions import Revisions
from .sources.rows import LABEL, LABEL_ID, STATED, Rows
from .view import View, naive

if TYPE_CHECKING:
    import ibis.expr.types as ir

_LOOKED_AT = 20_000  # ids of each side


def open_source(spec: Spec, *, expected: Mapping[str, Kind] | None = None, held: bool = False) -> Source:
    """Open what `data` in the spec points at, and check that its columns can play their roles.

    *expected* are the features that a model needs, with their kinds: those that the source lacks are
    filled with NaN or None and named in every window's `missing_columns`. Without it only
    `data.features` can be missed, since "every other column" is what is there.

    *held*: read the files once, into the engine's own memory and disk, for who asks hundreds of questions of them.

    The types of a file's columns are found once, over all its rows. In CSV only the empty field is null.
    Raises DataError naming the file or URL, the column, what was found and the next step.
    """
    engine, rows, labels = open_tables(spec)
    try:
        if held and engine.embedded:
            rows, labels = _held(engine, "rows", rows), _held(engine, "labels", labels)
        return Source(spec, engine, rows, labels, expected or {}, held=held and engine.embedded)
    except BaseException:
        engine.close()
        raise


def _held(engine: Engine, name: str, table: ir.Table | None) -> ir.Table | None:
    if table is None:
        return None
    engine.run(f'CREATE TEMP TABLE "ratoon_held_{name}" AS {engine.compile(table)}')  # our own names
    return engine.table(f"ratoon_held_{name}")


class Source:
    """An open source; a context manager. One connection: not for two threads at once."""

    def __init__(
        self,
        spec: Spec,
        engine: Engine,
        rows: ir.Table,
        labels: ir.Table | None,
        expected: Mapping[str, Kind],
        *,
        held: bool = False,
    ) -> None:
        self.held = held  # it was read once, and does not change while it is open
        self._engine = engine
        beside = unmeant(spec, rows.columns)
        self._layout: Layout = layout(spec, rows, labels, engine.where, expected, beside)
        self._beside = beside - set(self._layout.features)
        self._rows = Rows(spec, self._layout, rows, labels)
        self._still = engine.embedded
        self._view: View | None = None
        if self._still:  # files stand still while they are open; a database changes between two questions
            facts = known_facts(spec, engine, self._rows, check=lambda: self._check(spec, rows, labels))
            self._rows = with_facts(engine, self._rows, facts)
        else:
            self._check(spec, rows, labels)
        self._questions = Questions(engine, _alike(self._rows))

    @property
    def features(self) -> tuple[str, ...]:
        """The features in order, also those that the source lacks."""
        return self._layout.features

    @property
    def kinds(self) -> dict[str, Kind]:
        """Each feature's kind by the source's own column type; of one that it lacks: as expected, or `number`."""
        return dict(self._layout.kinds)

    @property
    def missing(self) -> tuple[str, ...]:
        """Declared features, and the prediction, that the source lacks."""
        return self._layout.missing

    @property
    def left_out(self) -> tuple[str, ...]:
        """Columns that are no features because nobody named them: pandas' index, keys of folders."""
        return tuple(name for name in self._layout.schema if name in self._beside)

    def columns(self) -> dict[str, str]:
        """All columns of the rows' table and their types as text."""
        return dict(self._layout.schema)

    def as_of(self, now: datetime) -> View:
        """All that is visible at *now*, and nothing else.

        Of files, which stand still while they are open, the view of the same moment again: it remembers what it read.
        """
        if self._view is None or self._view.now != naive(now):
            view = View(self._questions, self._rows, now)
            if not self._still:
                return view
            self._view = view
        return self._view

    def extent(self) -> Span | None:
        """The span that holds every row of the whole source, future rows included; None without rows.

        It starts one microsecond before the first row, since a span is open at its start.
        """
        ids = self._rows.ids(literal(LAST_ROW))
        ends = self._engine.one(ids.filter(ids[ID].notnull()).aggregate(start=ids[TIME].min(), end=ids[TIME].max()))
        return None if ends["start"] is None else Span(start=ends["start"] - TICK, end=ends["end"])

    def lost_rows(self) -> tuple[int, int]:
        """How many rows have no id, and how many no time, in the whole source."""
        found = self._engine.one(placing(self._rows))
        return int(found["nameless"] or 0), int(found["unplaced"] or 0)

    def moved_ids(self) -> tuple[int, str]:
        """How many rows have an id that a row of another time has before them, and one such id; 0 and "" of none."""
        found = moved(self._rows)
        told = self._engine.one(found.aggregate(rows=found.more.sum(), example=found[ID].min()))
        return int(told["rows"] or 0), str(told["example"] or "")

    def revisions(self) -> Revisions | None:
        """How many labels came more than once, and with what; None where they have no table of their own."""
        if self._rows.labels is None:
            return None
        found = self._engine.one(several_labels(self._rows))
        age = found.get("age")
        return Revisions(
            labelled=int(found["labelled"] or 0),
            several=int(found["several"] or 0),
            revised=int(found["revised"] or 0),
            ordered=self._rows.spec.data.label_time is not None,
            age=None if age is None else timedelta(seconds=float(age)),
        )

    def label_events(self, now: datetime) -> pd.DataFrame | None:
        """Every label of a table of labels that came by *now*: `_id`, `_target`, `_label_time`, in order of arrival.

        None if labels lie with their rows, or if nothing says when they came.
        """
        data, labels = self._rows.spec.data, self._rows.labels
        if labels is None or data.label_time is None:
            return None
        rows = self._rows.label_rows()
        found = rows.filter(rows[STATED].notnull(), rows[STATED] <= literal(naive(now)), rows[LABEL_ID].notnull())
        named = found.select(**{ID: found[LABEL_ID], TARGET: found[LABEL], LABEL_TIME: found[STATED]})
        table = self._engine.fetch(self._engine.compile(named), named.schema().to_pyarrow())
        frame: pd.DataFrame = table.to_pandas()
        return frame.sort_values([LABEL_TIME, ID], kind="stable", ignore_index=True)

    def unmet_ids(self) -> str:
        """Why labels in a table of their own meet no row, with an id from each side; "" where ids do meet."""
        names = self._rows.spec.data.label_id
        tables = self._rows.ids(literal(LAST_ROW)), label_ids(self._rows.labels, names)
        pairs = [self._engine.rows(each.select(ID).distinct().limit(_LOOKED_AT)) for each in tables]
        ours, theirs = ([str(row[ID]) for row in found if row[ID] is not None] for found in pairs)
        return unmet(ours, theirs, ", ".join(names))

    def close(self) -> None:
        self._engine.close()

    def __enter__(self) -> Source:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _check(self, spec: Spec, rows: ir.Table, labels: ir.Table | None) -> None:
        data, home = spec.data, labels if labels is not None else rows
        check_moments(self._engine, rows, data.time, "data.time", data.time_unit)
        if data.label_time is not None:
            kind = home[data.label_time].type()
            dated = kind.is_timestamp() or kind.is_date()
            check_moments(self._engine, home, data.label_time, "data.label_time", None if dated else data.time_unit)
        target = None if data.target is None else home[data.target]
        if target is not None and spec.task == "regression" and target.type().is_string():
            filled = home.filter(target.nullif("").notnull())
            found = self._engine.one(filled.aggregate(rows=filled.count(), value=target.min()))
            if found["rows"]:
                raise DataError(
                    f"data.target: column {data.target!r} of {self._engine.where} is text, such as "
                    f"{found['value']!r}; a regression needs numbers. Mend the column, or set `task: multiclass`"
                )
        for key, table, name in (
            *(("data.id", rows, name) for name in data.id),
            *(("data.labels.id", labels, name) for name in data.label_id),
        ):
            if table is not None and table[name].type().is_floating():
                self._check_float_ids(key, table, name)

    def _check_float_ids(self, key: str, table: ir.Table, name: str) -> None:
        column = table[name]
        broken = table.filter(column != column.floor())
        found = self._engine.one(broken.aggregate(rows=broken.count(), value=column.min()))
        if found["rows"]:
            raise DataError(
                f"{key}: column {name!r} holds {found['rows']} fractions, such as {found['value']!r}; an id must be "
                "whole numbers, text, UUIDs or times, so that its hash is the same everywhere"
            )


def _alike(rows: Rows) -> Hashable:
    """What the SQL of every question to *rows* follows from."""
    tables = [each for each in (rows.table, rows.labels) if each is not None]
    return (
        *((each.get_backend().name, name_of(each), str(each.schema())) for each in tables),
        rows.spec.data.model_dump_json(),
        rows.spec.task,
        repr(rows.layout),
        *(rows.unique, rows.copies is None, rows.surplus, rows.unplaced, rows.in_order, rows.named),
    )
