"""Which strategies a look or a run tries: by what they have earned, and when they were last tried."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from ...models.gate import Earlier
from ...models.ladder.attempt import SCRATCH
from ...models.ladder.run import Asked
from ...policy.past import whole
from ...policy.strategies.credits import Effort, best_gain, credit, due, gain_of, losses, older_gained, tried
from ...spec.run_record import AttemptRecord
from ...spec.values import Decision, History, Strategy
from ..context import ModelContext


@dataclass(frozen=True)
class EarlierRun:
    """The attempts of one earlier look or run, at its moment."""

    at: datetime
    attempts: tuple[AttemptRecord, ...] = field(default=())

    def tried(self, strategy: Strategy) -> bool:
        """Whether *strategy* learned anything then, or broke its contract while it tried to."""
        return any(each.strategy == strategy and each.rows > 0 for each in self.attempts)

    def unable(self, strategy: Strategy) -> bool:
        """Whether *strategy* could not continue the champion of then."""
        return any(each.strategy == strategy and each.unable for each in self.attempts)


def earlier_runs(context: ModelContext, before: datetime) -> tuple[EarlierRun, ...]:
    """All attempts of this model by that moment, oldest first."""
    found = [each for each in context.ledger.runs.of(context.spec.model) if each.at < before]
    return tuple(EarlierRun(each.at, each.evidence.attempts) for each in found)


def background_of(context: ModelContext, now: datetime) -> Strategy:
    """The strategy that is tried at every look: the cheapest, first on the ladder, that works for this model."""
    return _background(context, earlier_runs(context, now), now)


def _background(context: ModelContext, runs: Sequence[EarlierRun], now: datetime) -> Strategy:
    strategies = context.spec.learner.strategies
    return next((strategy for strategy in strategies if not _useless(context, runs, strategy, now)), strategies[-1])


def _useless(context: ModelContext, runs: Sequence[EarlierRun], strategy: Strategy, now: datetime) -> bool:
    """Whether *strategy* was found unable to continue the present champion: another one may be continued again."""
    promoted = max(
        (each.at for each in context.ledger.promotions.of(context.spec.model) if each.at <= now), default=None
    )
    told = [each for each in runs if any(one.strategy == strategy for one in each.attempts)]
    return bool(told) and told[-1].unable(strategy) and (promoted is None or told[-1].at >= promoted)


def history_of(context: ModelContext, fired: Decision) -> History:
    """What the ledger knew at a decision's moment, with the trials that it rested on itself."""
    known = context.ledger.history(context.spec.model, fired.at)
    basis = fired.basis
    own = {"trials": basis.trials, "leader": basis.leader} if basis is not None else {}
    return known.model_copy(update={"champion": fired.champion, **own})


def to_try(context: ModelContext, fired: Decision, history: History, *, offer: bool) -> Asked:
    """Which strategies are tried at the moment of *fired*, and in which order; *offer*: to win, not only to learn.

    *history* as `history_of` gives it. All hangs on ledger, spec and moment alone, so that whoever fires at this
    moment gets the same.
    """
    spec, runs = context.spec, earlier_runs(context, fired.at)
    background = _background(context, runs, fired.at)
    leader = history.leader or background
    found = tried(history)
    moments = [each.at for each in whole(history)]
    urgent = fired.triage.verdict == "harm" or fired.facts.get("performance", {}).get("failing") is True

    def effort(strategy: Strategy) -> Effort:
        last = max((each.at for each in runs if each.tried(strategy)), default=None)
        since = None if last is None else 1 + sum(at > last for at in moments)
        lost = losses(found, strategy, background=strategy in (background, leader))
        told = since is not None and any(each.trial.strategy == strategy and each.age < since for each in found)
        return Effort(since, lost, dear=strategy in SCRATCH, judged=told)

    strategies = spec.learner.strategies
    learn = set[Strategy]()
    for strategy in strategies:
        often = strategy in (background, leader)
        if not _useless(context, runs, strategy, fired.at) and due(effort(strategy), every_look=often, urgent=urgent):
            learn.add(strategy)
    if spec.learner.unproven == "drop" and not offer:
        learn = set()
    earned = {strategy: _known(credit(found, strategy, "background").mean) for strategy in strategies}
    able = [strategy for strategy in strategies if strategy in learn or strategy in (background, leader)]
    proven = frozenset(r for r in strategies if (gain := gain_of(history, r)) is not None and gain.proven)
    best = gain.strategy if (gain := best_gain(history, floor=spec.gain.tolerance)) is not None else leader
    able += [strategy for strategy in strategies if strategy == best and strategy not in able]
    order = sorted(
        able,
        key=lambda strategy: (
            strategy != best,
            strategy != leader,
            strategy != background,
            -earned[strategy],
            strategies.index(strategy),
        ),
    )
    return Asked(tuple(order) if offer else None, frozenset(learn), offer, proven, Earlier(older_gained(history)))


def _known(value: float) -> float:
    return value if value == value else 0.0
