"""The metric that a spec judges by; a team's own is called so that whatever it does, there is a value or none.

One that raises, or returns anything but a number (or one for each row), has no value on those rows, as roc_auc has
none on rows of one class: what is measured by it is then `unknown` or `unsure`, and says why.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from ...spec.model import Spec
from ...spec.own_metric import DeclaredMetric
from ...spec.unexpected import users_code, worded
from .built_in import METRICS, mean_of
from .metric import Draw, Metric
from .outcomes import Array, Outcomes


def metric_of(spec: Spec) -> Metric:
    """The metric of *spec*. Raises SpecError if it is the team's own and cannot be made."""
    own = spec.own_metric
    return METRICS[spec.metric] if own is None else as_metric(own)


@lru_cache(maxsize=64)
def as_metric(declared: DeclaredMetric) -> Metric:
    """The metric that a team's own declares itself to be: of rows in closed form, else resampled as a whole."""
    asked = _Asked(declared, _takes_labels(declared.function))
    facts: dict[str, Any] = {
        "greater_is_better": declared.greater_is_better,
        "relative": declared.relative,
        "needs_score": declared.response_method == "predict_proba",
        "two_classes": True,
        "bounds": declared.bounds,
        "fault": asked.fault,
    }
    if declared.per_row:
        return mean_of(declared.name, asked.each, **facts)

    def prepare(outcomes: Outcomes) -> Draw:
        plain = _plain(outcomes)
        return lambda rows: asked.value(plain.take(rows))

    return Metric(name=declared.name, function=asked.value, prepare=prepare, **facts)


class NoValue(Exception):
    """What the metric returned is no value: in words."""


@dataclass(frozen=True)
class _Asked:
    """A team's own metric, as it is called."""

    declared: DeclaredMetric
    takes_labels: bool

    def value(self, outcomes: Outcomes) -> float:
        """The value, NaN if there is none."""
        try:
            return self._one(outcomes)
        except Exception:  # users' code raises anything; `fault` says what
            return float("nan")

    def each(self, outcomes: Outcomes) -> Array:
        """What every row adds, shape (n,); NaN throughout if there is none."""
        try:
            return self._rows(outcomes)
        except Exception:  # as above
            return np.full(len(outcomes), np.nan)

    def fault(self, outcomes: Outcomes) -> str | None:
        """Why there is no value on *outcomes*; None if there is one."""
        try:
            if self.declared.per_row:
                self._rows(outcomes)
            else:
                self._one(outcomes)
        except NoValue as error:
            return str(error)
        except Exception as error:
            return f"it raised {worded(error)}"
        return None

    def _one(self, outcomes: Outcomes) -> float:
        found = np.asarray(self._called(outcomes))
        if found.shape != () or found.dtype.kind not in "biuf":
            raise NoValue(f"it returned {_in_words(found)}; expected one number")
        return _within(float(found), self.declared)

    def _rows(self, outcomes: Outcomes) -> Array:
        found = np.asarray(self._called(outcomes))
        if found.shape != (len(outcomes),) or found.dtype.kind not in "biuf":
            raise NoValue(f"it returned {_in_words(found)}; expected a number for each of {len(outcomes):,} rows")
        found = found.astype(np.float64)
        if not np.isfinite(found).all():
            raise NoValue(f"{int((~np.isfinite(found)).sum()):,} of {len(found):,} rows have no finite number")
        _within(float(found.mean()), self.declared)
        return found

    def _called(self, outcomes: Outcomes) -> Any:
        plain = _plain(outcomes)
        with users_code(), warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")  # of one class only, say: what has no value is told by `fault`
            if self.declared.scorer:
                return _scored(self.declared.function, plain)
            answer = plain.prediction if self.declared.response_method == "predict" else plain.score
            if answer is None:
                raise NoValue("it needs probabilities, of which there are none")
            more = {"labels": list(plain.classes)} if self.takes_labels else {}
            return self.declared.function(plain.target.copy(), answer.copy(), **more)


def _within(value: float, declared: DeclaredMetric) -> float:
    if not np.isfinite(value):
        raise NoValue(f"it returned {value}; expected a finite number")
    least, most = declared.bounds
    slack = 1e-9 * max(1.0, abs(value))
    if not least - slack <= value <= most + slack:
        raise NoValue(f"it returned {value:.6g}, beyond its `bounds` ({least:g}, {most:g})")
    return value


def _in_words(found: Array) -> str:
    if found.dtype.kind not in "biuf":
        return f"no number but {str(found.tolist())[:60]!r}"
    return "one number" if found.shape == () else f"numbers of shape {found.shape}"


def _plain(outcomes: Outcomes) -> Outcomes:
    """The same with labels and predictions of a plain type: scikit-learn takes no objects for classes."""
    target, prediction = (_unboxed(each) for each in (outcomes.target, outcomes.prediction))
    return Outcomes(target, prediction, outcomes.score, outcomes.classes, outcomes.part)


def _unboxed(values: Array) -> Array:
    return np.asarray(values.tolist()) if values.dtype == object else values


def _takes_labels(function: Callable[..., Any]) -> bool:
    try:
        return "labels" in inspect.signature(function).parameters
    except (TypeError, ValueError):
        return False


def _scored(scorer: Callable[..., Any], outcomes: Outcomes) -> Any:
    """What a scorer of scikit-learn says of *outcomes*: X is the rows' numbers, and the estimator answers by them."""
    from .scored import Answering, AnsweringClasses

    kind = AnsweringClasses if outcomes.classes else Answering
    return scorer(kind(outcomes), np.arange(len(outcomes)).reshape(-1, 1), outcomes.target)
