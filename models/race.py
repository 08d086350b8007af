"""The ladder of candidates, cheapest first: the first rung that passes the gate stops the climb."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from time import process_time, thread_time

import pandas as pd
from threadpoolctl import threadpool_limits

from ..data.metrics import METRICS, interval
from ..spec.errors import ContractBroken, DataError
from ..spec.model import Spec
from ..spec.values import Rung, Value
from .build import build
from .gate import GateResult, judge
from .learner import learner_for
from .state import Accepted
from .trained import Trained


class Attempt(Value):
    """One rung: what it cost, what the gate said of it, or why it could not be climbed."""

    rung: Rung
    rows: int = 0
    cpu_seconds: float = 0.0  # of learning alone
    judging_cpu_seconds: float = 0.0
    gate: GateResult | None = None
    error: str | None = None

    @property
    def passed(self) -> bool:
        return self.gate is not None and self.gate.passed


@dataclass(frozen=True)
class Race:
    """The climb's result; *winner* is None where no rung passed."""

    attempts: tuple[Attempt, ...]
    winner: Trained | None = None

    @property
    def cpu_seconds(self) -> float:
        """CPU seconds of learning, over all rungs tried."""
        return sum(attempt.cpu_seconds for attempt in self.attempts)

    @property
    def gate(self) -> GateResult | None:
        """The gate's last answer: the winner's where there is one."""
        judged = [attempt.gate for attempt in self.attempts if attempt.gate is not None]
        return judged[-1] if judged else None


@dataclass
class Stopwatch:
    """CPU seconds of a block: this thread's where one thread is allowed, else the process's."""

    threads: int
    seconds: float = field(default=0.0)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Count the block, with its threads limited; also where it raises."""
        clock = thread_time if self.threads == 1 else process_time
        started = clock()
        try:
            with threadpool_limits(limits=self.threads):
                yield
        finally:
            self.seconds += clock() - started


def first(
    spec: Spec,
    rows: pd.DataFrame,
    *,
    holdout: pd.DataFrame | None = None,
    since: datetime | None = None,
    rung: Rung = "first",
    parent: str | None = None,
) -> tuple[Trained, float]:
    """Build and fit a version from scratch on *rows*; it and the CPU seconds of learning.

    With *holdout* rows, what it reaches on them is recorded as accepted.
    """
    estimator = build(spec)
    learner = learner_for(estimator, spec)
    watch = Stopwatch(spec.learner.threads)
    with watch.running():
        trained = learner.first(estimator, rows, spec, rung=rung, parent=parent, since=since)
    if holdout is not None and len(holdout):
        with threadpool_limits(limits=spec.learner.threads):
            trained = accept(trained, spec, holdout)
    return trained, watch.seconds


def climb(
    champion: Trained,
    spec: Spec,
    *,
    unlearned: pd.DataFrame,
    scratch: Callable[[], pd.DataFrame],
    recent: pd.DataFrame,
    anchor: pd.DataFrame,
    older_rows: int | None = None,
    full: bool = False,
    since: datetime | None = None,
) -> Race:
    """Try `learner.rungs` in order against *champion*; with *full*, only from scratch.

    *unlearned*: rows behind the champion's watermark, for the warm rung. *scratch*: gives all labelled,
    non-holdout rows (`learner.history` back, *since* being that open start), read only if that rung is
    reached. *recent*, *anchor*, *older_rows*: as `gate.judge` takes them.

    A rung whose contract is broken is recorded with the reason and the next one is tried. A candidate that is
    promising but not proven stops the climb: a dearer rung would be judged on the same few rows, while waiting
    brings more. Raises Refused for holdout rows among those to learn.
    """
    rungs = [rung for rung in spec.learner.rungs if rung == "scratch" or not full] or ["scratch"]
    attempts: list[Attempt] = []
    for rung in rungs:
        attempt, candidate = _try(rung, champion, spec, unlearned, scratch, since)
        if candidate is None:
            attempts.append(attempt)
            continue
        watch = Stopwatch(spec.learner.threads)
        with watch.running():
            verdict = judge(
                spec.gate, spec.metric, champion, candidate, recent, anchor, seed=spec.seed, older_rows=older_rows
            )
            if verdict.passed:
                candidate = accept(_promised(candidate, champion), spec, recent)
        attempts.append(attempt.model_copy(update={"gate": verdict, "judging_cpu_seconds": watch.seconds}))
        if verdict.passed:
            return Race(tuple(attempts), candidate)
        if verdict.promising:
            break
    return Race(tuple(attempts))


def _promised(candidate: Trained, champion: Trained) -> Trained:
    """*candidate* with its champion's promise: what the lineage held once is not forgotten with a version."""
    return replace(candidate, state=candidate.state.model_copy(update={"promise": champion.state.promise}))


def accept(trained: Trained, spec: Spec, holdout: pd.DataFrame) -> Trained:
    """*trained* with its metric and interval on *holdout* written into the state, where it is defined."""
    found = interval(
        METRICS[spec.metric],
        trained.predict(holdout),
        confidence=spec.gate.confidence,
        resamples=spec.gate.resamples,
        seed=spec.seed,
    )
    if found.low != found.low or found.value != found.value:  # NaN: nothing to hold the version to
        return trained
    known = Accepted(value=found.value, low=found.low, high=found.high, rows=found.rows)
    best = _better_promise(spec.metric, trained.state.promise.get(spec.metric), known)
    kept = {"accepted": {spec.metric: known}, "promise": {**trained.state.promise, spec.metric: best}}
    return replace(trained, state=trained.state.model_copy(update=kept))


def _better_promise(metric: str, held: Accepted | None, new: Accepted) -> Accepted:
    """The one whose worse end is better. A lineage that slipped and was accepted for slipping less still owes it."""
    if held is None:
        return new
    if METRICS[metric].greater_is_better:
        return new if new.low > held.low else held
    return new if new.high < held.high else held


def _try(
    rung: Rung,
    champion: Trained,
    spec: Spec,
    unlearned: pd.DataFrame,
    scratch: Callable[[], pd.DataFrame],
    since: datetime | None,
) -> tuple[Attempt, Trained | None]:
    rows = unlearned if rung == "warm" else scratch()
    if rows.empty:
        which = "that the champion has not learned" if rung == "warm" else "in the history to learn"
        return Attempt(rung=rung, error=f"no labelled rows {which}"), None
    watch = Stopwatch(spec.learner.threads)
    candidate: Trained | None = None
    error: str | None = None
    try:
        if rung == "warm":
            learner = learner_for(champion.estimator, spec)
            with watch.running():
                candidate = learner.update(champion, rows, spec)
        else:
            candidate, watch.seconds = first(spec, rows, since=since, rung="scratch", parent=champion.version)
    except (ContractBroken, DataError) as broken:
        error = str(broken)
    return Attempt(rung=rung, rows=len(rows), cpu_seconds=watch.seconds, error=error), candidate
