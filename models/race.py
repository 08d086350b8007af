"""The ladder of candidates, cheapest first: the first rung that passes the gate stops the climb."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from time import process_time, thread_time

import pandas as pd
from threadpoolctl import threadpool_limits

from ..data.metrics import METRICS, Outcomes, interval
from ..data.skill import has_scale, relative_error, stretches_of
from ..spec.errors import ContractBroken, DataError
from ..spec.model import Spec
from ..spec.values import LadderRung
from .attempt import SCRATCH, Attempt
from .build import build
from .gate import Foretold, GateResult, judge
from .how import FIRST, How, Origin
from .learner import Learner, learner_for
from .outlook import OPEN, Outlook
from .reservoir import drawn
from .state import Accepted
from .trained import Trained
from .used import Used

_WAITS = "the candidate to continue has learned every row, and waits for new ones to be judged by"


@dataclass(frozen=True)
class Race:
    """The climb's result: every rung, and the *candidate* that passed or, where none did, may yet prove itself."""

    attempts: tuple[Attempt, ...]
    candidate: Trained | None = None
    used: Used | None = None  # by the whole process, where the climb had one of its own
    missed: int = 0  # rows behind the watermark that nobody learned: their labels landed later than they say

    @property
    def winner(self) -> Trained | None:
        """The candidate that passed; None where no rung did."""
        return self.candidate if any(attempt.passed for attempt in self.attempts) else None

    @property
    def unproven(self) -> Trained | None:
        """The candidate that was neither passed nor refuted: the next update can go on from it."""
        return None if self.winner is not None else self.candidate

    @property
    def cpu_seconds(self) -> float:
        """CPU seconds of learning, over all rungs tried."""
        return sum(attempt.cpu_seconds for attempt in self.attempts)

    @property
    def rows(self) -> int:
        """The rows that the candidate learned; without one, those of the last rung."""
        return (self._kept or self.attempts[-1]).rows

    @property
    def gate(self) -> GateResult | None:
        """The gate's answer to the candidate; where there is none, its last."""
        judged = [attempt.gate for attempt in self.attempts if attempt.gate is not None]
        return self._kept.gate if self._kept else judged[-1] if judged else None

    @property
    def _kept(self) -> Attempt | None:
        """The attempt that the candidate comes from: the first that passed, else the first that may yet be proven."""
        judged = [attempt for attempt in self.attempts if attempt.gate is not None]
        passed = (attempt for attempt in judged if attempt.passed)
        promising = (attempt for attempt in judged if attempt.gate is not None and attempt.gate.promising)
        return next(passed, None) or next(promising, None)


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


def climb(
    champion: Trained,
    spec: Spec,
    *,
    unlearned: pd.DataFrame,
    scratch: Callable[[datetime | None], pd.DataFrame],
    recent: pd.DataFrame,
    anchor: pd.DataFrame,
    standing: Trained | None = None,
    older_rows: int | None = None,
    outdated: str | None = None,
    full: bool = False,
    since: datetime | None = None,
    recent_since: datetime | None = None,
    outlook: Outlook = OPEN,
    peak: Callable[[], int | None] = lambda: None,
) -> Race:
    """Try `learner.rungs` in order against *champion*; with *full*, only those from scratch.

    *standing*: the candidate that the last climb could neither pass nor refute; rungs that continue go on from it
    instead of from the champion, and are judged with what it says of *unlearned* before they learn these.
    *unlearned*: rows behind the watermark of that candidate, else of the champion. *scratch*: gives all labelled,
    non-holdout rows after a moment, read only if such a rung is reached: after *since* for `scratch`, after
    *recent_since* for `scratch_recent`. *recent*, *anchor*, *older_rows*, *outdated*: as `gate.judge` takes them.
    *outlook*: the rungs that are not worth it now, and what may be spent. *peak*: tells the process's peak memory in
    bytes, where it has one of its own.

    A rung whose contract is broken is recorded with the reason and the next one is tried. A candidate that is
    promising but not proven stops the climb where recent rows are wanting: a dearer rung would be judged on the same
    few, while waiting brings more. Where it is the anchor that may have been lost, waiting brings none, and the next
    rung is tried. With `race: all` nothing stops it, and the cheapest rung that passed wins. Raises Refused for
    holdout rows among those to learn.
    """
    base = standing or champion
    step = _Step(base, champion, spec, unlearned, scratch, {"scratch": since, "scratch_recent": recent_since})
    foretold = Foretold(standing, champion, unlearned.tail(spec.gate.sample)) if standing is not None else None
    attempts: list[Attempt] = []
    winner: Trained | None = None
    unproven: Trained | None = None
    for rung in _ladder(spec, full=full):
        spent = sum(each.cpu_seconds for each in attempts)
        continued = any(each.gate is not None and each.rung not in SCRATCH for each in attempts)
        early = outlook.early if rung in SCRATCH and continued else None
        if rung in SCRATCH and standing is not None and unlearned.empty and not full:
            early = _WAITS
        attempt, candidate = step.over(rung, early or outlook.over(rung, spent)) or step.up(rung)
        if candidate is None:
            attempts.append(attempt.model_copy(update={"peak_memory_bytes": None if attempt.skipped else peak()}))
            continue
        watch = Stopwatch(spec.learner.threads)
        with watch.running():
            verdict = judge(
                spec.gate,
                spec.metric,
                champion,
                candidate,
                recent,
                anchor,
                seed=spec.seed,
                older_rows=older_rows,
                outdated=outdated,
                tries=1 + sum(each.gate is not None for each in attempts),
                foretold=None if rung in SCRATCH else foretold,
            )
            if verdict.passed and winner is None:
                winner = _promised(candidate, champion)
                if len(recent) >= spec.gate.min_rows:  # fewer, beside many foretold rows, are no level to hold it to
                    winner = accept(winner, spec, recent)
            elif verdict.promising and unproven is None:
                unproven = _promised(candidate, champion)
        measured = {"gate": verdict, "judging_cpu_seconds": watch.seconds, "peak_memory_bytes": peak()}
        attempts.append(attempt.model_copy(update=measured))
        if spec.learner.race == "first" and (verdict.passed or verdict.waits):
            break
    return Race(tuple(attempts), winner or unproven)


