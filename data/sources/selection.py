"""Which of the visible rows a question is about: those of a span, or those whose labels came in a stretch.

Expressions over the slots NOW, START, END, AFTER and UNTIL, which a View fills. Of rows that share an id
only the first may ever be seen. Copies *outside* a selection are ruled out here by narrow joins; copies
inside it are left to `Rows.first_copies`, and only where a count says that there are any.
"""

from __future__ import annotations

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir

from ..columns import HOLDOUT, ID, LABEL_TIME, TARGET, TIME
from ..holdout import SAMPLE_SALT
from . import counted
from .counted import number_of
from .hashed import hash_number, hashed
from .layout import INNER
from .query import slot
from .revisions import REVISED
from .rows import FAULT, FIRST, SEEN, Rows

NOW, START, END, AFTER, UNTIL = (slot(name) for name in ("now", "start", "end", "after", "until"))
_EARLIER = f"{INNER}earlier"
_FIRST = f"{INNER}first"


def in_span(rows: Rows, *, wide: bool) -> ir.Table:
    """Rows with START < `_time` <= END whose id was not seen before; copies inside are still there."""
    found = _between(rows, wide=wide)
    if rows.unique:
        return found
    earlier = _earlier(rows)
    return found.anti_join(earlier, found[ID] == earlier[_EARLIER])


def labelled_late(rows: Rows) -> ir.Table:
    """Rows with `_time` <= AFTER whose label came later, up to NOW; of a source in which no id comes twice."""
    found = rows.visible(NOW, wide=True, after=AFTER)
    return found.filter(found[TIME] <= AFTER, found[LABEL_TIME] > AFTER)


def span_counts(rows: Rows) -> ir.Table:
    """One row of true counts of a span; *copies* tells whether it holds copies that must be ruled out."""
    found = _between(rows, wide=False)
    if rows.unique:
        return found.aggregate(
            rows=found.count(),
            labelled=number_of(found[LABEL_TIME].notnull()),
            faults=number_of(found[FAULT]),
            revised=number_of(found[REVISED]),
            duplicates=ibis.literal(0),
            copies=ibis.literal(0),
        )
    earlier = _earlier(rows)
    joined = found.left_join(earlier, found[ID] == earlier[_EARLIER])
    joined = joined.select(*[joined[name] for name in found.columns], joined[_EARLIER])
    ranked, first = rows.ranked(joined)
    kept = first & ranked[_EARLIER].isnull()
    return ranked.aggregate(
        rows=number_of(kept),
        labelled=number_of(kept & ranked[LABEL_TIME].notnull()),
        faults=number_of(kept & ranked[FAULT]),
        revised=number_of(kept & ranked[REVISED]),
        duplicates=number_of(~kept & ranked[SEEN]),
        copies=number_of(~first),
    )


def timeless(rows: Rows) -> ir.Table:
    """One row: how many rows whose label is dated in the span have no time, or one after it."""
    return count(counted.timeless(rows, START, END))


def orphans(rows: Rows) -> ir.Table:
    """One row: how many labels dated in the span have no row; only if `Rows.can_have_orphans`."""
    return count(counted.orphans(rows, NOW, START, END))


def nameless(rows: Rows) -> ir.Table:
    """One row: how many rows of the span cannot be named, and how many anywhere cannot be placed in time."""
    return count(counted.nameless(rows, START, END))


def words_among_numbers(rows: Rows) -> ir.Table:
    """One row: for each feature that is `Layout.unsure`, in how many rows of the span it holds a word."""
    return counted.words_among_numbers(rows, START, END)


def label_delays(rows: Rows, quantile: float) -> ir.Table:
    """One row: the *quantile* of the seconds that the span's arrived labels took."""
    found = in_span(rows, wide=False)
    if not rows.unique:
        found, kept = rows.ranked(found)
        found = found.filter(kept)
    found = found.filter(found[LABEL_TIME].notnull())
    seconds = (found[LABEL_TIME].epoch_seconds() - found[TIME].epoch_seconds()).cast("float64")
    delays = found.select(delay=seconds)
    return delays.aggregate(delay=delays.delay.quantile(quantile))


