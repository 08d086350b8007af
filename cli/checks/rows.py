"""Rows and labels that a source loses in silence: no id, one id for many rows, labels whose ids meet no row."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pandas as pd

from ...data.columns import PREDICTION, TARGET
from ...data.doubts.doubts import NULL_WORDS, written_alike
from ...data.doubts.stand_ins import stand_ins
from ...data.metrics.metrics import METRICS, Outcomes, interval
from ...data.served import positive_of
from ...data.source import Source
from ...data.window import Window
from ...spec.duration import format_duration
from ...spec.model import Spec
from ...spec.values import Span
from ..commands.finding import Finding

LOST = 0.01  # share of rows that may lack an id
_TWO = 2
AGAIN = 0.05  # share of rows whose id names an earlier row of another time


def usual_rows(spec: Spec, span: Span, rows: int) -> float:
    """How many rows a window has on average, where it is a length of time."""
    extent = spec.monitors.window
    if not isinstance(extent, timedelta):
        return float(min(rows, extent))
    return rows * min(1.0, extent / span.length) if span.length else float(rows)


def rows_in_doubt(spec: Spec, source: Source, span: Span, whole: Window) -> Iterator[Finding]:
    """What is lost of the whole source, *whole* being its window over *span*."""
    yield from _ids(spec, source, whole)
    if whole.label_faults:
        faults = f"{whole.label_faults:,} labels are dated before their row, or not at all"
        yield Finding("warn", "data.label_time", faults)
    if spec.data.target is None or whole.rows == 0:
        return
    unmet = source.unmet_ids() if spec.data.labels is not None and whole.labelled < LOST * whole.rows else ""
    if unmet:
        yield Finding("fail", "data.labels.id", unmet)
    elif whole.labelled == 0:
        text = f"none of {whole.rows:,} rows has a label in {spec.data.target!r} by the source's end; expected some. "
        text += "Is it the right column, and has `data.label_time` or `data.label_delay` passed?"
        yield Finding("fail", "data.target", text)
    else:
        yield from _revisions(spec, source)
        yield from _classes(spec, whole)
        yield from _scores(spec, whole)


def _ids(spec: Spec, source: Source, whole: Window) -> Iterator[Finding]:
    named = ", ".join(spec.data.id)
    lost, unplaced = source.lost_rows()
    if lost:
        share = lost / (whole.rows + whole.duplicates + lost)
        text = f"{lost:,} rows ({share:.1%}) have no {named}; they are never learned nor judged. Give them ids"
        yield Finding("fail" if share > LOST else "warn", "data.id", f"{text} in the source")
    if unplaced:
        text = f"{unplaced:,} rows have no time in {spec.data.time!r}, or one that stands for none, such as "
        yield Finding("warn", "data.time", f"{text}0001-01-01; they are never learned nor judged")
    if not whole.duplicates:
        return
    moved, example = source.moved_ids()
    every = whole.rows + whole.duplicates
    if moved > AGAIN * every:
        text = (
            f"{named} names several rows: {moved:,} of {every:,} ({moved / every:.0%}) have an id that an earlier row "
        )
        text += f"of another time has, such as {example!r}, and are never seen. Name a column that is unique to a row, "
        yield Finding("fail", "data.id", f"{text}or several: `data.id: [customer, week]`")
    else:
        text = f"{whole.duplicates:,} rows repeat an id that was there before; of each the first one counts"
        yield Finding("warn", "data.id", text)


def _revisions(spec: Spec, source: Source) -> Iterator[Finding]:
    """Whether the table of labels has several of one row, which of them counts, and when they are final."""
    found = source.revisions()
    if found is None or not found.revised:
        return
    text = f"{found.revised:,} of {found.labelled:,} labelled rows ({found.share:.1%}) have several labels that differ"
    key = "data.labels.revisions"
    if not found.ordered:
        text += "; nothing tells which is newer, so that any of them counts. Name its time: `data.label_time`"
        yield Finding("fail" if found.share > LOST else "warn", key, text)
        return
    if not spec.data.newest_label:
        text += "; the first counts, in learning and judging alike. `data.labels.revisions: newest` takes the last"
        yield Finding("warn" if found.share > LOST else "ok", key, text)
        return
    text += "; the newest known counts, and an update learns a row once"
    day = timedelta(days=1)
    age = None if found.age is None else -(-found.age // day) * day
    if found.share > LOST and age is not None and spec.data.matured < age:
        text += f", with its label of then. Set `data.mature_after: {format_duration(age)}`, by which 99% were final"
        yield Finding("warn", key, text)
    else:
        yield Finding("ok", key, text)


def _classes(spec: Spec, whole: Window) -> Iterator[Finding]:
    labels = whole.frame[TARGET].dropna()
    if spec.task == "regression":
        odd = stand_ins(labels.to_numpy(dtype=float))
        if odd:
            text = f"{'; '.join(odd)}. They are learned as labels; if they stand for none, make them null in the source"
            yield Finding("warn", "data.target", text)
        return
    for names in written_alike(list(labels.unique())):
        listed = ", ".join(map(repr, names))
        text = f"{listed} are different classes, and differ only by case, blanks or decimals; write them alike in the"
        yield Finding("warn", "data.target", f"{text} source, unless they are meant")
    if spec.task == "binary" and labels.nunique() > _TWO:
        counts = ", ".join(f"{name!r} in {count:,}" for name, count in labels.value_counts().head(5).items())
        text = (
            f"found {labels.nunique()} classes ({counts} rows) where a binary task has two. Name words for no label in "
        )
        text += "`data.no_label`, make such numbers null in the source, or set `task: multiclass`"
        yield Finding("fail", "data.target", text)
    if spec.data.no_label is not None or labels.dtype != object:
        return
    for name, count in labels.value_counts().items():
        if str(name).strip() in NULL_WORDS:
            text = f"{name!r} is a class of {count / len(labels):.1%} of the labels and looks like a missing one; set "
            text += f"`data.no_label: [{name!r}]` if it is none, or `data.no_label: []` if it is a class"
            yield Finding("fail", "data.target", text)


def _scores(spec: Spec, whole: Window) -> Iterator[Finding]:
    """Whether what was served looks like the positive class's probability; of a binary task that records it."""
    if spec.task != "binary" or PREDICTION not in whole.frame:
        return
    known = whole.frame[whole.frame[TARGET].notna() & whole.frame[PREDICTION].notna()]
    served, classes = known[PREDICTION], tuple(sorted(known[TARGET].unique().tolist()))
    if len(classes) != 2 or not pd.api.types.is_numeric_dtype(served) or served.isin(classes).all():
        return
    if not served.between(0, 1).all():
        low, high = float(served.min()), float(served.max())
        what = "per cent" if low >= 0 and high <= 100 else "log-odds" if low < 0 else "no probabilities"
        text = f"its numbers from {low:.4g} to {high:.4g} look like {what}; expected the positive class's probability, "
        yield Finding("fail", "data.prediction", f"{text}between 0 and 1. Convert them in the source")
        return
    positive = positive_of(classes, spec.data.positive)
    other = classes[0] if positive == classes[1] else classes[1]
    outcomes = Outcomes(known[TARGET].to_numpy(), known[TARGET].to_numpy(), served.to_numpy(), (other, positive))
    area = interval(METRICS["roc_auc"], outcomes, confidence=0.99, seed=spec.seed)
    taken = f"{positive!r} is taken for the positive class, whose probability `prediction` holds"
    if area.high < 0.5:
        text = f"{taken}, but it ranks the labels the wrong way round (area {area.value:.3f})"
        yield Finding("fail", "data.positive", f"{text}; set `data.positive: {other}` if it is the other one's")
    elif spec.data.positive is None:
        yield Finding("ok", "data.positive", f"{taken}, since it comes last; its area is {area.value:.3f}")
