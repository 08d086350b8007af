"""Look at one window: all monitors of the spec, their signals, and Evidently's pages that show them."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import TypeVar

import pandas as pd

from ..data.metrics.metrics import Outcomes
from ..data.window import Window
from ..spec.model import Spec
from ..spec.values import Signal, Span
from .columns.drift import Drift, Drifted
from .evidently.report import Run, Snapshot
from .labels.delays import METRIC, UNFAIR, delay_bias, delay_signal, unfair
from .labels.screens import Judged, WindowBefore
from .own.signals import own_signals
from .performance.estimate import Estimate
from .performance.performance import Accepted, Performance
from .profile import Profile
from .quality import Quality
from .unmeasured import UNSCREENED, Answered, Arrivals

_OWN = frozenset({"_id", "_time", "_label_time", "_target", "_prediction", "_holdout"})
_IDS = uuid.UUID("6f1d1c5e-6a0b-4d0e-9a55-2f2d3c7a9b10")  # namespace of our snapshot ids
_T = TypeVar("_T")


@dataclass(frozen=True)
class Observation:
    """What the monitors saw. *runs* are Evidently's snapshots; *faults* say which page could not be made, and why."""

    signals: tuple[Signal, ...]
    runs: tuple[Run, ...] = ()
    faults: tuple[str, ...] = field(default=())


def observe(
    spec: Spec,
    *,
    reference: Window,
    current: Window,
    outcomes: Outcomes | None,
    accepted: Accepted | None,
    performance_span: Span,
    coverage: float,
    left_out: str = "",
    matured: pd.DataFrame | None = None,
    known: Profile | None = None,
    recent: Callable[[], Window | None] | None = None,
    before: Callable[[], tuple[WindowBefore, ...]] = tuple,
    judged_rows: pd.DataFrame | None = None,
    scored: Outcomes | None = None,
    calibration: Outcomes | None = None,
    answered: Answered | None = None,
    arrivals: Arrivals | None = None,
    pages: bool = True,
) -> Observation:
    """Run the spec's monitors over *current* against *reference*; never raises for what the data holds.

    *outcomes* are the matured rows of *performance_span* (*left_out* says which are missing among them), *coverage*
    the share of its labels that arrived,
    *accepted* the champion's metric when it was accepted, and *known* the profile of all that its history held.
    *matured* are labelled rows (`_time`, `_label_time`, `_target`) in which early labels are compared with late ones.
    *recent* gives the windows just before the current one, where the reference is older; it is read only on a fault.
    So is *before*, the labelled rows of the three windows before the performance window; *judged_rows* are the rows of
    *outcomes*, in their order.
    *scored* is what the champion says of the current rows, labelled or not, and *calibration* what it said of
    labelled ones: with both the metric is estimated where labels are late. *answered* and *arrivals* tell whether the
    champion answers for the window, and when labels came last.

    Without *pages* nothing is drawn and Evidently is not even imported: the signals are the same but for their
    `snapshot`, which is None. A monitor that breaks becomes a Signal `unknown` with the reason. Equal arguments
    give equal signals, and snapshots of equal ids.
    """
    features = _features(spec, reference, current)
    monitors, faults = spec.monitors, list[str]()
    signals: list[Signal] = []
    drawn: list[tuple[str, Snapshot]] = []
    if monitors.quality is not None:
        judged = Judged(spec.task, spec.metric, outcomes, accepted, spec.seed, cache(before), judged_rows)  # read once
        quality = Quality(monitors.quality, features, known, judged, recent, answered, arrivals)
        signals += _screened(current, lambda: quality(reference, current))
    if monitors.drift is not None:
        drift = Drift(monitors.drift, features, seed=spec.seed)
        found, broken = _attempt(lambda: drift.measure(reference, current, pages=pages))
        found = found or Drifted([_broken("drift", "drift_share", current.span, current.rows, broken)])
        parts = found.snapshots
        drawn += [("drift" if len(parts) == 1 else f"drift {i + 1}", each) for i, each in enumerate(parts)]
        faults += found.faults
        signals += found.signals
    if monitors.own:
        signals += own_signals(spec, reference, current)
    if monitors.performance is not None:
        performance = Performance(monitors.performance, spec.metric, seed=spec.seed)
        measured, broken = _attempt(
            lambda: performance(outcomes, accepted, performance_span, coverage=coverage, left_out=left_out)
        )
        signals += measured or [
            _broken("performance", name, performance_span, 0, broken) for name in (spec.metric, "drop")
        ]
        if matured is not None and spec.data.label_time is not None:
            early, broken = _attempt(lambda: delay_bias(matured, spec.task, monitors.every))
            if early is not None:
                signals.append(delay_signal(early, reference.span, "performance"))
                if early.status == "fail" and monitors.quality is not None and UNFAIR not in monitors.quality.off:
                    signals.append(unfair(early, current))
            elif broken:
                signals.append(_broken("performance", METRIC, reference.span, 0, broken))
        if monitors.performance.estimate != "off" and late_labels(spec, signals, current, performance_span):
            estimate = Estimate(monitors.performance, spec.task, spec.metric, seed=spec.seed)
            guessed, broken = _attempt(lambda: estimate(scored, calibration, accepted, current.span))
            signals += (
                guessed
                if guessed is not None
                else [_broken("estimate", name, current.span, 0, broken) for name in (spec.metric, "estimated_drop")]
            )
        page, broken = _attempt(lambda: _outcomes(spec, outcomes)) if pages else (None, "")
        if broken:
            faults.append(f"the page of outcomes could not be made: {broken}")
        if page is not None:
            drawn.append(("performance", page))
    summary, broken = _attempt(lambda: _summary(spec, signals, current)) if pages else (None, "")
    if broken:
        faults.append(f"the page of signals could not be made: {broken}")
    if summary is not None:
        drawn.insert(0, ("signals", summary))
    runs = tuple(
        Run(_id(spec, current, title), title, snapshot, metric=spec.metric, columns=features)
        for title, snapshot in drawn
    )
    return Observation(tuple(_linked(signals, runs)), runs, tuple(faults))


