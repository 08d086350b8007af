"""Look at one model's last window and decide what to do about it."""

from __future__ import annotations

from datetime import datetime

from ..loop.champion import Champion, champion_as_of
from ..loop.context import Care, take_care
from ..loop.decide import decided
from ..loop.learn.background import learn_behind
from ..loop.observe.fleet import present_fleet
from ..loop.observe.pages import draw, wants_pages
from ..loop.observe.score import score_past
from ..loop.observe.watch import watch
from ..loop.observe.windows import Look, look
from ..monitors.observe import Observation
from ..policy.decide import decision_id
from ..policy.rules.check import check_rules
from ..spec.model import Spec
from ..spec.values import Decision
from .holding import holding
from .prefect.artifacts import publish_decision
from .prefect.declared import declared_spec
from .prefect.engine import NO_CACHE, flow, flow_run, get_run_logger, task
from .prefect.events import Decided, announce
from .prefect.form import At, SpecPath, past
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
    with take_care(declared, one_read=True) as care:
        sweep(care, now)
        champion = champion_as_of(care, now)
        care.source.as_of(now).hold(champion.reference.start)
        score_past(care, now)
        windows = read_windows(care, champion, now)
        observation = observe_windows(care, champion, windows)
        decision, is_new = settle(care, champion, windows, observation, now)
        if is_new:
            announce(decided_now(declared, decision))
        publish_decision(care, decision, care.ledger.signals(decision.id))
        learn_on(care, champion, decision)
        goes_back = decision.action == "roll_back" and not _went_back(care, decision)
        end_name(f"{'shadow: ' * (declared.mode == 'shadow')}{decision.action} ({decision.triage.verdict})")
    if declared.mode == "shadow":
        return decision
    if decision.fires:
        start_training(declared, decision, start)
    elif goes_back:
        start_roll_back(declared, decision)
    return decision


def decided_now(spec: Spec, decision: Decision) -> Decided:
    """The event of a decision that was just written down."""
    return Decided(
        model=decision.model,
        spec=str(spec.path),
        at=decision.at,
        decision=decision.id,
        action=decision.action,
        verdict=decision.triage.verdict,
        rule=decision.rule,
        reasons=decision.reasons,
        mode=spec.mode,
    )


def _went_back(care: Care, decision: Decision) -> bool:
    return any(move.decision == decision.id for move in care.ledger.champions(decision.model))


def _looked_before(care: Care, now: datetime) -> datetime | None:
    if care.spec.monitors.pages.every is None:
        return None
    return max((d.at for d in care.ledger.decisions(care.spec.model) if d.window and d.at < now), default=None)


@task(cache_policy=NO_CACHE)
def learn_on(care: Care, champion: Champion, decision: Decision) -> None:
    """Let strategies learn in the background, unless the decision starts a run, which does so itself."""
    with holding(care) as holder:
        learned = learn_behind(
            care,
            champion,
            decision,
            ended_at=decision.at,
            run=str(flow_run.id or ""),
            bounded=care.spec.learner.limits.model_fields_set != set() and care.spec.learner.limits.apart,
            holder=holder.name,
            dead=holder.dead,
        )
    if learned is not None:
        get_run_logger().info("Learned in the background: %s.", ", ".join(learned.behind) or "nothing")


@task(retries=2, retry_delay_seconds=5, cache_policy=NO_CACHE)
def read_windows(care: Care, champion: Champion, now: datetime) -> Look:
    """Read the windows as of *now*; a retry reads the same rows."""
    return look(care.source.as_of(now), care.spec, champion)


@task(cache_policy=NO_CACHE)
def observe_windows(care: Care, champion: Champion, windows: Look) -> Observation:
    """Let every monitor speak; no window, however broken, stops the others."""
    return watch(care, champion, windows, pages=False)


@task(retries=2, retry_delay_seconds=5, cache_policy=NO_CACHE)
def settle(
    care: Care, champion: Champion, windows: Look, observation: Observation, now: datetime
) -> tuple[Decision, bool]:
    """Decide, draw the pages if somebody will look at them, and write the decision down before anything acts on it.

    Safe to retry: the decision's id follows from model, moment and policy, and the ledger keeps one.
    Returns the decision that the ledger holds, and whether it was written now.
    """
    spec = care.spec
    stored = care.ledger.find_decision(decision_id(spec.model, now, spec.policy_version))
    if stored is not None:
        return stored, False
    fleet = present_fleet()
    signals = (*observation.signals, fleet.asks(spec.model, windows.current.span))
    decision = decided(care, champion, signals, windows.current.span, now)
    if wants_pages(spec.monitors.pages, decision, _looked_before(care, now)):
        drawn = draw(care, champion, windows, decision).signals
        signals = (*drawn, *signals[len(observation.signals) :])
    written = care.ledger.record_decision(
        decision, signals, policy=spec.deciding, run=str(flow_run.id or ""), live=spec.mode == "live"
    )
    fleet.heard(written[0])
    return written
