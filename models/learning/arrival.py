"""The order in which labels arrived: what every learner learns by, and what a watermark is a position in."""

from __future__ import annotations

import pandas as pd

from ...data.columns import ID, LABEL_TIME


def by_arrival(rows: pd.DataFrame) -> pd.DataFrame:
    """Canonical *rows* in (label time, id) order; the same object where they are in it, as those of a view are.

    >>> at = pd.to_datetime(["2026-01-02", "2026-01-01", "2026-01-01"])
    >>> list(by_arrival(pd.DataFrame({"_label_time": at, "_id": ["a", "c", "b"]}))["_id"])
    ['b', 'c', 'a']
    """
    if _in_order(rows):
        return rows
    return rows.sort_values([LABEL_TIME, ID], kind="stable")


def _in_order(rows: pd.DataFrame) -> bool:
    """Looked at before sorting: pandas sorts by two keys in milliseconds, however few the rows."""
    times, ids = rows[LABEL_TIME].to_numpy(), rows[ID].to_numpy(object)
    later, level = times[1:] > times[:-1], times[1:] == times[:-1]  # NaT is neither
    return bool((later | level).all() and (ids[1:][level] >= ids[:-1][level]).all())
