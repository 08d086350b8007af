"""One training run of a decision: claim it, try the strategies, register what came of it, write down how it ended.

A process may be killed anywhere in between. The same decision is then carried out again, and goes on where the dead one
was: a version that it registered is found, and offered once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import process_time
from typing import Literal

from ...ledger.entries import ended, told
from ...ledger.ledger import TrainingRun
from ...models.ladder.run import LadderResult
from ...models.learning.trained import Trained
from ...monitors.evidently.pages import reports_of
from ...spec.errors import AliasMoved, NotAllowed, Refused
from ...spec.masked import masked
from ...spec.values import Decision, Outcome
from ..champion import Champion, find_champion
from ..champion_lock import Busy, champion_lock
from ..context import ModelContext
from ..events import Registered
from ..review.promote import Move, promote_challenger
from .claim import Claim
from .finish import finish_failed_run, finish_run
from .missed import told_of_missed
from .register import Shown, kept_behind, offered, to_keep
from .runner import Runner, claim_of
from .strategies import ladder
from .take_over import claimed, finish_taken_over

Ended = Outcome | Literal["in_flight"]  # `in_flight`: another run has the claim, and this one did not begin


@dataclass(frozen=True)
class TrainingResult:
    """What came of a decision's training run: its *outcome* as in the ledger.

    *version* is offered for review; *candidate* was kept to go on from, since the gate could neither pass nor refute
    it. *ladder* is what was tried, None if this process tried nothing.
    """

    outcome: Ended
    version: str | None = None
    candidate: str | None = None
    ladder: LadderResult | None = None

    @property
    def became(self) -> str:
        """As the ledger's listings say it: `registered v3`, `refused`, or `unproven v4`."""
        return became(self.outcome, self.version, self.candidate)


def became(outcome: Ended, version: str | None, candidate: str | None) -> str:
    """What became of a run, as the ledger's listings say it; *candidate* if it may yet be proven."""
    return told(*ended(outcome, version, candidate))


def run_ladder(context: ModelContext, champion: Champion, fired: Decision, apart: bool) -> LadderResult:
    """Try the strategies on what was known at the decision's moment."""
    return ladder(context, champion, fired, bounded=apart)


def register(
    context: ModelContext,
    champion: Champion,
    fired: Decision,
    result: LadderResult,
    candidate: Trained,
    claim: Claim,
    flow_run: str = "",
) -> str:
    """Register the result's candidate with its evidence; safe to retry, one version for a decision."""
    signals = context.ledger.decisions.signals(fired.id)
    snapshots = tuple(dict.fromkeys(s.snapshot for s in signals if s.snapshot))
    reports = reports_of(context.stores.workspace, context.spec.model, snapshots)
    shown = Shown(snapshots, reports, flow_run)
    return offered(context, champion, fired, result, candidate, claim=claim, shown=shown).number


@dataclass(frozen=True)
class Steps:
    """The steps of a run that take long or may be tried again: an orchestrator wraps them."""

    run_ladder: Callable[[ModelContext, Champion, Decision, bool], LadderResult] = run_ladder
    register: Callable[[ModelContext, Champion, Decision, LadderResult, Trained, Claim, str], str] = register


PLAIN = Steps()


def fired_by(context: ModelContext, decision: str) -> Decision:
    """The decision of that id. Raises Refused if the ledger holds none for the model, or if it trains nothing."""
    stored = context.ledger.decisions.find(decision)
    if stored is None or stored.model != context.spec.model:
        raise Refused(f"The ledger holds no decision {decision!r} for {context.spec.model}; nothing was trained.")
    if not stored.fires:
        raise Refused(f"Decision {decision} is to {stored.action}, which trains nothing; nothing was changed.")
    return stored


