"""A version fitted from scratch, and what a version is accepted with: CPU time counted, threads limited."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from time import process_time, thread_time

import pandas as pd
from threadpoolctl import threadpool_limits

from ...data.columns import TIME
from ...data.metrics.metrics import Metric, Outcomes, interval
from ...data.metrics.own import metric_of
from ...data.metrics.skill import has_scale, relative_error, stretches_of
from ...spec.model import Spec
from ..families.choose import build, learner_for
from ..gate import Answers
from ..learning.how import FIRST, Origin
from ..learning.state import Accepted, baseline_of
from ..learning.trained import Trained


@dataclass
class Stopwatch:
    """CPU seconds of a block: this thread's where one thread is allowed, else the process's."""

    threads: int
    seconds: float = field(default=0.0)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Count the block, with its threads limited; also where it raises. Finding the thread pools does not count."""
        clock = thread_time if self.threads == 1 else process_time
        with threadpool_limits(limits=self.threads):
            started = clock()
            try:
                yield
            finally:
                self.seconds += clock() - started


def first(
    spec: Spec,
    rows: pd.DataFrame,
    *,
    holdout: pd.DataFrame | None = None,
    origin: Origin = FIRST,
) -> tuple[Trained, float]:
    """Build and fit a version from scratch on *rows*; it and the CPU seconds of learning.

    With *holdout* rows, what it reaches on them is recorded as accepted.
    """
    estimator = build(spec)
    learner = learner_for(estimator, spec)
    watch = Stopwatch(spec.learner.threads)
    with watch.running():
        trained = learner.first(estimator, rows, spec, origin)
    if holdout is not None and len(holdout):
        with threadpool_limits(limits=spec.learner.threads):
            trained = accept(trained, spec, holdout)
    return trained, watch.seconds


def accept(trained: Trained, spec: Spec, holdout: pd.DataFrame, answers: Answers | None = None) -> Trained:
    """*trained* with its metric and interval on *holdout* written into the state, where it is defined.

    *answers* holds what it said at the gate.
    """
    answers = answers or Answers()
    held = answers.in_order(holdout)
    outcomes = answers.of(trained, held)
    metric = metric_of(spec)
    found = interval(
        metric,
        outcomes,
        confidence=spec.gate.confidence,
        resamples=spec.gate.resamples,
        seed=spec.seed,
    )
    if found.low != found.low or found.value != found.value:  # NaN: nothing to hold the version to
        return trained
    known = Accepted(
        value=found.value,
        low=found.low,
        high=found.high,
        rows=found.rows,
        definition=spec.metric_definition,
        **_ratio(spec, outcomes, held),
    )
    best = _better_baseline(metric, baseline_of(trained.state, spec), known)
    kept = {"accepted": {metric.name: known}, "baseline": {**trained.state.baseline, metric.name: best}}
    return replace(trained, state=trained.state.model_copy(update=kept))


def _ratio(spec: Spec, outcomes: Outcomes, holdout: pd.DataFrame) -> dict[str, float]:
    """What `Accepted` holds of a metric in the labels' unit, so that it can be held to at another scale."""
    if not has_scale(spec.metric):
        return {}
    stretch = stretches_of(holdout[TIME], spec.monitors.window, spec.data.holdout)
    found = relative_error(spec.metric, outcomes, stretch, confidence=spec.gate.confidence, seed=spec.seed)
    return {"ratio": found.value, "ratio_low": found.low, "ratio_high": found.high} if found is not None else {}


def _better_baseline(metric: Metric, held: Accepted | None, new: Accepted) -> Accepted:
    """The one whose worse end is better. A lineage that slipped and was accepted for slipping less still owes it.

    By skill where both have it: on a stream that grew, a larger error is no worse.
    """
    if held is None:
        return new
    if held.worst is not None and new.worst is not None:
        return new if new.worst < held.worst else held
    if metric.greater_is_better:
        return new if new.low > held.low else held
    return new if new.high < held.high else held
