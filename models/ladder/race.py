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

from ...data.metrics.metrics import METRICS, Outcomes, interval
from ...data.metrics.skill import has_scale, relative_error, stretches_of
from ...spec.errors import ContractBroken, DataError, RatoonError
from ...spec.model import Spec
from ...spec.unexpected import users_code, worded
from ...spec.values import LadderRung
from ..families.choose import build, learner_for
from ..gate import Answers, Earlier, Foretold, GateResult, judge
from ..learning.how import FIRST, How, Origin
from ..learning.learner import Learner
from ..learning.reservoir import beside, drawn
from ..learning.state import Accepted
from ..learning.trained import Trained
from ..subprocesses.used import Used
from .attempt import SCRATCH, Attempt
from .skipped import OPEN, Outlook

_WAITS = "the candidate to continue has learned every row, and waits for new ones to be judged by"


@dataclass(frozen=True)
class Revised:
    """Labels learned along the lineage that the source gives otherwise now: *changed* of those *looked_at*, a sample of
    *learned* rows."""

    changed: int
    looked_at: int
    learned: int

    @property
    def estimate(self) -> int:
        """About how many of all learned labels have changed."""
        return round(self.learned * self.changed / self.looked_at)


@dataclass(frozen=True)
class Race:
    """The climb's result: every rung, and the *candidate* that passed or, where none did, may yet prove itself."""

    attempts: tuple[Attempt, ...]
    candidate: Trained | None = None
    used: Used | None = None  # by the whole process, where the climb had one of its own
    revised: Revised | None = None  # labels that the champion learned and that are others now
    missed: int = 0  # rows older than the watermark that nobody learned: their labels landed later than they say
    kept_out: int = 0  # labelled rows, newer than the champion's watermark, that are impossible each by itself
    learned: Mapping[LadderRung, Trained] = field(default_factory=dict)  # what every strategy made that learned

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


NO_TRIALS = Earlier()


@dataclass(frozen=True)
class Asked:
    """Which strategies a climb tries, and how.

    *order*: those that may win, the most promising first; left out: `learner.rungs`. *learn*: those that learn beside,
    whatever comes of the climb, so that their next trial can tell what they are worth. *offer*: whether a gate judges
    them; a look that fires nothing only lets them learn. *proven*: those whose gain over the champion their trials have
    proven, so that the gate asks of the recent rows only that they show no loss. *earlier*: what older versions
    gained over newer ones on later rows, by which the gate prices what is lost on older ones.
    """

    order: tuple[LadderRung, ...] | None = None
    learn: frozenset[LadderRung] = frozenset()
    offer: bool = True
    proven: frozenset[LadderRung] = frozenset()
    earlier: Earlier = NO_TRIALS


LADDER = Asked()


