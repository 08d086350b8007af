"""Evidently's own report of the task, on labelled rows: for people; our signals do not depend on it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ...data.metrics.metrics import Outcomes
from ...spec.keys.watching import Task
from .report import Snapshot, dataset

_ROWS = 5_000  # most rows that Evidently gets
_CLASSES = 30  # more classes than this make no readable confusion matrix


def outcome_report(task: Task, outcomes: Outcomes) -> Snapshot | None:
    """Errors (regression) or hits and scores (classification) of matured rows.

    None where Evidently cannot draw it: no rows, one class only, or too many classes; and for clusterings.
    """
    if task == "clustering":
        return None
    known = _known(task, outcomes)
    if len(known) > _ROWS:
        known = known.take(np.linspace(0, len(known) - 1, _ROWS).astype(int))
    if len(known) < 2:
        return None
    if task == "regression":
        return _regression(known)
    seen = set(map(str, known.target))
    if len(seen) < 2 or len(seen) > _CLASSES:
        return None
    return _binary(known) if task == "binary" and len(known.classes) == 2 else _multiclass(known)


def _known(task: Task, outcomes: Outcomes) -> Outcomes:
    """The rows whose label, prediction and score Evidently can read: NaN and inf crash it."""
    keep = ~(pd.isna(outcomes.target) | pd.isna(outcomes.prediction))
    if task == "regression":
        keep &= np.isfinite(outcomes.target.astype(float)) & np.isfinite(outcomes.prediction.astype(float))
    elif outcomes.score is not None:
        keep &= np.isfinite(outcomes.score.reshape(len(outcomes), -1)).all(axis=1)
    return outcomes.take(np.flatnonzero(keep))


def _regression(known: Outcomes) -> Snapshot:
    from evidently import Regression, Report
    from evidently.metrics import MAE, RMSE, MeanError

    frame = pd.DataFrame({"target": known.target.astype(float), "prediction": known.prediction.astype(float)})
    task = [Regression(target="target", prediction="prediction")]
    data = dataset(frame, numbers=["target", "prediction"], categories=[], regression=task)
    return Report([MAE(error_plot=True), RMSE(), MeanError()]).run(current_data=data, reference_data=None)


def _binary(known: Outcomes) -> Snapshot:
    """Labels and scores are two tasks: given both at once, Evidently would ignore the labels."""
    from evidently import BinaryClassification, Report
    from evidently.metrics import Accuracy, F1Score, LogLoss, RocAuc

    frame = pd.DataFrame({"target": _text(known.target), "prediction": _text(known.prediction)})
    positive = str(known.classes[1])
    classes = {str(c): str(c) for c in known.classes}
    tasks = [
        BinaryClassification(
            name="label", target="target", prediction_labels="prediction", pos_label=positive, labels=classes
        )
    ]
    metrics = [Accuracy(classification_name="label"), F1Score(classification_name="label")]
    numbers = []
    if known.score is not None:
        frame["score"] = known.score.astype(float)
        numbers = ["score"]
        tasks.append(
            BinaryClassification(
                name="score", target="target", prediction_probas="score", pos_label=positive, labels=classes
            )
        )
        metrics += [RocAuc(classification_name="score"), LogLoss(classification_name="score")]
    data = dataset(frame, numbers=numbers, categories=["target", "prediction"], classification=tasks)
    return Report(metrics).run(current_data=data, reference_data=None)


def _multiclass(known: Outcomes) -> Snapshot:
    from evidently import MulticlassClassification, Report
    from evidently.metrics import Accuracy, F1Score

    frame = pd.DataFrame({"target": _text(known.target), "prediction": _text(known.prediction)})
    task = [MulticlassClassification(target="target", prediction_labels="prediction")]
    data = dataset(frame, numbers=[], categories=["target", "prediction"], classification=task)
    return Report([Accuracy(), F1Score()]).run(current_data=data, reference_data=None)


def _text(values: np.ndarray) -> list[str]:
    return [str(v) for v in values]
