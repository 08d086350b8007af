"""Continue the champion on the rows it has not learned, and offer the result for review."""

from __future__ import annotations

import warnings

from pydantic import BaseModel

from ..loop.champion import Champion
from ..loop.context import ModelContext, open_context
from ..loop.holding import holding
from ..loop.learn import run
from ..loop.learn.by_hand import decide_by_hand
from ..loop.learn.claim import Claim
from ..loop.learn.run import Ended, Steps, carry_out, fired_by, promote_passed
from ..loop.learn.runner import Runner
from ..loop.learn.take_over import in_flight
from ..models.ladder.run import LadderResult
from ..models.learning.trained import Trained
from ..spec.errors import Refused
from ..spec.former_keys import FormerKey
from ..spec.values import Decision
from .prefect.declared import declared_spec
from .prefect.engine import NO_CACHE, State, flow, flow_run, task
from .prefect.form import At, DecisionId, FormerStartAt, Reason, SpecPath, StartAt, explained, past
from .prefect.listener import PrefectListener
from .prefect.moment import moment_of
from .prefect.names import end_name, model_name, moment_name
from .prefect.readable import name_the_end


class Retrained(BaseModel):
    """What became of a retrain: *outcome* as in the ledger, *version* where one is offered for review.

    *candidate*: the version that was kept to go on from, where the gate could neither pass nor refute it.
    """

    decision: str
    outcome: Ended
    version: str | None = None
    candidate: str | None = None
    promoted: bool = False

    @property
    def became(self) -> str:
        """As the ledger's listings say it: `registered v3`, `refused`, or `unproven v4`."""
        return run.became(self.outcome, self.version, self.candidate)


def _run_name() -> str:
    parameters = flow_run.parameters
    fired = f" for decision {parameters['decision']}" if parameters.get("decision") else " by hand"
    return f"retrain {model_name(parameters)}{fired}{moment_name(parameters)}"


@flow(name="retrain", flow_run_name=_run_name, on_failure=[name_the_end], on_crashed=[name_the_end])
def retrain(
    *,
    strategy: StartAt = "warm",
    reason: Reason = "",
    at: At = None,
    decision: DecisionId = None,
    rung: FormerStartAt = None,
    spec: SpecPath,
) -> Retrained:
    """Continue the champion on the rows it has not learned, check it, and offer it for review.

    Args:
        strategy: warm continues the champion and is cheap; scratch begins anew, on recent rows first, then on all.
        reason: Why you start it, in a sentence. It is kept in the ledger and shown to the reviewer.
        at: Learn what was known at this moment. Leave None for now.
        decision: Set by the monitor when a decision of its own starts the run. Leave None for a start by hand.
        rung: Former name of strategy, for schedules and scripts of 0.1; it goes with 0.3.
        spec: File that describes the model, on the machine where the flow runs. Leave it as it is.
    """
    if decision is None:
        explained(reason, "a retrain by hand")
    past(at)
    declared = declared_spec(spec)
    if rung is not None:
        warnings.warn("the parameter `rung` is called `strategy` now; it goes with 0.3", FormerKey, stacklevel=1)
        strategy = rung
    if declared.mode == "shadow":
        raise Refused(
            f"{declared.path.name}: the mode is `shadow`, in which nothing trains; nothing was changed. "
            "Set `mode: live` when the decisions have earned it."
        )
    listener, run_id = PrefectListener(), str(flow_run.id or "")
    with open_context(declared, listener) as context, holding(context) as holder:
        fired = (
            fired_by(context, decision)
            if decision
            else decide_by_hand(context, strategy, reason, moment_of(at), run_id)
        )
        runner = Runner(holder, run_id, apart=declared.learner.limits.apart)
        with listener.working("retrain", declared.model):
            made = carry_out(context, fired, runner, Steps(run_ladder, register))
        if made.outcome == "in_flight":
            listener.warning(f"{in_flight(context)}; this one does not start.")
            end_name("another is in flight")
            return Retrained(decision=fired.id, outcome="in_flight")
        end_name(made.became)
        promoted = False
        if made.version is not None and declared.review == "automatic":
            promoted = promote_passed(context, fired, made.version)
        return Retrained(
            decision=fired.id,
            outcome=made.outcome,
            version=made.version,
            candidate=made.candidate,
            promoted=promoted,
        )


@task(cache_policy=NO_CACHE)
def run_ladder(context: ModelContext, champion: Champion, fired: Decision, apart: bool) -> LadderResult:
    """Run the ladder on what was known at the decision's moment; no retry, since nothing is half done."""
    return run.run_ladder(context, champion, fired, apart)


def _may_pass(task: object, run: object, state: State) -> bool:
    """Whether another try can help: a refusal of ours stays one."""
    return type(state.result(raise_on_failure=False)) is not Refused


@task(retries=2, retry_delay_seconds=5, retry_condition_fn=_may_pass, cache_policy=NO_CACHE)
def register(
    context: ModelContext,
    champion: Champion,
    fired: Decision,
    result: LadderResult,
    candidate: Trained,
    claim: Claim,
    flow_run: str,
) -> str:
    """Register the result's candidate with its evidence; safe to retry, one version per decision."""
    return run.register(context, champion, fired, result, candidate, claim, flow_run)
