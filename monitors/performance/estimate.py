"""Performance without labels: what the champion's own probabilities say of its metric on rows not yet labelled.

Confidence-based performance estimation. Calibrated probabilities say how often each prediction will turn out
right, and so, in expectation, what any metric of the confusion between labels and scores will be (CBPE: NannyML's
documentation, "Confidence-based Performance Estimation"; compared with others, and refined to PAPE, by Białek,
Kivimäki, Kuberski and Perrakis 2024, "Estimating model performance under covariate shift without labels",
arXiv:2401.08348). Kin: average confidence and its difference (Guillory, Shankar, Ebrahimi, Darrell and Schmidt
2021, "Predicting with confidence on unseen distributions") and thresholded confidence (Garg, Balakrishnan,
Lipton, Neyshabur and Sedghi 2022, "Leveraging unlabeled data to predict out-of-distribution performance").

What it cannot see: a changed relation of label and features (concept drift). It sees covariate shift alone, so an
estimate is advice, marked as such in every note.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ...data.metrics.metrics import Interval, Metric, Outcomes, known_metric
from ...spec.keys.watching import OF_CLASSES, PerformanceSpec, Task
from ...spec.values import Signal, Span
from .confidence import calibration_error, estimated
from .performance import Accepted, fall, fallen, level

MONITOR = "estimate"
MARK = "estimate, without labels: "

_LABELS = 300  # fewest labelled rows to calibrate on
_EACH = 50  # of them, fewest of each class
_POOR = 0.05  # expected calibration error on rows that the calibration did not see
_BINARY = ("roc_auc", "accuracy", "balanced_accuracy", "f1", "log_loss", "brier")
_MULTI = ("accuracy", "log_loss")


@dataclass(frozen=True)
class Estimate:
    """The task's *metric* as estimated on scored rows, and `estimated_drop`: how much worse than when accepted.

    Binary: every metric. Multiclass: accuracy and log_loss. Else, with too few labels to calibrate on, or with
    probabilities that are poor even when calibrated, both signals are `unknown` and the note says why.
    """

    spec: PerformanceSpec
    task: Task
    metric: Metric | str
    seed: int = 0

    def __call__(
        self, scored: Outcomes | None, calibration: Outcomes | None, accepted: Accepted | None, span: Span
    ) -> list[Signal]:
        """Signals over *scored* (labels ignored), calibrated on the labelled rows *calibration*.

        No signals where there can be no estimate: a regression, or nobody handed in what it needs.
        """
        if self.task not in OF_CLASSES or (scored is None and calibration is None):
            return []
        rows, metric = 0 if scored is None else len(scored), known_metric(self.metric)
        reason = self._unfit(metric, scored, calibration)
        if reason is not None or scored is None or calibration is None:
            return [self._unknown(name, rows, span, reason or "") for name in (metric.name, "estimated_drop")]
        now = estimated(metric.name, scored, calibration, seed=self.seed)
        if not math.isfinite(now.value):
            reason = f"{metric.name} is undefined on these {rows} rows"
            return [self._unknown(name, rows, span, reason) for name in (metric.name, "estimated_drop")]
        note = f"{MARK}{metric.name} is about {now.value:.4g} on {rows} rows"
        measured = level(MONITOR, metric.name, now, accepted, span, rows, note)
        return [measured, self._drop(metric, now, accepted, span, rows)]

    def _unfit(self, metric: Metric, scored: Outcomes | None, calibration: Outcomes | None) -> str | None:
        possible = {"binary": _BINARY, "multiclass": _MULTI}.get(self.task, ())
        if metric.name not in possible:
            return f"{metric.name} of a {self.task} task has no estimate by confidence"
        rows, least = _scored(scored), self.spec.min_labels
        if scored is None or scored.score is None or rows < least:
            return f"{rows} rows with probabilities; at least {least} are needed (min_labels)"
        rows = _scored(calibration)
        if calibration is None or calibration.score is None or rows < _LABELS:
            return f"{rows} labelled rows with probabilities to calibrate on; at least {_LABELS} are needed"
        if scored.score.ndim != calibration.score.ndim or tuple(scored.classes) != tuple(calibration.classes):
            return "the rows to calibrate on were scored for other classes"
        counts = [int(np.sum(calibration.target == each)) for each in calibration.classes]
        if self.task == "binary" and min(counts, default=0) < _EACH:
            return f"{min(counts, default=0)} labels of the rarer class to calibrate on; at least {_EACH} are needed"
        error = calibration_error(calibration)
        if not error <= _POOR:
            return f"the probabilities are poor even when calibrated: wrong by {error:.3f} on average on unseen rows"
        return None

    def _drop(self, metric: Metric, now: Interval, accepted: Accepted | None, span: Span, rows: int) -> Signal:
        loss = fall(metric, now, accepted)
        if isinstance(loss, str) or accepted is None:
            return self._unknown("estimated_drop", rows, span, str(loss))
        tolerance = self.spec.tolerance_for(metric.name, metric.relative)
        note = f"{MARK}{metric.name} goes from {accepted.value:.4g} to about {now.value:.4g}"
        return fallen(MONITOR, "estimated_drop", loss, accepted, tolerance, span, rows, note)

    def _unknown(self, metric: str, rows: int, span: Span, note: str) -> Signal:
        return Signal(monitor=MONITOR, metric=metric, status="unknown", note=f"{MARK}{note}", window=span, rows=rows)


def _scored(outcomes: Outcomes | None) -> int:
    return 0 if outcomes is None or outcomes.score is None else len(outcomes)
