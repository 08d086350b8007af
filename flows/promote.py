"""Make a version the champion, or put the one before it back."""

from __future__ import annotations

from ..loop.champion_lock import Lock, champion_lock
from ..loop.context import Stores, open_context
from ..loop.review.promote import Move, move_champion, to_go_back_to, to_promote
from .prefect.declared import declared_spec
from .prefect.engine import NO_CACHE, flow, flow_run, task
from .prefect.form import Actor, At, BackTo, DecisionId, Reason, SpecPath, Version, explained, past, signed
from .prefect.listener import PrefectListener
from .prefect.moment import moment_of
from .prefect.names import end_name, model_name
from .prefect.readable import name_the_end


def _promote_name() -> str:
    return f"promote {model_name(flow_run.parameters)} v{flow_run.parameters.get('version') or '@challenger'}"


def _roll_back_name() -> str:
    return f"roll back {model_name(flow_run.parameters)}"


@flow(name="promote", flow_run_name=_promote_name, on_failure=[name_the_end], on_crashed=[name_the_end])
def promote(
    *,
    version: Version = None,
    reason: Reason = "",
    actor: Actor = "",
    at: At = None,
    spec: SpecPath,
) -> str:
    """Make a version the champion; serving follows the alias.

    Args:
        version: The version's number in MLflow. Leave None for the challenger, which waits for review.
        reason: Why, in a sentence. It is kept in the ledger.
        actor: Who promotes. It is kept in the ledger.
        at: The moment it counts from. Leave None for now.
        spec: File that describes the model, on the machine where the flow runs. Leave it as it is.
    """
    explained(reason, "a promotion")
    signed(actor, "a promotion")
    past(at)
    with open_context(declared_spec(spec), PrefectListener()) as context, champion_lock(context) as lock:
        chosen = to_promote(context, version)
        move(context, chosen, Move("promotion", reason, actor, moment_of(at)), lock)
        end_name(f"v{chosen} is the champion")
        return chosen


@flow(name="roll-back", flow_run_name=_roll_back_name, on_failure=[name_the_end], on_crashed=[name_the_end])
def roll_back(
    *,
    version: BackTo = None,
    reason: Reason = "",
    actor: Actor = "",
    at: At = None,
    decision: DecisionId = None,
    spec: SpecPath,
) -> str:
    """Put an earlier champion back.

    Args:
        version: The version to go back to. Leave None for the champion before the present one.
        reason: Why, in a sentence. It is kept in the ledger.
        actor: Who rolls back. It is kept in the ledger.
        at: The moment it counts from. Leave None for now.
        decision: Set by the monitor when a rule of its own asks for it. Leave None for a start by hand.
        spec: File that describes the model, on the machine where the flow runs. Leave it as it is.
    """
    explained(reason, "a rollback")
    signed(actor, "a rollback")
    past(at)
    with open_context(declared_spec(spec), PrefectListener()) as context, champion_lock(context) as lock:
        chosen = to_go_back_to(context, version)
        move(context, chosen, Move("roll_back", reason, actor, moment_of(at), decision), lock)
        end_name(f"v{chosen} is the champion again")
        return chosen


@task(cache_policy=NO_CACHE)
def move(context: Stores, version: str, move: Move, lock: Lock) -> None:
    """Move the alias after the version proved that it loads and predicts, and write it down."""
    move_champion(context, version, move, lock)
