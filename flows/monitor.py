"""Look at one model's last window and decide what to do about it."""

from __future__ import annotations

from ..loop.champion import Champion
from ..loop.context import ModelContext, open_context
from ..loop.events import Decided
from ..loop.holding import holding
from ..loop.learn.background import learn_behind
from ..loop.learn.runner import Runner
from ..loop.observe.windows import ObservedWindows
from ..loop.turn import Turn, begin_turn
from ..loop.turn import settle as settled
from ..monitors.observe import Observation
from ..policy.rules.check import check_rules
from ..spec.values import Decision
from .prefect.artifacts import publish_decision
from .prefect.declared import declared_spec
from .prefect.engine import NO_CACHE, flow, flow_run, task
from .prefect.form import At, SpecPath, past
from .prefect.listener import PrefectListener
from .prefect.moment import moment_of
from .prefect.names import end_name, model_name, moment_name
from .prefect.readable import name_the_end
from .prefect.start import StartBy, start_roll_back, start_training
from .sweep import sweep


def _run_name() -> str:
    return f"monitor {model_name(flow_run.parameters)}{moment_name(flow_run.parameters)}"


@flow(name="monitor", flow_run_name=_run_name, on_failure=[name_the_end], on_crashed=[name_the_end])
def monitor(*, at: At = None, start: StartBy = "auto", spec: SpecPath) -> Decision:
    """Look at one model's last window and decide what to do about it.

    Args:
        at: The moment to judge: only what was known then is seen. Leave None for now.
        start: Where a retrain runs that is decided on. auto: as a run of its own, where the server has the
            deployment; else within this run.
        spec: File that describes the model, on the machine where the flow runs. Leave it as it is.
    """
    past(at)
    declared = declared_spec(spec)
    check_rules(declared.deciding)
    now = moment_of(at)
    with open_context(declared, PrefectListener(), one_read=True) as context:
        sweep(context, now)
        turn = begin_turn(context, now)
        read_windows(turn)
        observe_windows(turn)
        decision, is_new = settle(turn)
        if is_new:
            context.listener.event(Decided.of(declared, decision))
        publish_decision(context, decision, context.ledger.decisions.signals(decision.id))
        learn_on(context, turn.champion, decision)
        goes_back = decision.action == "roll_back" and not _went_back(context, decision)
        end_name(f"{'shadow: ' * (declared.mode == 'shadow')}{decision.action} ({decision.triage.verdict})")
    if declared.mode == "shadow":
        return decision
    if decision.fires:
        start_training(declared, decision, start)
    elif goes_back:
        start_roll_back(declared, decision)
    return decision


def _went_back(context: ModelContext, decision: Decision) -> bool:
    return any(move.decision == decision.id for move in context.ledger.promotions.of(decision.model))


@task(retries=2, retry_delay_seconds=5, cache_policy=NO_CACHE)
def read_windows(turn: Turn) -> ObservedWindows:
    """Read the windows; a retry reads the same rows."""
    return turn.windows


@task(cache_policy=NO_CACHE)
def observe_windows(turn: Turn) -> Observation:
    """Let every monitor speak; no window, however broken, stops the others."""
    return turn.observation


@task(retries=2, retry_delay_seconds=5, cache_policy=NO_CACHE)
def settle(turn: Turn) -> tuple[Decision, bool]:
    """Decide, and write the decision down before anything acts on it; safe to retry."""
    return settled(turn, str(flow_run.id or ""))


@task(cache_policy=NO_CACHE)
def learn_on(context: ModelContext, champion: Champion, decision: Decision) -> None:
    """Let strategies learn in the background, unless the decision starts a run, which does so itself."""
    limits = context.spec.learner.limits
    with holding(context) as holder:
        runner = Runner(holder, str(flow_run.id or ""), apart=limits.model_fields_set != set() and limits.apart)
        learned = learn_behind(context, champion, decision, runner)
    if learned is not None:
        context.listener.info(f"Learned in the background: {', '.join(learned.behind) or 'nothing'}.")
