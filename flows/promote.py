"""Make a version the champion, or put the one before it back: one pointer move each."""

from __future__ import annotations

from datetime import datetime

from ..ledger.ledger import PromotionKind
from ..loop.champion import replaced_by
from ..loop.context import Care, take_care
from ..loop.review.unapproved import served_before
from ..models.registry.versions import Version as Offered
from ..spec.errors import Refused, RegistryError
from .prefect.artifacts_version import publish_promotion
from .prefect.declared import declared_spec
from .prefect.engine import NO_CACHE, flow, flow_run, get_run_logger, task
from .prefect.events import Promoted, announce
from .prefect.form import Actor, At, BackTo, DecisionId, Reason, SpecPath, Version, explained, past, signed
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
    with take_care(declared_spec(spec)) as care:
        offered = care.registry.challenger()
        if version is None and offered is not None:
            _not_rejected(care, offered)
        chosen = version or (offered.number if offered else None)
        if chosen is None:
            raise RegistryError(
                f"{care.spec.model}: no version has the alias `challenger`, so there is nothing to promote; "
                "the champion is unchanged. Name a version, or let a retrain register one."
            )
        move(care, chosen, kind="promotion", reason=reason, actor=actor, at=moment_of(at))
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
    with take_care(declared_spec(spec)) as care:
        chosen = _earlier(care, version) if version else _previous(care)
        move(care, chosen, kind="roll_back", reason=reason, actor=actor, at=moment_of(at), decision=decision)
        end_name(f"v{chosen} is the champion again")
        return chosen


def _not_rejected(care: Care, offered: Offered) -> None:
    if offered.meta.rejected:
        why = offered.meta.review_reason.strip()
        raise Refused(
            f"The challenger of {care.spec.model}, v{offered.number}, was rejected in MLflow"
            f"{f': {why}' if why else ''}; the champion is unchanged. To promote it nevertheless, name it: "
            f"ratoon promote {care.spec.path} --version {offered.number}"
        )


def _earlier(care: Care, version: str) -> str:
    """*version*, where it served before and something had let it; a decision that was carried out may find it serving.

    Raises RegistryError, which names those that one can go back to.
    """
    number, serving = care.registry.version(version).number, care.registry.champion()
    moves = care.ledger.champions(care.spec.model)
    present = serving.number if serving is not None else None
    if served_before(care, number) and number != present:
        return number
    if moves and moves[-1].version != present and number == present:
        return number  # it died between the alias and the ledger: what is missing is written down
    others = sorted({p.version for p in moves if p.version != present and served_before(care, p.version)}, key=int)
    what = "is the champion already" if number == present else "never served by a gate's or a person's leave"
    raise RegistryError(
        f"{care.spec.model}: v{number} {what}, so there is no way back to it; the alias is unchanged. "
        + (f"Earlier champions: {', '.join(f'v{each}' for each in others)}." if others else "No other served before.")
        + ("" if number == present else f" To let it serve for the first time: ratoon promote {care.spec.path}")
    )


def _previous(care: Care) -> str:
    present = care.registry.champion()
    if present is None:
        raise RegistryError(
            f"{care.spec.model} has no champion, so there is none to go back from; nothing was changed. Train the "
            f"first version: ratoon train {care.spec.path}"
        )
    serving = present.number
    earlier = replaced_by(care, serving)
    if earlier is None:
        raise RegistryError(
            f"{care.spec.model}: v{serving} is the only champion there has been, so there is none to go back to; "
            "the alias is unchanged."
        )
    return earlier


@task(cache_policy=NO_CACHE)
def move(
    care: Care,
    version: str,
    *,
    kind: PromotionKind,
    reason: str,
    actor: str,
    at: datetime,
    decision: str | None = None,
) -> None:
    """Move the alias after the version proved that it loads and predicts, and write it down.

    Done again after a crash between the two, it writes what is missing.
    """
    model = care.spec.model
    chosen = care.registry.version(version)
    known = care.ledger.champions(model)
    serving = care.registry.champion()
    if serving is not None and serving.number == chosen.number:
        get_run_logger().info("v%s is the champion already; its alias stays.", chosen.number)
        previous = next((p.version for p in reversed(known) if p.version != chosen.number), None)
        caught = bool(known) and known[-1].kind == "ungated" and kind == "promotion"  # now somebody stands by it
        if known and known[-1].version == chosen.number and not caught:
            return
    else:
        previous = care.registry.promote(chosen.number)
    care.ledger.record_promotion(
        model=model,
        version=chosen.number,
        previous=previous,
        at=at,
        kind=kind,
        actor=actor or "unnamed",
        reason=reason,
        decision=decision or chosen.decision,
    )
    publish_promotion(care, chosen.number, previous, kind, reason, actor or "unnamed")
    announce(
        Promoted(
            model=model,
            spec=str(care.spec.path),
            at=at,
            decision=decision or chosen.decision,
            version=chosen.number,
            previous=previous,
            kind=kind,
            actor=actor or "unnamed",
            reason=reason,
            page=care.registry.page(chosen.number),
        )
    )