def climb(
    champion: Trained,
    spec: Spec,
    *,
    unlearned: pd.DataFrame,
    scratch: Callable[[datetime | None], pd.DataFrame],
    recent: pd.DataFrame,
    anchor: pd.DataFrame,
    lines: Mapping[LadderRung, Trained] | None = None,
    asked: Asked = LADDER,
    older_rows: int | None = None,
    outdated: str | None = None,
    full: bool = False,
    since: datetime | None = None,
    recent_since: datetime | None = None,
    outlook: Outlook = OPEN,
    peak: Callable[[], int | None] = lambda: None,
) -> Race:
    """Try strategies against *champion* in the order of *asked*; with *full*, only those from scratch.

    *lines*: the newest version of strategies that continue, where that is not the champion: each goes on from its own,
    and is judged with what that says of the rows before it learns them. *unlearned*: the rows newer than the oldest
    watermark among champion and lines. *scratch*: gives all labelled, non-holdout rows after a moment, read only if
    such a strategy is reached: after *since* for `scratch`, after *recent_since* for `scratch_recent`. *recent*,
    *anchor*, *older_rows*, *outdated*: as `gate.judge` takes them. *outlook*: the strategies that are not worth it now,
    and what may be spent. *peak*: tells the process's peak memory in bytes, where it has one of its own.

    A strategy that breaks its contract, or whose code raises anything, is recorded with the reason and the next one is
    tried. The first that passes the
    gate wins. A candidate that is promising but not proven stops the climb where recent rows are wanting: a dearer
    strategy would be judged on the same few, while waiting brings more. Where it is the anchor that may have been lost,
    waiting brings none, and the next one is tried. With `race: all` nothing stops it, and the first that passed wins.
    Those that *asked* wants to learn do so in any case. Raises Refused for holdout rows among those to learn.
    """
    step = _Step(champion, spec, unlearned, scratch, {"scratch": since, "scratch_recent": recent_since}, lines or {})
    attempts: list[Attempt] = []
    learned: dict[LadderRung, Trained] = {}
    answers = Answers()
    winner: Trained | None = None
    unproven: Trained | None = None
    over = not asked.offer  # whether any more candidates are judged
    for rung in _order(spec, asked, full=full):
        if over and rung not in asked.learn:
            continue
        spent = sum(each.cpu_seconds for each in attempts)
        early = _WAITS if rung in SCRATCH and lines and unlearned.empty and not full else None
        attempt, candidate = step.over(rung, early or outlook.over(rung, spent)) or step.up(rung)
        if candidate is None:
            attempts.append(attempt.model_copy(update={"peak_memory_bytes": None if attempt.skipped else peak()}))
            continue
        learned[rung] = _promised(candidate, champion)
        if over:
            attempts.append(attempt.model_copy(update={"peak_memory_bytes": peak()}))
            continue
        watch = Stopwatch(spec.learner.threads)
        with watch.running():
            verdict = judge(
                spec.gate.without_loss() if rung in asked.proven else spec.gate,
                spec.metric,
                champion,
                candidate,
                recent,
                anchor,
                seed=spec.seed,
                earlier=asked.earlier,
                older_rows=older_rows,
                outdated=outdated,
                tries=1 + sum(each.gate is not None for each in attempts),
                foretold=step.foretold(rung),
                answers=answers,
            )
            if verdict.passed and winner is None:
                winner = learned[rung]
                if len(recent) >= spec.gate.min_rows:  # fewer, beside many foretold rows, are no level to hold it to
                    winner = accept(winner, spec, recent, answers)
            elif verdict.promising and unproven is None:
                unproven = learned[rung]
        measured = {"gate": verdict, "judging_cpu_seconds": watch.seconds, "peak_memory_bytes": peak()}
        attempts.append(attempt.model_copy(update=measured))
        over = spec.learner.race == "first" and (verdict.passed or verdict.waits)
    return Race(tuple(attempts), winner or unproven, learned=learned)


def _order(spec: Spec, asked: Asked, *, full: bool) -> Sequence[LadderRung]:
    """The strategies to be gone through: those that may win, then those that only learn."""
    wanted = dict.fromkeys((*(asked.order or spec.learner.rungs), *(r for r in spec.learner.rungs if r in asked.learn)))
    rungs = [rung for rung in wanted if rung in SCRATCH or not full]
    return rungs or ["scratch"]


def _promised(candidate: Trained, champion: Trained) -> Trained:
    """*candidate* with its champion's promise: what the lineage held once is not forgotten with a version."""
    return replace(candidate, state=candidate.state.model_copy(update={"promise": champion.state.promise}))


