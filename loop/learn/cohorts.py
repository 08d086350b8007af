"""Whole cohorts: from which age of its row on a label counts, settled once, before a model's first version learns.

Where labels that come early are not like those that come late, the labelled rows of any moment are no fair sample, for
what learns and for what judges alike. Rows of one age are: their labels have all had the same time to come. The age is
kept in the version's training state, so that every later version of the lineage counts labels in the same way.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

import pandas as pd

from ...data.columns import TARGET, TIME
from ...data.source import Source, open_source
from ...data.view import naive
from ...monitors.labels.delays import DelayBias, delay_bias
from ...spec.duration import format_duration
from ...spec.model import Spec
from ...spec.values import Span
from ..context import ModelContext

_SAMPLE = 20_000  # rows, by hash of the id


def delays_at(spec: Spec, source: Source, now: datetime) -> DelayBias | None:
    """How delay and label go together in what was known at *now*; None where nothing can be said or settled.

    Nothing is, where labels have no time of their own, or `data.mature_after` is set. The youngest rows have only
    their quick labels, which makes the age too small: it is measured again on rows that are older than the first
    measurement.
    """
    whole = source.extent()
    if spec.data.label_time is None or spec.data.mature_after is not None or whole is None or whole.start >= naive(now):
        return None
    frame = source.as_of(now).window(Span(start=whole.start, end=naive(now)), sample=_SAMPLE).frame
    labelled = frame[frame[TARGET].notna()]
    found = delay_bias(labelled, spec.task, spec.monitors.every)
    if found is None or found.status != "fail":
        return found
    older = labelled[labelled[TIME] <= pd.Timestamp(naive(now) - found.age)]
    again = delay_bias(older, spec.task, spec.monitors.every)
    return replace(found, age=max(found.age, again.age)) if again is not None else found


def settled(spec: Spec, source: Source, now: datetime) -> Spec:
    """*spec*, with `data.mature_after` where it leaves that out and the labels known at *now* want it."""
    found = delays_at(spec, source, now)
    return spec.maturing(found.age) if found is not None and found.status == "fail" else spec


@contextmanager
def whole_cohorts(context: ModelContext, now: datetime) -> Iterator[ModelContext]:
    """*context* for a first version at *now*: its spec settled, its data opened by that, and a note that says so."""
    spec = settled(context.spec, context.source, now)
    if spec is context.spec:
        yield context
        return
    age = format_duration(spec.data.matured)
    note = f"Labels that come early are not like the others: each counts from an age of {age} of its row on."
    with open_source(spec) as source:
        yield replace(context, spec=spec, source=source, notes=(*context.notes, note))
