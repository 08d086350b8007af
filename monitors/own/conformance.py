"""The tests that every monitor of one's own must pass: run `faults` on yours, in your own tests.

from ratoon.monitors.own.conformance import faults

def test_it_is_a_monitor():
    assert faults(Fuel(), reference, current) == []
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pandas as pd

from ...data.window import Window
from ...spec.user_code import own_name_fault
from ...spec.values import BUILT_IN_MONITORS, Signal
from .monitor import OwnMonitor
from .signals import BROKEN, called


def faults(monitor: OwnMonitor, reference: Window, current: Window) -> list[str]:
    """What *monitor* does that a monitor must not, a sentence each; none: it conforms.

    *reference* and *current* are windows of the team's own data, or made ones, with rows.
    """
    return list(_faults(monitor, reference, current))


def _faults(monitor: OwnMonitor, reference: Window, current: Window) -> Iterator[str]:
    if fault := own_name_fault(monitor, BUILT_IN_MONITORS):
        yield f"name: {fault}"
        return
    whole = called(monitor, reference, current)
    yield from _broken("two windows with rows", whole)
    if not whole:
        yield "two windows with rows: it gives no signal; say `ok` of what is well, so that silence is no health"
    keys = [(each.metric, each.column) for each in whole]
    yield from (
        f"{metric} of {column!r} is there twice"
        for metric, column in dict.fromkeys(keys)
        if keys.count((metric, column)) > 1
    )
    if called(monitor, reference, current) != whole:
        yield "equal windows give other signals the second time: it keeps something, or draws without a seed"
    for what, before, now in (
        ("an empty current window", reference, _emptied(current)),
        ("an empty reference", _emptied(reference), current),
        ("both windows empty", _emptied(reference), _emptied(current)),
        ("values all missing", reference, _missing(current)),
    ):
        yield from _broken(what, called(monitor, before, now))
    yield from _changes(monitor, reference, current)


def _broken(what: str, signals: list[Signal]) -> Iterator[str]:
    yield from (f"{what}: {each.note}" for each in signals if each.metric == BROKEN and each.status == "unknown")


def _changes(monitor: OwnMonitor, reference: Window, current: Window) -> Iterator[str]:
    """It may not change the rows that it is given: another monitor reads them after it."""
    before = [window.frame.copy() for window in (reference, current)]
    given = [replace(window, frame=kept.copy()) for window, kept in zip((reference, current), before, strict=True)]
    try:
        list(monitor(reference=given[0], current=given[1]))
    except Exception:  # said before
        return
    for window, kept in zip(given, before, strict=True):
        if not window.frame.equals(kept):
            yield f"it changes the rows of the {window.name} window; expected a copy to be changed"


def _emptied(window: Window) -> Window:
    return replace(window, frame=window.frame.iloc[:0], rows=0, labelled=0)


def _missing(window: Window) -> Window:
    """Every feature without a value, as a column that the source has lost."""
    frame = window.frame.copy()
    for column in frame.columns:
        if not column.startswith("_"):
            frame[column] = pd.Series(
                [None] * len(frame), dtype=frame[column].dtype if frame[column].dtype == object else "float64"
            )
    return replace(window, frame=frame)
