"""What a source holds that no model may see, or sees changed: to be counted, so that people hear of it.

Rows without an id or a time, labels without a row, words among numbers, ids that come at several times, labels that
were revised. Expressions as those of rows.py, whose rule of what is visible they share.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from ..columns import ID, TIME
from .moment import FIRST_ROW, LAST_ROW, Moment, literal
from .plain import unreadable
from .revisions import several
from .roles import id_of, placed, stated_in, time_of
from .rows import LABEL, LABEL_ID, STATED, Rows


def number_of(condition: ir.BooleanValue) -> ir.IntegerScalar:
    """In how many rows *condition* holds."""
    return ibis.ifelse(condition, 1, 0).cast("int64").sum()


def nameless(rows: Rows, start: Moment, end: Moment) -> ir.Table:
    """The rows that cannot be named (in the span) or placed in time (anywhere).

    If `Rows.unplaced` is known already, the former alone.
    """
    table, data = rows.within((start, end)), rows.spec.data
    found = table.select(**{ID: id_of(table, data.id), TIME: time_of(data, table)})
    if rows.unplaced is not None:
        return found.filter(found[TIME] > start, found[TIME] <= end, found[ID].isnull())
    inside = (found[TIME] > start) & (found[TIME] <= end)
    return found.filter(~placed(found).fill_null(False) | (found[ID].isnull() & inside))


def timeless(rows: Rows, start: Moment, end: Moment) -> ir.Table:
    """The rows whose label is dated in the span and that have no time, or one after it; if `Rows.timed_by_label`."""
    table, data = rows.table, rows.spec.data
    found = table.select(**{TIME: time_of(data, table), STATED: stated_in(data, table[data.label_time])})
    known = (found[TIME] >= literal(FIRST_ROW)) & (found[TIME] <= end)
    return found.filter(found[STATED] > start, found[STATED] <= end, ~known.fill_null(False))


def words_among_numbers(rows: Rows, start: Moment, end: Moment) -> ir.Table:
    """One row: for each feature that is `Layout.unsure`, in how many rows of the span it holds a word."""
    table = rows.within((start, end))
    places = {str(n): unreadable(table[name]) for n, name in enumerate(rows.layout.unsure)}
    found = table.select(**{TIME: time_of(rows.spec.data, table)}, **places)
    found = found.filter(found[TIME] > start, found[TIME] <= end)
    return found.aggregate(**{place: number_of(found[place]) for place in places})


def placing(rows: Rows) -> ir.Table:
    """One row: how many rows have no time (*unplaced*) or no id (*nameless*), how many labels before their row
    (*early*)."""
    table, data = rows.table, rows.spec.data
    chosen = {ID: id_of(table, data.id), TIME: time_of(data, table)}
    if rows.labels is None and data.label_time is not None:
        chosen[STATED] = stated_in(data, table[data.label_time])
    found = table.select(**chosen)
    counts = {"unplaced": number_of(~placed(found).fill_null(False)), "nameless": number_of(found[ID].isnull())}
    if STATED in found.columns:
        counts["early"] = number_of((found[STATED] < found[TIME]).fill_null(False))
    return found.aggregate(**counts)


def moved(rows: Rows) -> ir.Table:
    """The ids of rows of several times, with how many times more than one each has (*more*)."""
    ids = rows.ids(literal(LAST_ROW))
    found = ids.group_by(ID).aggregate(more=ids[TIME].nunique() - 1)
    return found.filter(found.more > 0)


def orphans(rows: Rows, now: Moment, start: Moment, end: Moment) -> ir.Table:
    """Labels dated in the span whose id no visible row has; only if `Rows.can_have_orphans`."""
    dated = rows.label_rows()
    inside = dated.filter(dated[STATED] > start, dated[STATED] <= end)
    known = rows.ids(now)
    return inside.anti_join(known, inside[LABEL_ID] == known[ID])


def label_ids(labels: ir.Table, names: tuple[str, ...]) -> ir.Table:
    """The ids of a table of labels, of which *names* are the columns."""
    return labels.select(**{ID: id_of(labels, names)})


def several_labels(rows: Rows) -> ir.Table:
    """One row: the ids of the table of labels (*labelled*), those with more than one label (*several*), with
    labels that differ (*revised*), and by which age in seconds 99 % of the latter had their last (*age*)."""
    each = several(rows.label_rows(), LABEL_ID, LABEL, STATED)
    ids = rows.ids(literal(LAST_ROW))
    first = ids.group_by(ID).aggregate(**{TIME: ids[TIME].min()})
    found = each.inner_join(first, each[LABEL_ID] == first[ID])
    differs = found.kinds > 1
    age = {}
    if STATED in each.columns:
        seconds = (found[STATED].epoch_seconds() - found[TIME].epoch_seconds()).cast("float64")
        age = {"age": ibis.ifelse(differs, seconds, None).quantile(0.99)}
    return found.aggregate(
        labelled=found.count(), several=number_of(found.labels > 1), revised=number_of(differs), **age
    )