def start_of_last(rows: Rows, number: int) -> ir.Table:
    """One row: the time of the first of the last *number* rows up to NOW."""
    ids = rows.ids(NOW)
    if rows.unique:
        return ids.order_by(ids[TIME].desc()).limit(number).aggregate(start=lambda t: t[TIME].min())
    if rows.copies is not None:
        # Of an id's copies those at its first time are left; of these there are no more than the surplus
        ids = ids.anti_join(rows.copies, [ids[ID] == rows.copies[ID], ids[TIME] > rows.copies[FIRST]])
        ids = ids.order_by(ids[TIME].desc()).limit(number + rows.surplus)
    first = ids.group_by(ID).aggregate(**{_FIRST: ids[TIME].min()})
    last = first.order_by(first[_FIRST].desc()).limit(number)
    return last.aggregate(start=last[_FIRST].min())


def by_label(rows: Rows, *, bounded: bool, holdout: bool, wide: bool) -> ir.Table:
    """Rows with AFTER < `_label_time` <= UNTIL (*bounded*; else all up to UNTIL) that no copy outside precedes.

    A copy precedes by an earlier time, or at the same time by an earlier label; copies inside are still there.
    """
    found = rows.visible(NOW, wide=wide, after=AFTER if bounded else None)
    found = found.filter(found[LABEL_TIME] <= UNTIL, found[HOLDOUT] == ibis.literal(holdout))
    if bounded:
        found = found.filter(found[LABEL_TIME] > AFTER)
    if rows.unique:
        return found
    if rows.copies is not None:
        return _first_of_copies(rows, rows.copies, found, bounded=bounded)
    ids = rows.ids(NOW)
    first = ids.group_by(ID).aggregate(**{_FIRST: ids[TIME].min()})
    found = found.semi_join(first, [found[ID] == first[ID], found[TIME] == first[_FIRST]])
    if not bounded:
        return found
    known = rows.visible(NOW, wide=False)
    known = known.filter(known[LABEL_TIME] <= AFTER).select(ID, TIME)
    return found.anti_join(known, [found[ID] == known[ID], found[TIME] == known[TIME]])


def last_label(rows: Rows) -> ir.Table:
    """One row: when the newest label later than AFTER came."""
    found = rows.visible(NOW, wide=False, after=AFTER)
    found = found.filter(found[LABEL_TIME] > AFTER)
    return found.aggregate(newest=found[LABEL_TIME].max())


def labels_of(rows: Rows, ids: Sequence[str]) -> ir.Table:
    """Id, time, label time and label of the visible rows with these *ids*, the first copy first."""
    found = rows.visible(NOW, wide=False)
    found = found.filter(found[ID].isin(list(ids)))
    return found.select(ID, TIME, LABEL_TIME, TARGET).order_by([found[TIME], found[LABEL_TIME]])


def tally(found: ir.Table) -> ir.Table:
    """One row: how many ids *found* holds, and the sum of their hashes."""
    ids = found.select(ID).distinct()
    return ids.aggregate(rows=ids.count(), total=hash_number(ids[ID]).sum())


def size(found: ir.Table) -> ir.Table:
    """One row: how many rows and how many ids *found* holds."""
    return found.aggregate(rows=found.count(), ids=found[ID].nunique())


def count(found: ir.Table) -> ir.Table:
    return found.aggregate(rows=found.count())


def sampled(found: ir.Table, limit: int | None) -> ir.Table:
    """The first *limit* rows by hash of the id; None: all."""
    if limit is None:
        return found
    return found.order_by(hashed(SAMPLE_SALT, found[ID]), found[ID]).limit(limit)


def _between(rows: Rows, *, wide: bool) -> ir.Table:
    return rows.visible(NOW, wide=wide, inside=(START, END))


def _first_of_copies(rows: Rows, copies: ir.Table, found: ir.Table, *, bounded: bool) -> ir.Table:
    """*found* without what a copy outside precedes, where all ids that come twice are known."""
    found = found.anti_join(copies, [found[ID] == copies[ID], found[TIME] > copies[FIRST]])
    if not bounded:
        return found
    known = rows.visible(NOW, wide=False)
    known = known.filter(known[LABEL_TIME] <= AFTER).select(ID, TIME)
    known = known.semi_join(copies, known[ID] == copies[ID])
    return found.anti_join(known, [found[ID] == known[ID], found[TIME] == known[TIME]])


def _earlier(rows: Rows) -> ir.Table:
    if rows.copies is not None:
        known = rows.copies.filter(rows.copies[FIRST] <= START)
        return known.select(**{_EARLIER: known[ID]})
    ids = rows.ids(START)
    return ids.select(**{_EARLIER: ids[ID]}).distinct()
