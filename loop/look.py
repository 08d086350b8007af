"""What a monitor looks at: the reference window, the current one, and the rows whose labels are mature."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from ..data.metrics import Outcomes
from ..data.served import served_outcomes
from ..data.view import View
from ..data.window import Window
from ..models.trained import Trained
from ..spec.errors import ContractBroken, Refused
from ..spec.model import Spec
from ..spec.values import Span
from ..spec.watching import OF_CLASSES, MonitorsSpec
from .champion import Champion

REFERENCE_WINDOWS = 8


@dataclass(frozen=True)
class Look:
    """The windows of one moment.

    *outcomes* are the matured rows beside what the champion said of them, None where it could say nothing;
    *coverage* is the share of the performance window's rows whose labels have arrived. Where labels are late,
    *scored* is what the champion says of the current rows (labels left out), and *calibration* what it said of
    labelled rows that no version learns.
    """

    reference: Window
    current: Window
    performance: Span
    outcomes: Outcomes | None
    coverage: float
    scored: Outcomes | None = None
    calibration: Outcomes | None = None


def look(view: View, spec: Spec, champion: Champion) -> Look:
    """Read the windows that the monitors judge at `view.now`.

    The performance window lies back by the label delay, so that its labels are mature, and holds only
    rows that the present champion predicted: it was promoted before them, so it cannot have learned them.
    """
    watched = spec.monitors
    reference = view.window(champion.reference, name="reference")
    current = view.window(view.span_of(watched.window, view.now), name="current")
    span = _matured(view, watched, champion)
    judged = current if span == current.span else view.window(span, name="performance")
    labelled = judged.frame[judged.frame["_target"].notna()]
    coverage = judged.labelled / judged.rows if judged.rows else 0.0
    outcomes = _outcomes(spec, champion.trained, labelled)
    late = span.end < current.span.end or coverage < 1
    scored, calibration = (
        _unlabelled(view, spec, champion.trained, current, champion.reference) if late else (None, None)
    )
    return Look(reference, current, span, outcomes, coverage, scored, calibration)


def reference_span(view: View, watched: MonitorsSpec, watermark: datetime) -> Span:
    """The reference window of a version with this watermark: `monitors.reference`, or eight windows."""
    return view.span_of(watched.reference or watched.window * REFERENCE_WINDOWS, watermark)


def _matured(view: View, watched: MonitorsSpec, champion: Champion) -> Span:
    maturity = watched.performance.maturity if watched.performance else 1.0
    delay = view.label_delay(champion.reference, maturity)
    end = view.now - max(delay, timedelta(0))
    span = view.span_of(watched.window, end)
    return Span(start=min(max(span.start, champion.since), end), end=end)


def _unlabelled(
    view: View, spec: Spec, trained: Trained, current: Window, reference: Span
) -> tuple[Outcomes | None, Outcomes | None]:
    """What a label-free estimate needs, where the spec asks for one and the model gives probabilities.

    It is calibrated on labels that came since the reference window began: older ones say little of today, and all of
    history would be read at every look.
    """
    watched = spec.monitors.performance
    if spec.task not in OF_CLASSES or watched is None or watched.estimate == "off" or not trained.probabilistic:
        return None, None
    try:
        return trained.score(current.frame), trained.predict(view.holdout(reference.start, limit=spec.gate.sample))
    except (ContractBroken, Refused, ValueError):
        return None, None


def _outcomes(spec: Spec, trained: Trained, labelled: object) -> Outcomes | None:
    """What was served on these rows; None where the champion cannot predict them (the quality screen says why)."""
    if spec.data.prediction is not None:
        return served_outcomes(labelled, spec.task, trained.state.classes)  # type: ignore[arg-type]
    try:
        return trained.predict(labelled)  # type: ignore[arg-type]
    except (ContractBroken, Refused, ValueError):
        return None
