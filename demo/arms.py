"""The arms that the demo compares with: never, and scheduled from-scratch retraining.

Run as `python -m ratoon.demo.arms SPEC START EVERY`; prints one JSON line for each arm as it ends.
The arms use the spec's own build function, data room and learner, and judge each window by the model
that the schedule had trained by then, as Ratoon is judged. They keep no holdout, so that they learn
more rows than Ratoon may.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Literal

import pandas as pd
from threadpoolctl import threadpool_limits

from ..data.columns import TARGET
from ..data.metrics.metrics import Outcomes, interval, join
from ..data.metrics.own import metric_of
from ..data.source import open_source
from ..data.view import View
from ..data.window import EVERY_ROW
from ..models.families.choose import build, learner_for
from ..models.learning.trained import Trained
from ..spec.duration import parse_duration
from ..spec.load import load_spec
from ..spec.model import Spec
from ..spec.values import Span

Arm = Literal["sliding", "all history"]


@dataclass(frozen=True)
class ArmResult:
    """What one arm cost and gave; CPU seconds are of fitting alone."""

    arm: Arm
    value: float
    low: float
    high: float
    trainings: int
    rows: int
    cpu_seconds: float


def run_arms(spec: Spec, start: datetime, every: timedelta) -> Iterator[ArmResult]:
    """Yield the scheduled arms, each retrained from scratch at every moment from *start* + *every* on.

    The sliding arm learns as long a stretch as the first version did.
    """
    with open_source(spec) as source:
        whole = source.extent()
        if whole is None:
            return
        moments = [start + every * n for n in range(int((whole.end - start) / every) + 1)]
        arms: tuple[tuple[Arm, timedelta | None], ...] = (("sliding", start - whole.start), ("all history", None))
        for arm, stretch in arms:
            parts: list[Outcomes] = []
            cpu, trainings, rows_learned = 0.0, 0, 0
            model, _, _ = _fit(spec, source.as_of(start), None)
            everything = source.as_of(moments[-1])
            for begin, end in pairwise(moments):
                if begin != start:
                    model, rows, seconds = _fit(spec, source.as_of(begin), stretch)
                    cpu, trainings, rows_learned = cpu + seconds, trainings + 1, rows_learned + rows
                frame = everything.window(Span(start=begin, end=end), sample=EVERY_ROW).frame
                parts.append(model.predict(frame[frame[TARGET].notna()]))
            quality = interval(metric_of(spec), join(parts), seed=spec.seed)
            yield ArmResult(arm, quality.value, quality.low, quality.high, trainings, rows_learned, cpu)


def _fit(spec: Spec, view: View, stretch: timedelta | None) -> tuple[Trained, int, float]:
    since = view.now - stretch if stretch else None
    rows = pd.concat([view.learned(view.now, since=since), view.holdout(since)], ignore_index=True)
    rows = rows.assign(_holdout=False)  # a cron job keeps no holdout
    estimator = build(spec)
    learner = learner_for(estimator, spec)
    with threadpool_limits(spec.learner.threads):
        began = time.thread_time()
        trained = learner.first(estimator, rows, spec)
        seconds = time.thread_time() - began
    return trained, len(rows), seconds


if __name__ == "__main__":
    path, start_text, every_text = sys.argv[1:]
    for result in run_arms(load_spec(path), datetime.fromisoformat(start_text), parse_duration(every_text)):
        print(json.dumps(asdict(result)), flush=True)  # noqa: T201
