"""Look at one window: all monitors of the spec, their signals, and Evidently's pages that show them."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import TypeVar

import pandas as pd

from ..data.columns import HOLDOUT, ID, LABEL_TIME, PREDICTION, TARGET, TIME
from ..data.metrics.metrics import Outcomes
from ..data.metrics.own import metric_of
from ..data.window import Window
from ..spec.keys.watching import PerformanceSpec
from ..spec.model import Spec
from ..spec.values import Signal, Span
from .columns.drift import Drift, Drifted
from .evidently.report import Run, Snapshot
from .labels.delays import METRIC, UNFAIR, delay_bias, delay_signal, unfair
from .labels.judged import Judged, WindowBefore
from .own.signals import own_signals
from .performance.estimate import Estimate
from .performance.performance import Accepted, Performance
from .profile import Profile
from .quality import Quality
from .unmeasured import UNSCREENED, Answered, Arrivals

_OWN = frozenset({ID, TIME, LABEL_TIME, TARGET, PREDICTION, HOLDOUT})
_IDS = uuid.UUID("6f1d1c5e-6a0b-4d0e-9a55-2f2d3c7a9b10")  # namespace of our snapshot ids
_T = TypeVar("_T")


@dataclass(frozen=True)
class Observation:
    """What the monitors saw. *runs* are Evidently's snapshots; *faults* say which page could not be made, and why."""

    signals: tuple[Signal, ...]
    runs: tuple[Run, ...] = ()
    faults: tuple[str, ...] = field(default=())


@dataclass(frozen=True)
class Labels:
    """What is known of labels and answers at the moment of the window.

    *outcomes* are the matured rows of *performance_span* (*left_out* says which are missing among them), and
    *judged_rows* those rows themselves, in the same order; *coverage* is the share of the span's labels that arrived,
    *accepted* the champion's metric when it was accepted.
    *matured* are labelled rows (`_time`, `_label_time`, `_target`) in which early labels are compared with late ones.
    *before* gives the labelled rows of the three windows before the performance window; it is read only on a fault.
    *scored* is what the champion says of the current rows, labelled or not, and *calibration* what it said of
    labelled ones: with both the metric is estimated if labels are late. *answered* and *arrivals* tell whether the
    champion answers for the window, and when labels came last.
    """

    outcomes: Outcomes | None
    accepted: Accepted | None
    performance_span: Span
    coverage: float
    left_out: str = ""
    judged_rows: pd.DataFrame | None = None
    matured: pd.DataFrame | None = None
    before: Callable[[], tuple[WindowBefore, ...]] = tuple
    scored: Outcomes | None = None
    calibration: Outcomes | None = None
    answered: Answered | None = None
    arrivals: Arrivals | None = None


def observe(
    spec: Spec,
    *,
    reference: Window,
    current: Window,
    labels: Labels,
    known: Profile | None = None,
    recent: Callable[[], Window | None] | None = None,
    pages: bool = True,
) -> Observation:
    """Run the spec's monitors over *current* against *reference*; never raises for what the data holds.

    *known* is the profile of all that the champion's history held. *recent* gives the windows just before the current
    one, if the reference is older; it is read only on a fault.

    Without *pages* nothing is drawn and Evidently is not even imported: the signals are the same but for their
    `snapshot`, which is None. A monitor that breaks becomes a Signal `unknown` with the reason. Equal arguments
    give equal signals, and snapshots of equal ids.
    """
    features = _features(spec, reference, current)
    seen = _Seen(spec, current)
    if spec.monitors.quality is not None:
        judged = Judged(  # what was before is read once
            spec.task,
            metric_of(spec),
            labels.outcomes,
            labels.accepted,
            spec.seed,
            cache(labels.before),
            labels.judged_rows,
        )
        quality = Quality(spec.monitors.quality, features, known, judged, recent, labels.answered, labels.arrivals)
        seen.signals += _screened(current, lambda: quality(reference, current))
    if spec.monitors.drift is not None:
        seen.drift(Drift(spec.monitors.drift, features, seed=spec.seed), reference, pages)
    seen.signals += own_signals(spec, reference, current)
    if spec.monitors.performance is not None:
        seen.performance(spec.monitors.performance, labels)
        seen.early_labels(labels, reference)
        seen.estimate(spec.monitors.performance, labels)
        if pages:
            seen.page("performance", "outcomes", lambda: _outcomes(spec, labels.outcomes))
    if pages:
        seen.page("signals", "signals", lambda: _summary(spec, seen.signals, current), first=True)
    return seen.observation(features)