def late_labels(spec: Spec, signals: list[Signal], current: Window, judged: Span) -> bool:
    """Whether the performance window lies behind the current one, or could not be judged."""
    unknown = any(s.monitor == "performance" and s.metric == "drop" and s.status == "unknown" for s in signals)
    return unknown or judged.end < current.span.end


def _features(spec: Spec, reference: Window, current: Window) -> tuple[str, ...]:
    """The spec's features, else every column of either frame that is not one of ours, in order."""
    if spec.data.features is not None:
        return spec.data.features
    columns = dict.fromkeys([*reference.frame.columns, *current.frame.columns, *current.missing_columns])
    return tuple(c for c in columns if c not in _OWN)


def _screened(current: Window, measure: Callable[[], list[Signal]]) -> list[Signal]:
    """What the screens say; where all of them broke off, nothing is known of the data, which is no health."""
    signals, broken = _attempt(measure)
    if signals is not None:
        return signals
    failed = _broken("quality", UNSCREENED, current.span, current.rows, broken)
    return [failed.model_copy(update={"status": "fail"})]


def _attempt(step: Callable[[], _T]) -> tuple[_T | None, str]:
    """The result, or why there is none: no window, however broken, may stop the monitors."""
    try:
        return step(), ""
    except Exception as error:
        return None, f"{type(error).__name__}: {error}"


def _broken(monitor: str, metric: str, span: Span, rows: int, reason: str) -> Signal:
    note = f"the monitor failed: {reason}"
    return Signal(monitor=monitor, metric=metric, status="unknown", note=note, window=span, rows=rows)


def _outcomes(spec: Spec, outcomes: Outcomes | None) -> Snapshot | None:
    from .evidently.outcomes import outcome_report

    return None if outcomes is None or len(outcomes) == 0 else outcome_report(spec.task, outcomes)


def _summary(spec: Spec, signals: list[Signal], current: Window) -> Snapshot:
    from .evidently.measured import summary

    return summary(signals, metric=spec.metric, rows=current.rows)


def _id(spec: Spec, current: Window, title: str) -> str:
    """The same for the same model, window and page: looking again replaces the page."""
    name = "|".join([spec.model, current.span.start.isoformat(), current.span.end.isoformat(), title])
    return str(uuid.uuid5(_IDS, name))


def _linked(signals: list[Signal], runs: tuple[Run, ...]) -> list[Signal]:
    """Each signal with the id of the page that shows it best; the page of all signals otherwise."""
    ids = {run.title: run.id for run in runs}
    fallback = ids.get("signals")
    return [s.model_copy(update={"snapshot": ids.get(s.monitor, fallback)}) for s in signals]