def accept(trained: Trained, spec: Spec, holdout: pd.DataFrame, answers: Answers | None = None) -> Trained:
    """*trained* with its metric and interval on *holdout* written into the state, where it is defined.

    *answers* holds what it said at the gate.
    """
    answers = answers or Answers()
    held = answers.in_order(holdout)
    outcomes = answers.of(trained, held)
    found = interval(
        METRICS[spec.metric],
        outcomes,
        confidence=spec.gate.confidence,
        resamples=spec.gate.resamples,
        seed=spec.seed,
    )
    if found.low != found.low or found.value != found.value:  # NaN: nothing to hold the version to
        return trained
    known = Accepted(value=found.value, low=found.low, high=found.high, rows=found.rows, **_ratio(spec, outcomes, held))
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
    """One rung after the other; those that continue do so from the newest of their *lines*, else from the champion."""

    champion: Trained
    spec: Spec
    unlearned: pd.DataFrame
    scratch: Callable[[datetime | None], pd.DataFrame]
    since: Mapping[str, datetime | None]
    lines: Mapping[LadderRung, Trained]

    @cached_property
    def learner(self) -> Learner:
        """The family's: a user's own is loaded from its file."""
        return learner_for(self.champion.estimator, self.spec)

    def base(self, rung: LadderRung) -> Trained:
        """What *rung* goes on from."""
        return self.lines.get(rung, self.champion)

    def rows(self, rung: LadderRung) -> pd.DataFrame:
        """The rows that its base has not learned."""
        return self.unlearned[self.unlearned["_label_time"] > pd.Timestamp(self.base(rung).state.watermark)]

    def foretold(self, rung: LadderRung) -> Foretold | None:
        """What the line of *rung* said of the rows before it learned them; None where it has no line of its own."""
        line = self.lines.get(rung)
        return Foretold(line, self.champion, self.rows(rung).tail(self.spec.gate.sample)) if line is not None else None

    def over(self, rung: LadderRung, reason: str | None) -> tuple[Attempt, None] | None:
        """That *rung* is not tried at all, for *reason* or because it has no meaning here; None where it is tried."""
        unable: str | None = None
        if reason is None and rung == "scratch_recent" and self.since[rung] is None:
            reason = "no recent stretch is given"
        if reason is None and rung not in SCRATCH:
            if rung != "warm" and rung not in self.learner.rungs:  # `warm` says itself why it cannot
                reason = unable = f"the family {self.learner.family} does not have this rung"
            elif rung in ("warm_replay", "warm_blocks") and _keeps_nothing(self.base(rung)):
                reason = unable = "the version to continue keeps no rows to replay"
        if reason is None:
            return None
        return Attempt(rung=rung, skipped=True, error=reason, unable=reason == unable), None

    def up(self, rung: LadderRung) -> tuple[Attempt, Trained | None]:
        """Learn on *rung*; the candidate, or why there is none."""
        fresh = rung in SCRATCH
        rows = self.scratch(self.since[rung]) if fresh else self.rows(rung)
        if rows.empty and not fresh and rung in self.lines:
            return Attempt(rung=rung), self.lines[rung]  # it has learned all that there is, and can be offered
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
                with users_code():
                    candidate, watch.seconds = first(self.spec, rows, origin=origin)
            else:
                base = self.base(rung)
                base.state.check_holdout(self.spec.data.holdout)
                base.state.check_mature_after(self.spec.data.matured)
                how = self._how(rung, len(rows))
                learned += len(how.replay)
                learner = self.learner
                with users_code(), watch.running():
                    candidate = learner.update(base, rows, self.spec, how)
        except (ContractBroken, DataError) as broken:
            error = str(broken)
        except (RatoonError, MemoryError):
            raise
        except Exception as broken:  # users' code and libraries raise anything; it is this strategy's fault alone
            error = worded(broken)
        unable = error is not None and not fresh
        return Attempt(rung=rung, rows=learned, cpu_seconds=watch.seconds, error=error, unable=unable), candidate

    def _how(self, rung: LadderRung, new: int) -> How:
        if rung == "warm":
            return How()
        base, learner = self.base(rung), self.spec.learner
        kept, turn = base.reservoir, base.state.updates
        if rung == "warm_blocks":
            return How(rung, beside(kept, new, learner.replay, learner.blocks, turn=turn))
        return How(rung, drawn(kept, new, learner.replay, turn=turn))


def _keeps_nothing(base: Trained) -> bool:
    return base.reservoir is None or base.reservoir.empty