@dataclass
class _Seen:
    """What was seen so far, monitor by monitor."""

    spec: Spec
    current: Window
    signals: list[Signal] = field(default_factory=list)
    drawn: list[tuple[str, Snapshot]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def drift(self, drift: Drift, reference: Window, pages: bool) -> None:
        current = self.current
        found, broken = _attempt(lambda: drift.measure(reference, current, pages=pages))
        found = found or Drifted([_broken("drift", "drift_share", current.span, current.rows, broken)])
        parts = found.snapshots
        self.drawn += [("drift" if len(parts) == 1 else f"drift {i + 1}", each) for i, each in enumerate(parts)]
        self.faults += found.faults
        self.signals += found.signals

    def performance(self, settings: PerformanceSpec, labels: Labels) -> None:
        span, metric = labels.performance_span, metric_of(self.spec)
        performance = Performance(settings, metric, seed=self.spec.seed)
        measured, broken = _attempt(
            lambda: performance(
                labels.outcomes, labels.accepted, span, coverage=labels.coverage, left_out=labels.left_out
            )
        )
        self.signals += measured or [_broken("performance", name, span, 0, broken) for name in (metric.name, "drop")]

    def early_labels(self, labels: Labels, reference: Window) -> None:
        """Whether labels that come early tell of all."""
        spec, matured = self.spec, labels.matured
        if matured is None or spec.data.label_time is None:
            return
        early, broken = _attempt(lambda: delay_bias(matured, spec.task, spec.monitors.every))
        if early is not None:
            self.signals.append(delay_signal(early, reference.span, "performance"))
            quality = spec.monitors.quality
            if early.status == "fail" and quality is not None and UNFAIR not in quality.off:
                self.signals.append(unfair(early, self.current))
        elif broken:
            self.signals.append(_broken("performance", METRIC, reference.span, 0, broken))

    def estimate(self, settings: PerformanceSpec, labels: Labels) -> None:
        """The metric from the model's confidence, if the spec asks for it and labels are late."""
        spec, span = self.spec, self.current.span
        if settings.estimate == "off" or not late_labels(spec, self.signals, self.current, labels.performance_span):
            return
        estimate = Estimate(settings, spec.task, metric_of(spec), seed=spec.seed)
        guessed, broken = _attempt(lambda: estimate(labels.scored, labels.calibration, labels.accepted, span))
        names = (spec.metric, "estimated_drop")
        self.signals += (
            guessed if guessed is not None else [_broken("estimate", name, span, 0, broken) for name in names]
        )

    def page(self, title: str, what: str, draw: Callable[[], Snapshot | None], *, first: bool = False) -> None:
        page, broken = _attempt(draw)
        if broken:
            self.faults.append(f"the page of {what} could not be made: {broken}")
        if page is not None:
            self.drawn.insert(0 if first else len(self.drawn), (title, page))

    def observation(self, features: tuple[str, ...]) -> Observation:
        spec, current = self.spec, self.current
        runs = tuple(
            Run(_id(spec, current, title), title, snapshot, metric=spec.metric, columns=features)
            for title, snapshot in self.drawn
        )
        return Observation(tuple(_linked(self.signals, runs)), runs, tuple(self.faults))


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
