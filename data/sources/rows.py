"""All that can be seen of a source at one moment, as Ibis expressions that no engine has run yet.

Moments (now, start, end) are expressions too: slots that are filled in when the question is asked.

Row and label obey one rule each. A row is visible when its time has come. A label has arrived when its
label time has come, and never before its row (or its row's age of `data.mature_after`); until then `_target` and
`_label_time` are null. Nothing below this file sees a row or label otherwise, so that no monitor or learner can look
ahead.
"""

from __future__ import annotations

from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from ...spec.model import Spec
from ..columns import HOLDOUT, ID, LABEL_TIME, PREDICTION, TARGET, TIME
from .hashed import hashed, is_holdout
from .layout import INNER, Layout
from .moment import Moment, roughly
from .plain import label, missing, plain, unreadable
from .revisions import REVISED, one_each
from .roles import id_of, later, placed, stated_in, time_of, unit_of

STATED = f"{INNER}stated"  # label time as the source says it, also when it lies in the future
FAULT = f"{INNER}fault"  # the label is dated before its row, or not dated at all
SEEN = f"{INNER}seen"  # a copy whose label lies in the future has not been written yet, as far as one can know
FIRST = f"{INNER}first_time"  # of an id that comes twice, in the table of copies
LABEL = f"{INNER}label"
LABEL_ID = f"{INNER}label_id"
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
        rows, names = self._keyed(self.within(inside, after), now, wide=wide)
        if inside is not None:
            rows = rows.filter(rows[TIME] > inside[0], rows[TIME] <= inside[1])
        if after is not None and self._late_only:
            rows = rows.filter(rows[STATED] > after if self.spec.data.label_time else rows[TIME] > self._before(after))
        return self._labelled(now, rows, names, bounded=inside is not None)

    def within(self, inside: tuple[Moment, Moment] | None, after: Moment | None = None) -> ir.Table:
        """The rows' table, without row groups of its files in which no row can be *inside* or labelled *after*."""
        data, table = self.spec.data, self.table
        if self.unplaced is None:  # a database: its planner knows better
            return table
        found: list[ir.BooleanValue] = []
        if inside is not None:
            found += roughly(table[data.time], unit_of(data, table[data.time]), *inside)
        if after is not None and self._late_only:
            if data.label_time is not None:
                column = table[data.label_time]
                found += [] if column.type().is_date() else roughly(column, unit_of(data, column), after, None)
            else:
                found += roughly(table[data.time], unit_of(data, table[data.time]), self._before(after), None)
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
        return later(after, -delay) if delay else after

    def ids(self, now: Moment) -> ir.Table:
        """`_id` and `_time` of the visible rows, copies included."""
        rows, _ = self._keyed(self.table, now, wide=False)
        return rows.select(ID, TIME)

    @property
    def timed_by_label(self) -> bool:
        """Whether there may be rows without a time, or with one after their label, whose labels tell when they came."""
        sound = self.unplaced == 0 and self.in_order
        own = self.labels is None and self.spec.data.label_time is not None
        return own and self.unplaced is not None and not sound

    @property
    def can_have_orphans(self) -> bool:
        """Labels can miss their row only in a table of their own, and be placed in time only by a time."""
        return self.labels is not None and self.spec.data.label_time is not None

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
        chosen = {ID: id_of(table, data.id), TIME: time_of(data, table)}
        if self.labels is None:
            # Without a target (clustering) a row is its own label: 0 stands for "it is here".
            chosen[LABEL] = (
                ibis.literal(0).cast("float64")
                if data.target is None
                else label(table[data.target], self.layout.target, data.no_label or ())
            )
            if data.label_time is not None:
                chosen[STATED] = stated_in(data, table[data.label_time])
        names = self._content() if wide else ()
        for name in names:
            source, kind = name, self.layout.kinds.get(name, "number")
            if name == PREDICTION:
                source, kind = data.prediction or name, self.layout.prediction or "number"
            chosen[name] = plain(table[source], kind) if source in table.columns else missing(kind)
        chosen |= {f"{_WORDS}{n}": unreadable(table[name]) for n, name in enumerate(self.layout.unsure)}
        rows = table.select(**chosen)
        seen = rows.filter(rows[ID].notnull(), placed(rows), rows[TIME] <= now)
        for n in range(len(self.layout.unsure)):
            seen = seen.filter(~seen[f"{_WORDS}{n}"]).drop(f"{_WORDS}{n}")
        return seen, {name: name for name in names}

    def _labelled(self, now: Moment, rows: ir.Table, wide: dict[str, str], *, bounded: bool) -> ir.Table:
        data = self.spec.data
        own = self.labels is None
        if not own:
            first = self._first_labels(now, rows.select(ID) if bounded else None)
            joined = rows.left_join(first, rows[ID] == first[LABEL_ID])
            kept = [joined[name] for name in rows.columns] + [joined[name] for name in first.columns]
            rows = joined.select(*kept)
        else:
            rows = rows.mutate(**{REVISED: ibis.literal(False)})
        known = rows[LABEL].notnull()
        if data.label_time is not None:
            stated = ibis.ifelse(known, rows[STATED], None)
        else:
            stated = ibis.ifelse(known, later(rows[TIME], data.label_delay), None)
        rows = rows.mutate(**{STATED: stated})
        due = _not_before(rows[TIME], rows[STATED])  # a label never precedes its row
        if data.mature_after:  # rows of one age come of age together, whatever their labels are
            due = _not_before(later(rows[TIME], data.mature_after), due)
        here = due.notnull() & (due <= now)
        return rows.select(
            **{
                ID: rows[ID],
                TIME: rows[TIME],
                LABEL_TIME: ibis.ifelse(here, due, None),
                TARGET: ibis.ifelse(here, rows[LABEL], None),
                HOLDOUT: is_holdout(rows[ID], data.holdout),
                STATED: rows[STATED],
                FAULT: rows[LABEL].notnull() & (rows[STATED].isnull() | (rows[STATED] < rows[TIME])),
                SEEN: (rows[STATED].isnull() | (rows[STATED] <= now)) if own else ibis.literal(True),
                REVISED: rows[REVISED].fill_null(False) & here,
                **wide,
            }
        )

    def label_rows(self) -> ir.Table:
        """LABEL_ID, LABEL and (if labels are dated) STATED of the table of labels, which must be there."""
        data = self.spec.data
        labels: ir.Table = self.labels
        chosen = {
            LABEL_ID: id_of(labels, data.label_id),
            LABEL: label(labels[data.target], self.layout.target, data.no_label or ()),
        }
        if data.label_time is not None:
            chosen[STATED] = stated_in(data, labels[data.label_time])
        rows = labels.select(**chosen)
        return rows.filter(rows[LABEL].notnull())

    def _first_labels(self, now: Moment, among: ir.Table | None) -> ir.Table:
        """One label per id (*among*: these ids only) of those known at *now*; see revisions.py."""
        rows = self.label_rows()
        if among is not None:
            rows = rows.semi_join(among, rows[LABEL_ID] == among[ID])
        if STATED in rows.columns:
            rows = rows.filter(rows[STATED].isnull() | (rows[STATED] <= now))
        return one_each(rows, LABEL_ID, LABEL, STATED, newest=self.spec.data.newest_label)


def _not_before(earliest: Moment, moment: Moment) -> Moment:
    """The later of the two; null where *moment* is (engines differ in what `greatest` makes of nulls)."""
    return ibis.ifelse(moment < earliest, earliest, moment)
