"""What the data room hands out: a window of rows with its true counts, and a tally of learned rows."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd

from ..spec.values import Span, Value

EVERY_ROW = 2**31 - 1  # as `sample`: a window that is not sampled at all


@dataclass(frozen=True)
class Window:
    """The rows of one span as of one moment; at most `sample` of them, with the true counts beside.

    *frame* is in (_time, _id) order with the canonical columns; see `plain.to_frame`. Every count is of
    the whole span, not of the sample: *rows* with copies left out, *labelled* those whose label arrived,
    *duplicates* copies left out because their id was seen before, *label_faults* rows whose label is
    dated before the row, or not dated though `data.label_time` is given (such a label never arrives),
    *revised* those whose label is another than the first that came,
    *orphan_labels* labels dated in the span whose id no row has yet (0 without a table of labels or
    without `data.label_time`), *nameless* rows without id in the span plus *unplaced* ones, which have no time, or
    one that stands for none, anywhere in the source; *timeless* rows whose label came in the span, and that have no
    time, or one after it (where files hold label times beside the rows).

    *unreadable* counts, for features that the model learned as numbers, the rows of the span that hold a word instead;
    these are in no frame and no other count.

    *schema* maps each of the source's columns to its type as text; *missing_columns* names features (and
    the prediction) that are declared but not in the source: NaN or None in the frame.
    """

    name: str
    span: Span
    frame: pd.DataFrame
    rows: int
    labelled: int
    duplicates: int = 0
    label_faults: int = 0
    revised: int = 0
    orphan_labels: int = 0
    nameless: int = 0
    unplaced: int = 0
    timeless: int = 0
    schema: dict[str, str] = field(default_factory=dict)
    unreadable: dict[str, int] = field(default_factory=dict)
    missing_columns: tuple[str, ...] = ()


class RowTally(Value):
    """How many rows, and an order-independent fingerprint of their ids: equal sets have equal tallies."""

    rows: int
    fingerprint: int
