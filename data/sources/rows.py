"""All that can be seen of a source at one moment, as Ibis expressions that no engine has run yet.

Moments (now, start, end) are expressions too: slots that are filled in when the question is asked.

Row and label obey one rule each. A row is visible when its time has come. A label has arrived when its
label time has come, and never before its row (or its row's age of `data.mature_after`); until then `_target` and
`_label_time` are null. Nothing below this file sees a row or label otherwise, so that no monitor or learner can look
ahead.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import ibis
import ibis.expr.types as ir

from ...spec.model import Spec
from ..columns import HOLDOUT, ID, LABEL_TIME, PREDICTION, TARGET, TIME
from .hashed import hashed, is_holdout
from .layout import INNER, Layout
from .moment import FIRST_ROW, LAST_ROW, TICK, Moment, ends, literal, moments, roughly
from .plain import label, missing, plain, text, unreadable
from .revisions import REVISED, one_each, several

STATED = f"{INNER}stated"  # label time as the source says it, also when it lies in the future
FAULT = f"{INNER}fault"  # the label is dated before its row, or not dated at all
SEEN = f"{INNER}seen"  # a copy whose label lies in the future has not been written yet, as far as one can know
FIRST = f"{INNER}first_time"  # of an id that comes twice, in the table of copies
_LABEL = f"{INNER}label"
_LABEL_ID = f"{INNER}label_id"
_RANK = f"{INNER}rank"
_WORDS = f"{INNER}words_"


@dataclass(frozen=True)
class Rows:
    """The rows' table (and the labels' table, if any) with what their columns mean.

    What is known of files that stand still spares reading them: *unique*, that no id comes twice anywhere in the
    source, so that nobody need look for copies; *copies*, a table of the ids that do, with their first time, and
    *surplus*, how many rows they have beyond one each; *unplaced*, how many rows have no time; *in_order*, that no
    label is dated before its row; *named*, that every row has an id. None, or False: it is asked of the rows.
    """

    spec: Spec
    layout: Layout
    table: ir.Table
    labels: ir.Table | None
    unique: bool = False
    copies: ir.Table | None = None
    surplus: int = 0
    unplaced: int | None = None
    in_order: bool = False
    named: bool = False

    def visible(
        self,
        now: Moment,
        *,
        wide: bool,
        inside: tuple[Moment, Moment] | None = None,
        after: Moment | None = None,
    ) -> ir.Table:
        """Rows with id and `_time <= now`, copies included: canonical columns plus STATED, FAULT and SEEN.

        Rows that hold words where the model learned numbers are left out, as those without an id are.

        *wide* adds prediction and features. Narrow queries are separate expressions, so that engines read
        a few columns for them. *inside*: only those with start < `_time` <= end, and no others' labels are looked at.
        *after*: rows whose label came until then may be left out, if files tell which they are.
        """
        rows, names = self._keyed(self._table(inside, after), now, wide=wide)
        if inside is not None:
            rows = rows.filter(rows[TIME] > inside[0], rows[TIME] <= inside[1])
        if after is not None and self._late_only:
            rows = rows.filter(rows[STATED] > after if self.spec.data.label_time else rows[TIME] > self._before(after))
        return self._labelled(now, rows, names, bounded=inside is not None)

    def _table(self, inside: tuple[Moment, Moment] | None, after: Moment | None) -> ir.Table:
        """The rows' table, without row groups of its files in which no row can be *inside* or labelled *after*."""
        data, table = self.spec.data, self.table
        if self.unplaced is None:  # a database: its planner knows better
            return table
        found: list[ir.BooleanValue] = []
        if inside is not None:
            found += roughly(table[data.time], self._unit(table[data.time]), *inside)
        if after is not None and self._late_only:
            if data.label_time is not None:
                column = table[data.label_time]
                found += [] if column.type().is_date() else roughly(column, self._unit(column), after, None)
            else:
                found += roughly(table[data.time], self._unit(table[data.time]), self._before(after), None)
        return table.filter(found) if found else table

    @property
    def _late_only(self) -> bool:
        """Whether a row's own columns tell, each alone, that its label had not come by a moment.

        Not with `data.mature_after`, by which a label that came early counts later.
        """
        if self.spec.data.mature_after:
            return False
        return (
            self.labels is None and self.unplaced is not None and (self.in_order or self.spec.data.label_time is None)
        )

    def _before(self, after: Moment) -> Moment:
        """The time of a row whose label comes at *after*, where the delay is fixed."""
        delay = self.spec.data.label_delay
        return _later(after, -delay) if delay else after

    def ids(self, now: Moment) -> ir.Table:
        """`_id` and `_time` of the visible rows, copies included."""
        rows, _ = self._keyed(self.table, now, wide=False)
        return rows.select(ID, TIME)

    def nameless(self, start: Moment, end: Moment) -> ir.Table:
        """The rows that cannot be named (in the span) or placed in time (anywhere): to be counted.

        If *unplaced* is known already, the former alone.
        """
        table = self._table((start, end), None)
        rows = table.select(**{ID: self._id(table, self.spec.data.id), TIME: self._time(table)})
        placed = _placed(rows)
        if self.unplaced is not None:
            return rows.filter(rows[TIME] > start, rows[TIME] <= end, rows[ID].isnull())
        inside = (rows[TIME] > start) & (rows[TIME] <= end)
        return rows.filter(~placed.fill_null(False) | (rows[ID].isnull() & inside))

    @property
    def timed_by_label(self) -> bool:
        """Whether there may be rows without a time, or with one after their label, whose labels tell when they came."""
        sound = self.unplaced == 0 and self.in_order
        own = self.labels is None and self.spec.data.label_time is not None
        return own and self.unplaced is not None and not sound

    def timeless(self, start: Moment, end: Moment) -> ir.Table:
        """The rows whose label is dated in the span and that have no time, or one after it: to be counted."""
        stated = self._stated(self.table[self.spec.data.label_time])
        rows = self.table.select(**{TIME: self._time(self.table), STATED: stated})
        placed = (rows[TIME] >= literal(FIRST_ROW)) & (rows[TIME] <= end)
        return rows.filter(rows[STATED] > start, rows[STATED] <= end, ~placed.fill_null(False))

    def words_among_numbers(self, start: Moment, end: Moment) -> ir.Table:
        """One row: for each feature that is `Layout.unsure`, in how many rows of the span it holds a word."""
        table = self._table((start, end), None)
        places = {str(n): unreadable(table[name]) for n, name in enumerate(self.layout.unsure)}
        rows = table.select(**{TIME: self._time(table)}, **places)
        rows = rows.filter(rows[TIME] > start, rows[TIME] <= end)
        return rows.aggregate(**{place: _number_of(rows[place]) for place in places})

    def placing(self) -> ir.Table:
        """One row: how many rows have no time (*unplaced*) or no id (*nameless*), how many labels before their row
        (*early*)."""
        chosen = {ID: self._id(self.table, self.spec.data.id), TIME: self._time(self.table)}
        if self.labels is None and self.spec.data.label_time is not None:
            chosen[STATED] = self._stated(self.table[self.spec.data.label_time])
        rows = self.table.select(**chosen)
        counts = {"unplaced": _number_of(~_placed(rows).fill_null(False)), "nameless": _number_of(rows[ID].isnull())}
        if STATED in rows.columns:
            counts["early"] = _number_of((rows[STATED] < rows[TIME]).fill_null(False))
        return rows.aggregate(**counts)

    def moved(self) -> ir.Table:
        """The ids of rows of several times, with how many times more than one each has (*more*)."""
        ids = self.ids(literal(LAST_ROW))
        found = ids.group_by(ID).aggregate(more=ids[TIME].nunique() - 1)
        return found.filter(found.more > 0)

    def label_ids(self) -> ir.Table:
        """The ids of the table of labels, where there is one."""
        labels: ir.Table = self.labels
        return labels.select(**{ID: self._id(labels, self.spec.data.label_id)})

    @property
    def can_have_orphans(self) -> bool:
        """Labels can miss their row only in a table of their own, and be placed in time only by a time."""
        return self.labels is not None and self.spec.data.label_time is not None

    def orphans(self, now: Moment, start: Moment, end: Moment) -> ir.Table:
        """Labels dated in the span whose id no visible row has; only where `can_have_orphans`."""
        dated = self._label_rows(self.labels)
        inside = dated.filter(dated[STATED] > start, dated[STATED] <= end)
        known = self.ids(now)
        return inside.anti_join(known, inside[_LABEL_ID] == known[ID])

    def first_copies(self, rows: ir.Table) -> ir.Table:
        """One row per id: the first by time, then by label arrival, then by content, on every engine alike."""
        content = [rows[TARGET]] + [rows[name] for name in self._content()]
        # Text is ordered by its hash: engines and their collations disagree about its own order.
        ties = [hashed("", each) if each.type().is_string() else each for each in content]
        order = self._arrival_order(rows) + [each.asc(nulls_first=False) for each in ties]
        ranked = rows.mutate(**{_RANK: ibis.row_number().over(group_by=rows[ID], order_by=order)})
        return ranked.filter(ranked[_RANK] == 0).drop(_RANK)

    def ranked(self, rows: ir.Table) -> tuple[ir.Table, ir.BooleanValue]:
        """Narrow *rows* with whether each is its id's first copy: enough for counts."""
        order = self._arrival_order(rows)
        ranked = rows.mutate(**{_RANK: ibis.row_number().over(group_by=rows[ID], order_by=order)})
        return ranked, ranked[_RANK] == 0

    def _arrival_order(self, rows: ir.Table) -> list[ir.Value]:
        return [
            rows[TIME].asc(),
            rows[LABEL_TIME].asc(nulls_first=False),
            rows[STATED].asc(nulls_first=True),  # of copies without a label yet, the one written first
            rows[FAULT].desc(),
        ]

    def _content(self) -> tuple[str, ...]:
        return ((PREDICTION,) if self.layout.prediction else ()) + self.layout.features

    def _keyed(self, table: ir.Table, now: Moment, *, wide: bool) -> tuple[ir.Table, dict[str, str]]:
        """Visible rows with id, time and the columns their label is made of, and the wide part by name."""
        data = self.spec.data
        chosen = {ID: self._id(table, data.id), TIME: self._time(table)}
        if self.labels is None:
            # Without a target (clustering) a row is its own label: 0 stands for "it is here".
            chosen[_LABEL] = (
                ibis.literal(0).cast("float64")
                if data.target is None
                else label(table[data.target], self.layout.target, data.no_label or ())
            )
            if data.label_time is not None:
                chosen[STATED] = self._stated(table[data.label_time])
        names = self._content() if wide else ()
        for name in names:
            source, kind = name, self.layout.kinds.get(name, "number")
            if name == PREDICTION:
                source, kind = data.prediction or name, self.layout.prediction or "number"
            chosen[name] = plain(table[source], kind) if source in table.columns else missing(kind)
        chosen |= {f"{_WORDS}{n}": unreadable(table[name]) for n, name in enumerate(self.layout.unsure)}
        rows = table.select(**chosen)
        seen = rows.filter(rows[ID].notnull(), _placed(rows), rows[TIME] <= now)
        for n in range(len(self.layout.unsure)):
            seen = seen.filter(~seen[f"{_WORDS}{n}"]).drop(f"{_WORDS}{n}")
        return seen, {name: name for name in names}

    def _labelled(self, now: Moment, rows: ir.Table, wide: dict[str, str], *, bounded: bool) -> ir.Table:
        data = self.spec.data
        own = self.labels is None
        if not own:
            first = self._first_labels(now, rows.select(ID) if bounded else None)
            joined = rows.left_join(first, rows[ID] == first[_LABEL_ID])
            kept = [joined[name] for name in rows.columns] + [joined[name] for name in first.columns]
            rows = joined.select(*kept)
        else:
            rows = rows.mutate(**{REVISED: ibis.literal(False)})
        known = rows[_LABEL].notnull()
        if data.label_time is not None:
            stated = ibis.ifelse(known, rows[STATED], None)
        else:
            stated = ibis.ifelse(known, _later(rows[TIME], data.label_delay), None)
        rows = rows.mutate(**{STATED: stated})
        due = _not_before(rows[TIME], rows[STATED])  # a label never precedes its row
        if data.mature_after:  # rows of one age come of age together, whatever their labels are
            due = _not_before(_later(rows[TIME], data.mature_after), due)
        here = due.notnull() & (due <= now)
        return rows.select(
            **{
                ID: rows[ID],
                TIME: rows[TIME],
                LABEL_TIME: ibis.ifelse(here, due, None),
                TARGET: ibis.ifelse(here, rows[_LABEL], None),
                HOLDOUT: is_holdout(rows[ID], data.holdout),
                STATED: rows[STATED],
                FAULT: rows[_LABEL].notnull() & (rows[STATED].isnull() | (rows[STATED] < rows[TIME])),
                SEEN: (rows[STATED].isnull() | (rows[STATED] <= now)) if own else ibis.literal(True),
                REVISED: rows[REVISED].fill_null(False) & here,
                **wide,
            }
        )

    def _label_rows(self, labels: ir.Table) -> ir.Table:
        data = self.spec.data
        chosen = {
            _LABEL_ID: self._id(labels, data.label_id),
            _LABEL: label(labels[data.target], self.layout.target, data.no_label or ()),
        }
        if data.label_time is not None:
            chosen[STATED] = self._stated(labels[data.label_time])
        rows = labels.select(**chosen)
        return rows.filter(rows[_LABEL].notnull())

    def _first_labels(self, now: Moment, among: ir.Table | None) -> ir.Table:
        """One label per id (*among*: these ids only) of those known at *now*; see revisions.py."""
        rows = self._label_rows(self.labels)
        if among is not None:
            rows = rows.semi_join(among, rows[_LABEL_ID] == among[ID])
        if STATED in rows.columns:
            rows = rows.filter(rows[STATED].isnull() | (rows[STATED] <= now))
        return one_each(rows, _LABEL_ID, _LABEL, STATED, newest=self.spec.data.newest_label)

    def several_labels(self) -> ir.Table:
        """One row: the ids of the table of labels (*labelled*), those with more than one label (*several*), with
        labels that differ (*revised*), and by which age in seconds 99 % of the latter had their last (*age*)."""
        each = several(self._label_rows(self.labels), _LABEL_ID, _LABEL, STATED)
        ids = self.ids(literal(LAST_ROW))
        placed = ids.group_by(ID).aggregate(**{TIME: ids[TIME].min()})
        found = each.inner_join(placed, each[_LABEL_ID] == placed[ID])
        differs = found.kinds > 1
        age = {}
        if STATED in each.columns:
            seconds = (found[STATED].epoch_seconds() - found[TIME].epoch_seconds()).cast("float64")
            age = {"age": ibis.ifelse(differs, seconds, None).quantile(0.99)}
        return found.aggregate(
            labelled=found.count(), several=_number_of(found.labels > 1), revised=_number_of(differs), **age
        )

    def _time(self, table: ir.Table) -> ir.TimestampValue:
        column = table[self.spec.data.time]
        return moments(column, self._unit(column))

    def _stated(self, column: ir.Value) -> ir.TimestampValue:
        """When labels arrived. One that names only its day may have come until that day's end: known any earlier, it
        would be looked ahead at, or lie behind a watermark of that very day and never be learned."""
        return ends(column, self._unit(column))

    def _unit(self, column: ir.Value) -> timedelta | None:
        """`data.time_unit` counts for columns of numbers; beside it, another may hold timestamps."""
        return None if column.type().is_timestamp() or column.type().is_date() else self.spec.data.time_unit

    def _id(self, table: ir.Table, names: tuple[str, ...]) -> ir.StringValue:
        """The id as text; of several columns their texts with `|` between, and null where one of them is."""
        if len(names) == 1:
            return self._one_id(table, names[0])
        parts = [self._one_id(table, name).replace("\\", "\\\\").replace("|", "\\|") for name in names]
        whole = parts[0]
        for part in parts[1:]:
            whole = whole + ibis.literal("|") + part
        return whole

    def _one_id(self, table: ir.Table, name: str) -> ir.StringValue:
        column = table[name]
        kind = column.type()
        if kind.is_floating():  # integers beside nulls often arrive as floats; other floats name nothing
            whole = column.abs() < 2**53
            whole = whole & (column == column.floor())
            return text(ibis.ifelse(whole, column, None).cast("int64"))
        if kind.is_timestamp() or kind.is_date():
            return text(moments(column, None))
        return text(column)


def _not_before(earliest: ir.TimestampValue, moment: ir.TimestampValue) -> ir.TimestampValue:
    """The later of the two; null where *moment* is (engines differ in what `greatest` makes of nulls)."""
    return ibis.ifelse(moment < earliest, earliest, moment)


def _later(time: ir.TimestampValue, delay: timedelta | None) -> ir.TimestampValue:
    if not delay:
        return time
    return (time + ibis.literal(delay // TICK, "int64").as_interval("us")).cast("timestamp(6)")


def _placed(rows: ir.Table) -> ir.BooleanValue:
    """Whether a row's time can be told; null where there is none."""
    return (rows[TIME] >= literal(FIRST_ROW)) & (rows[TIME] <= literal(LAST_ROW))


def _number_of(condition: ir.BooleanValue) -> ir.IntegerScalar:
    return ibis.ifelse(condition, 1, 0).cast("int64").sum()
