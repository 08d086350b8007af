"""What a look that fires nothing lets the strategies learn, so that the next look can tell what each is worth."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from time import process_time

from ...ledger.ledger import TrainingRun
from ...models.ladder.run import LadderResult
from ...spec.errors import RatoonError
from ...spec.masked import masked
from ...spec.run_record import RunRecord
from ...spec.unexpected import worded
from ...spec.values import FIRING, Decision
from ..champion import Champion
from ..context import ModelContext
from .finish import finish_run
from .register import kept_behind
from .runner import Runner, claim_of
from .strategies import ladder
from .tries import history_of, to_try


@dataclass(frozen=True)
class Learned:
    """What the strategies made: the *ladder* without a judge, and the versions kept, by strategy."""

    ladder: LadderResult
    behind: dict[str, str]


def learn_behind(context: ModelContext, champion: Champion, decision: Decision, runner: Runner) -> Learned | None:
    """Let the strategies that are due learn in the background; None if nothing is to be done.

    That is: the decision starts a run, which learns itself; the data is broken, or there is none; the model is in
    shadow mode; another run is in flight; or no strategy is due. Nothing that goes wrong here stops a look: it is
    written down as a failed run.
    """
    if not _may_learn(context, champion, decision):
        return None
    asked = to_try(context, decision, history_of(context, decision), offer=False)
    if not asked.learn:
        return None
    run = runner.claim(context, decision)
    if run is None or run.outcome is not None:
        return None
    began = process_time()
    try:
        with claim_of(context, run, runner) as claim:
            result = ladder(context, champion, decision, bounded=runner.apart, offer=False, asked=asked)
            claim.check()
            behind = kept_behind(context, champion, decision, result, claim=claim)
            spent = process_time() - began
            finish_run(context, run, result, None, decision.at, offer=False, behind=behind, cpu_seconds=spent)
            return Learned(result, behind)
    except Exception as error:  # a strategy's code, a library, a store: no look fails for what it learns beside
        _failed(context, run, decision, error, process_time() - began)
        return None


def _may_learn(context: ModelContext, champion: Champion, decision: Decision) -> bool:
    starts_its_own = decision.action in FIRING or decision.action == "roll_back"
    if starts_its_own or context.spec.mode == "shadow" or decision.triage.verdict == "broken_data":
        return False
    if decision.champion != champion.version or decision.window is None:
        return False
    return context.source.as_of(decision.at).window(decision.window).rows > 0  # an empty window is no sign of health


def _failed(context: ModelContext, run: TrainingRun, decision: Decision, error: Exception, cpu_seconds: float) -> None:
    known = isinstance(error, RatoonError)
    reason = masked(f"{type(error).__name__}: {error}") if known else worded(error)
    with suppress(RatoonError):
        if context.ledger.runs.is_claimed(run):
            context.ledger.runs.finish(
                run,
                outcome="failed",
                evidence=RunRecord(reason=reason, background=True),
                cpu_seconds=cpu_seconds,
                ended_at=decision.at,
            )