def _ladder(spec: Spec, *, full: bool) -> Sequence[LadderRung]:
    rungs = [rung for rung in spec.learner.rungs if rung in SCRATCH or not full]
    return rungs or ["scratch"]


def _promised(candidate: Trained, champion: Trained) -> Trained:
    """*candidate* with its champion's promise: what the lineage held once is not forgotten with a version."""
    return replace(candidate, state=candidate.state.model_copy(update={"promise": champion.state.promise}))


def accept(trained: Trained, spec: Spec, holdout: pd.DataFrame) -> Trained:
    """*trained* with its metric and interval on *holdout* written into the state, where it is defined."""
    outcomes = trained.predict(holdout)
    found = interval(
        METRICS[spec.metric],
        outcomes,
        confidence=spec.gate.confidence,
        resamples=spec.gate.resamples,
        seed=spec.seed,
    )
    if found.low != found.low or found.value != found.value:  # NaN: nothing to hold the version to
        return trained
    known = Accepted(
        value=found.value, low=found.low, high=found.high, rows=found.rows, **_ratio(spec, outcomes, holdout)
    )
    best = _better_promise(spec.metric, trained.state.promise.get(spec.metric), known)
    kept = {"accepted": {spec.metric: known}, "promise": {**trained.state.promise, spec.metric: best}}
    return replace(trained, state=trained.state.model_copy(update=kept))


def _ratio(spec: Spec, outcomes: Outcomes, holdout: pd.DataFrame) -> dict[str, float]:
    """What `Accepted` holds of a metric in the labels' unit, so that it can be held to at another scale."""
    if not has_scale(spec.metric):
        return {}
    stretch = stretches_of(holdout["_time"], spec.monitors.window, spec.data.holdout)
    found = relative_error(spec.metric, outcomes, stretch, confidence=spec.gate.confidence, seed=spec.seed)
    return {"ratio": found.value, "ratio_low": found.low, "ratio_high": found.high} if found is not None else {}


def _better_promise(metric: str, held: Accepted | None, new: Accepted) -> Accepted:
    """The one whose worse end is better. A lineage that slipped and was accepted for slipping less still owes it.

    By skill where both have it: on a stream that grew, a larger error is no worse.
    """
    if held is None:
        return new
    if held.worst is not None and new.worst is not None:
        return new if new.worst < held.worst else held
    if METRICS[metric].greater_is_better:
        return new if new.low > held.low else held
    return new if new.high < held.high else held


@dataclass(frozen=True)
class _Step:
    """One rung after the other, on the same rows; those that continue do so from *base*."""

    base: Trained
    champion: Trained
    spec: Spec
    unlearned: pd.DataFrame
    scratch: Callable[[datetime | None], pd.DataFrame]
    since: Mapping[str, datetime | None]

    @cached_property
    def learner(self) -> Learner:
        """The family's: a user's own is loaded from its file."""
        return learner_for(self.base.estimator, self.spec)

    def over(self, rung: LadderRung, reason: str | None) -> tuple[Attempt, None] | None:
        """That *rung* is not tried at all, for *reason* or because it has no meaning here; None where it is tried."""
        if reason is None and rung == "scratch_recent" and self.since[rung] is None:
            reason = "no recent stretch is given"
        if reason is None and rung not in SCRATCH:
            if rung != "warm" and rung not in self.learner.rungs:  # `warm` says itself why it cannot
                reason = f"the family {self.learner.family} does not have this rung"
            elif rung == "warm_replay" and (self.base.reservoir is None or self.base.reservoir.empty):
                reason = "the version to continue keeps no rows to replay"
        return None if reason is None else (Attempt(rung=rung, skipped=True, error=reason), None)

    def up(self, rung: LadderRung) -> tuple[Attempt, Trained | None]:
        """Learn on *rung*; the candidate, or why there is none."""
        fresh = rung in SCRATCH
        rows = self.scratch(self.since[rung]) if fresh else self.unlearned
        if rows.empty:
            which = "in the history to learn" if fresh else "that the version to continue has not learned"
            return Attempt(rung=rung, error=f"no labelled rows {which}"), None
        watch = Stopwatch(self.spec.learner.threads)
        candidate: Trained | None = None
        error: str | None = None
        learned = len(rows)
        try:
            if fresh:
                origin = Origin(rung, self.champion.version, self.since[rung], self.champion)
                candidate, watch.seconds = first(self.spec, rows, origin=origin)
            else:
                self.base.state.check_holdout(self.spec.data.holdout)
                self.base.state.check_mature_after(self.spec.data.matured)
                how = self._how(rung, len(rows))
                learned += len(how.replay)
                learner = self.learner
                with watch.running():
                    candidate = learner.update(self.base, rows, self.spec, how)
        except (ContractBroken, DataError) as broken:
            error = str(broken)
        return Attempt(rung=rung, rows=learned, cpu_seconds=watch.seconds, error=error), candidate

    def _how(self, rung: LadderRung, new: int) -> How:
        if rung == "warm":
            return How()
        return How(rung, drawn(self.base.reservoir, new, self.spec.learner.replay, turn=self.base.state.updates))