def carry_out(context: ModelContext, fired: Decision, runner: Runner, steps: Steps = PLAIN) -> TrainingResult:
    """Carry *fired* out, unless that was done or another process trains the model; what came of it.

    An error is written down as how the run ended, and raised.
    """
    run = claimed(context, fired, runner)
    if run is None:
        return TrainingResult("in_flight")
    if run.outcome is not None:
        context.listener.info(f"Decision {fired.id} was carried out before: {run.outcome}.")
        made = context.registry.of_decision(fired.id)
        kept = made.number if made is not None and made.unproven else None
        return _result(run.outcome, run.version or kept)
    try:
        with claim_of(context, run, runner) as claim:
            done = context.registry.of_decision(fired.id)
            if done is not None:
                outcome = finish_taken_over(context, fired, run, done, claim)
                return _result(outcome, done.number)
            return _train(context, fired, run, _Way(runner, steps, claim))
    except Exception as error:
        offered_one = fired.id in context.ledger.offers.of(
            context.spec.model
        )  # then the next try ends what this one began
        if not offered_one and context.ledger.runs.is_claimed(run):
            finish_failed_run(context, run, error, runner.ended_at(fired))
        raise


def promote_passed(context: ModelContext, fired: Decision, version: str) -> bool:
    """Promote by `review: automatic`, once for a decision: a later champion is never pushed aside by a repeat.

    Whether *version* serves, or did; what stands in the way is told.
    """
    if _promoted(context, fired):
        return True
    reason = "the gate passed, and the spec says `review: automatic`"
    try:
        with champion_lock(context) as lock:
            move = Move("promotion", reason, "ratoon", fired.at, fired.id)
            return _promoted(context, fired) or promote_challenger(context, version, move, lock)
    except NotAllowed as error:
        context.listener.warning(f"v{version} waits for a reviewer, as with `review: required`: {error}")
    except (AliasMoved, Busy) as error:
        context.listener.warning(f"v{version} is not promoted: {error}")
    return False


def _promoted(context: ModelContext, fired: Decision) -> bool:
    return any(promotion.decision == fired.id for promotion in context.ledger.promotions.of(context.spec.model))


@dataclass(frozen=True)
class _Way:
    """How one run is carried out."""

    runner: Runner
    steps: Steps
    claim: Claim


def _train(context: ModelContext, fired: Decision, run: TrainingRun, way: _Way) -> TrainingResult:
    champion, began, claim = find_champion(context), process_time(), way.claim
    context.listener.progress(0, "reading the rows, training and judging the strategies")
    result = way.steps.run_ladder(context, champion, fired, way.runner.apart)
    for said in told_of_missed(result):
        context.listener.warning(f"{said}.")
    context.listener.progress(70, "registering what came of it")
    claim.check()
    kept, flow_run = to_keep(context, result), way.runner.flow_run or ""
    number = way.steps.register(context, champion, fired, result, kept, claim, flow_run) if kept else None
    behind = _behind(context, champion, fired, result, claim)
    context.listener.progress(95, "writing the ledger")
    spent = None if way.runner.simulated else process_time() - began  # a simulation's other arms read beside it
    at = way.runner.ended_at(fired)
    outcome = finish_run(context, run, result, number, ended_at=at, behind=behind, cpu_seconds=spent)
    context.listener.trained(context, fired, result, number)
    _announce(context, fired, result, number)
    return _result(outcome, number, result)


def _announce(context: ModelContext, fired: Decision, result: LadderResult, number: str | None) -> None:
    if number is None or result.winner is None:
        return
    context.listener.event(
        Registered(
            model=context.spec.model,
            spec=str(context.spec.path),
            at=fired.at,
            decision=fired.id,
            version=number,
            parent=result.winner.state.parent,
            strategy=result.winner.state.strategy,
            rung=result.winner.state.strategy,
            cpu_seconds=result.cpu_seconds,
            page=context.registry.page(number),
        )
    )


def _behind(
    context: ModelContext, champion: Champion, fired: Decision, result: LadderResult, claim: Claim
) -> dict[str, str]:
    """What the other strategies made; a registry that fails here costs them, and not the run that made its offer."""
    try:
        return kept_behind(context, champion, fired, result, claim=claim)
    except Exception as error:
        why = masked(f"{type(error).__name__}: {error}")
        context.listener.warning(f"Not every strategy's version was kept: {why}")
        return {}


def _result(outcome: Outcome, made: str | None, result: LadderResult | None = None) -> TrainingResult:
    """*made*: the version that came of it; offered if it was registered by that outcome, else gone on from."""
    won = outcome == "registered"
    return TrainingResult(outcome, made if won else None, None if won else made, result)
