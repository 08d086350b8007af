"""Of several labels of one row: the first tells when it was labelled, the newest known what it is.

A provisional label comes first and the final one later: a chargeback, a corrected meter. A row has come once its first
label has, so that no update ever learns it twice; what it is called follows the newest label known at the moment.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import ibis
import ibis.expr.types as ir

from .hashed import hashed
from .layout import INNER

REVISED = f"{INNER}revised"  # the label that counts is another than the first
_FIRST, _LAST = f"{INNER}rank_first", f"{INNER}rank_last"


@dataclass(frozen=True)
class Revisions:
    """Of *labelled* ids of a table of labels: *several* have more than one label, *revised* of these labels that
    differ. *ordered*: the source says when each came. *age*: of 99 % of the revised rows the last label had come by
    this age; None where it cannot be told."""

    labelled: int
    several: int
    revised: int
    ordered: bool
    age: timedelta | None = None

    @property
    def share(self) -> float:
        """Of all labelled ids, those that were revised."""
        return self.revised / self.labelled if self.labelled else 0.0


def one_each(rows: ir.Table, name: str, label: str, stated: str, *, newest: bool) -> ir.Table:
    """One row for each id *name* of the label *rows*: its first moment *stated* and the label that counts, with
    REVISED. Without such moments there is no order, and the label is the first by its hash, on every engine alike."""
    tie = hashed("", rows[label]) if rows[label].type().is_string() else rows[label]
    dated = stated in rows.columns
    first = [rows[stated].asc(nulls_first=False), tie] if dated else [tie]
    last = [rows[stated].desc(nulls_first=False), tie.desc()] if dated else [tie]
    ranks = {_FIRST: ibis.row_number().over(group_by=rows[name], order_by=first)}
    if not newest or not dated:
        ranked = rows.mutate(**ranks, **{REVISED: ibis.literal(False)})
        return ranked.filter(ranked[_FIRST] == 0, ranked[name].notnull()).drop(_FIRST)
    ranks[_LAST] = ibis.row_number().over(group_by=rows[name], order_by=last)
    ranked = rows.mutate(**ranks)
    ends = ranked.filter((ranked[_FIRST] == 0) | (ranked[_LAST] == 0), ranked[name].notnull())
    return ends.group_by(name).aggregate(
        **{
            label: ends[label].max(where=ends[_LAST] == 0),
            stated: ends[stated].min(where=ends[_FIRST] == 0),
            REVISED: ends[label].nunique() > 1,
        }
    )


def several(rows: ir.Table, name: str, label: str, stated: str) -> ir.Table:
    """For each id *name* of the label *rows*: how many labels (*labels*), how many that differ (*kinds*), and the
    last moment *stated*."""
    named = rows.filter(rows[name].notnull())
    last = {} if stated not in rows.columns else {stated: named[stated].max()}
    return named.group_by(name).aggregate(labels=named.count(), kinds=named[label].nunique(), **last)
