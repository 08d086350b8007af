"""What a monitor looks at: the reference window, the current one, and the rows whose labels are mature."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pandas as pd

from ...data.columns import ID, LABEL_TIME, TARGET, TIME
from ...data.metrics.metrics import Outcomes
from ...data.view import View
from ...data.window import Window
from ...ledger.entries import Outlying
from ...models.learning.trained import Trained
from ...monitors.labels.judged import WindowBefore
from ...monitors.rows.impossible import impossible_in
from ...monitors.unmeasured import Answered, Arrivals
from ...spec.errors import ContractBroken, Refused
from ...spec.keys.watching import OF_CLASSES, MonitorsSpec
from ...spec.model import Spec
from ...spec.values import Span
from ..champion import Champion
from ..context import ModelContext
from ..excluded import Impossible, KeptOut, impossible, without
from .asked import answered, arrivals
from .served import answers

REFERENCE_WINDOWS = 8
RECENT_WINDOWS = 4
RECENT_ROWS = 10_000
CALIBRATED_WINDOWS = 4
ENOUGH_TO_CALIBRATE = 2_000  # rows


@dataclass(frozen=True)
class Recent:
    """The windows just before the *current* one, read when they are called for; None where the reference holds them.

    They end one window before it: a fault of one or two windows is not taken for the world as it is.
    """

    view: View
    window: timedelta | int
    reference: Span
    current: Span
    out: KeptOut = ()

    def __call__(self) -> Window | None:
        end = self.view.span_of(self.window, self.current.start).start
        if end <= self.reference.end:
            return None
        span = self.view.span_of(self.window * RECENT_WINDOWS, end)
        found = sound(self.view.window(span, sample=RECENT_ROWS, name="recent"), self.out)
        return found if len(found.frame) else None


@dataclass(frozen=True)
class WindowsBefore:
    """The labelled rows of the three windows before the *performance* window, beside what was served on them; read when
    they are called for."""

    context: ModelContext
    view: View
    champion: Champion
    performance: Span
    out: KeptOut = ()

    def __call__(self) -> tuple[WindowBefore, ...]:
        return tuple(self._windows())

    def _windows(self) -> Iterator[WindowBefore]:
        end = self.performance.start
        for _ in range(3):
            span = self.view.span_of(self.context.spec.monitors.window, end)
            frame = without(self.view.window(span, name="earlier").frame, self.out)
            labelled = frame[frame[TARGET].notna()]
            if not len(labelled):
                return
            found = answers(self.context, self.champion, labelled, self.view.now)
            yield WindowBefore(frame, found.outcomes, found.rows)
            end = span.start


@dataclass(frozen=True)
class ObservedWindows:
    """The windows of one moment.

    *outcomes* are the matured rows beside what was served on them, None where nothing can be said; *left_out* says
    which rows are missing among them; *coverage* is the share of the performance window's rows whose labels have
    arrived. *recent* gives the windows just before the current one, where the reference is older, and *before*
    the labelled rows of the three before the performance window, for who finds a fault of labels; *matured* are all
    labelled rows of the reference and the performance window, *judged* the rows of *outcomes*, in their order. Where
    labels are late, *scored* is what the champion says of the current rows (labels left out), and *calibration* what it
    said of labelled rows that no version learns.
    *answered* and *arrivals* tell whether champion and labels speak at all.
    """

    reference: Window
    current: Window
    performance: Span
    outcomes: Outcomes | None
    coverage: float
    scored: Outcomes | None = None
    calibration: Outcomes | None = None
    left_out: str = ""
    recent: Recent | None = None
    before: Callable[[], tuple[WindowBefore, ...]] = tuple
    matured: pd.DataFrame | None = None
    judged: pd.DataFrame | None = None
    answered: Answered | None = None
    arrivals: Arrivals | None = None


def read_windows(view: View, spec: Spec, champion: Champion) -> ObservedWindows:
    """Read the windows that the monitors judge at `view.now`.

    The performance window lies back by the label delay, so that its labels are mature. It holds what was served then,
    by whichever version (see served.py).
    """
    context, watched = champion.context, spec.monitors
    view.hold(champion.reference.start)
    known = impossible(context.ledger.decisions.evaluations(spec.model, before=view.now))
    reference = sound(view.window(champion.reference, name="reference"), known)
    current = view.window(view.span_of(watched.window, view.now), name="current")
    delay = label_delay(view, watched, champion.reference)
    span = view.span_of(watched.window, view.now - delay)
    seen = current if span == current.span else view.window(span, name="performance")
    out = (*known, *_now(spec, champion, reference, current, seen.span))
    judged = sound(seen, out)
    labelled = judged.frame[judged.frame[TARGET].notna()]
    coverage = judged.labelled / judged.rows if judged.rows else 0.0
    found = answers(context, champion, labelled, view.now)
    late = span.end < current.span.end or coverage < 1
    scored, calibration = (
        _unlabelled(view, spec, champion.trained, sound(current, out), champion.reference) if late else (None, None)
    )
    recent = Recent(view, watched.window, reference.span, current.span, known)
    return ObservedWindows(
        reference,
        current,
        span,
        found.outcomes,
        coverage,
        scored,
        calibration,
        found.note,
        recent,
        WindowsBefore(context, view, champion, span, known),
        _labelled(reference, judged),
        found.rows,
        answered(spec, champion.trained, reference, current, scored),
        arrivals(view, reference, judged, delay),
    )


def sound(window: Window, out: KeptOut) -> Window:
    """*window* without the rows that are kept *out* one by one; its counts are those of all rows."""
    frame = without(window.frame, out)
    return window if len(frame) == len(window.frame) else replace(window, frame=frame.reset_index(drop=True))


def _now(spec: Spec, champion: Champion, reference: Window, current: Window, judged: Span) -> KeptOut:
    """The rows that this very look finds to be impossible, each by itself, also where they are judged."""
    if spec.monitors.quality is None:
        return ()
    try:
        found = impossible_in(spec.monitors.quality, reference, current, champion.known)
    except Exception:  # the screen itself meets the same, and says that it broke off
        return ()
    bounds = tuple(Outlying(column=name, low=low, high=high) for name, (low, high) in found.items())
    span = Span(start=min(current.span.start, judged.start), end=current.span.end)
    return (Impossible(span, bounds),) if bounds else ()


def _labelled(*windows: Window) -> pd.DataFrame:
    """The labelled rows of *windows*, each once: when they were predicted, when labelled, and with what."""
    parts = [w.frame.loc[w.frame[TARGET].notna(), [ID, TIME, LABEL_TIME, TARGET]] for w in windows]
    return pd.concat([p for p in parts if len(p)] or parts[:1], ignore_index=True).drop_duplicates(ID)


def calibrating(view: View, spec: Spec, current: Window, reference: Span) -> pd.DataFrame:
    """Labelled rows that no version learns, on which the estimate of a *current* window is calibrated."""
    lately = current.span.start - CALIBRATED_WINDOWS * current.span.length
    if lately > reference.start:
        rows = view.holdout(lately, limit=spec.gate.sample)
        if len(rows) >= ENOUGH_TO_CALIBRATE:
            return rows
    return view.holdout(reference.start, limit=spec.gate.sample)


def reference_span(view: View, watched: MonitorsSpec, watermark: datetime) -> Span:
    """The reference window of a version with this watermark: `monitors.reference`, or eight windows."""
    return view.span_of(watched.reference or watched.window * REFERENCE_WINDOWS, watermark)


def label_delay(view: View, watched: MonitorsSpec, reference: Span) -> timedelta:
    """How long `maturity` of the labels take, by those that came.

    The youngest rows of the reference may still wait for their slow labels, so that those that came are too fast: it
    is measured again on a stretch as long, of rows that are older than the first measurement.
    """
    maturity = watched.performance.maturity if watched.performance else 1.0
    delay = max(view.label_delay(reference, maturity), timedelta(0))
    if reference.end <= view.now - delay:
        return delay
    end = view.now - delay
    return max(delay, view.label_delay(Span(start=end - reference.length, end=end), maturity))


def _unlabelled(
    view: View, spec: Spec, trained: Trained, current: Window, reference: Span
) -> tuple[Outcomes | None, Outcomes | None]:
    """What a label-free estimate needs, where the spec asks for one and the model gives probabilities.

    It is calibrated on labels that came in the last few windows, or, where these are too few, since the reference
    window began: older ones say little of today, and all of history would be read at every look.
    """
    watched = spec.monitors.performance
    if spec.task not in OF_CLASSES or watched is None or watched.estimate == "off" or not trained.probabilistic:
        return None, None
    try:
        return trained.score(current.frame), trained.predict(calibrating(view, spec, current, reference))
    except (ContractBroken, Refused, ValueError):
        return None, None
