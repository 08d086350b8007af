"""What a version costs to serve: how long it takes to predict, and how large it is.

Neither is measured unless the spec asks for it. A clock gives another answer each time, so that a verdict which
depends on it could fall otherwise when the same decision is replayed: a gate without `latency` gives the same result
on the same rows, one with it may not.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from time import perf_counter

import numpy as np
import pandas as pd

from ...spec.errors import Refused
from ...spec.keys.gate import LatencySpec
from ...spec.masked import masked
from ..learning.features import table
from ..learning.trained import Trained
from ..subprocesses.remote import RemoteEstimator
from .bench import Bench
from .saved_size import saved_bytes
from .verdict import Bounds, Check


def judge_latency(bench: Bench, frame: pd.DataFrame) -> Check | None:
    """The candidate's prediction time as a ratio to the champion's; None where the spec does not ask."""
    spec = bench.gate.latency
    if spec is None:
        return None
    needed = _needed(spec.most)
    if len(frame) == 0:
        return _unsure("latency", needed, spec.most, "there are no holdout rows to predict")
    if isinstance(bench.champion.estimator, RemoteEstimator) or isinstance(bench.candidate.estimator, RemoteEstimator):
        return _unsure(
            "latency", needed, spec.most, "a version that carries code predicts in a process of its own, whose "
            "start would be timed; leave gate.latency out for it"
        )  # fmt: skip
    several = frame.iloc[np.resize(np.arange(len(frame)), spec.rows)].reset_index(drop=True)
    try:
        old, new = timed_in_turn([_call(bench.champion, several), _call(bench.candidate, several)], spec)
    except (Refused, ValueError, TypeError) as error:
        return _unsure("latency", needed, spec.most, masked(f"a prediction failed: {error}"))
    per = 1e6 / spec.rows  # milliseconds per 1,000 rows
    reason = f"{new * per:.3g} ms per 1,000 rows, {old * per:.3g} before: medians of {spec.repeats} in turn"
    return _ratio("latency", needed, spec.most, old * per, new * per, reason, rows=spec.rows)


def judge_size(bench: Bench) -> Check | None:
    """The candidate's saved bytes as a ratio to the champion's; None where the spec does not ask."""
    spec = bench.gate.size
    if spec is None:
        return None
    needed = _needed(spec.most)
    old, new = saved_bytes(bench.champion.estimator), saved_bytes(bench.candidate.estimator)
    if old is None or new is None:
        return _unsure("size", needed, spec.most, "a version cannot be saved here")
    return _ratio("size", needed, spec.most, float(old), float(new), f"{new:,} bytes, {old:,} before")


def timed_in_turn(calls: list[Callable[[], object]], spec: LatencySpec) -> list[float]:
    """Median seconds of each call. They take turns, so that a busy moment of the machine falls on all alike."""
    for call in calls:  # the first one pays for what is loaded lazily
        call()
    seconds: list[list[float]] = [[] for _ in calls]
    for turn in range(spec.repeats):
        order = range(len(calls)) if turn % 2 == 0 else reversed(range(len(calls)))
        for place in order:
            started = perf_counter()
            calls[place]()
            seconds[place].append(perf_counter() - started)
    return [statistics.median(each) for each in seconds]


def _call(model: Trained, frame: pd.DataFrame) -> Callable[[], object]:
    X = table(frame, model.state.features)
    return lambda: model.estimator.predict(X)


def _needed(most: float | None) -> str:
    return "–" if most is None else f"at most {most:g}×"


def _unsure(name: str, needed: str, most: float | None, why: str) -> Check:
    verdict = "reported" if most is None else "unsure"
    return Check.model_validate({"name": name, "needed": needed, "verdict": verdict, "reason": f"unsure: {why}"})


def _ratio(name: str, needed: str, most: float | None, old: float, new: float, reason: str, rows: int = 0) -> Check:
    if old <= 0:
        return _unsure(name, needed, most, "the champion's measure is zero, of which nothing is a multiple")
    ratio = new / old
    return Check(
        name=name,
        rows=rows,
        champion=old,
        candidate=new,
        judged=Bounds(value=ratio),
        needed=needed,
        verdict="reported" if most is None else "passed" if ratio <= most else "refused",
        reason=f"{reason}, {ratio:.2f}×",
    )
