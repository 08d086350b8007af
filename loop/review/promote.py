"""Make a version the champion, or put the one before it back: one pointer move each, written down with its reason."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ...ledger.ledger import Promotion, PromotionKind
from ...models.registry.versions import Version
from ...spec.errors import Refused, RegistryError
from ..champion import replaced_by
from ..champion_lock import Lock
from ..context import Stores
from ..events import Promoted
from .unapproved import served_before


@dataclass(frozen=True)
class Move:
    """Why the alias moves, by whom, and the moment from which it counts; *decision* is the one that asked for it."""

    kind: PromotionKind
    reason: str
    actor: str
    at: datetime
    decision: str | None = None


def move_champion(context: Stores, version: str, move: Move, lock: Lock) -> None:
    """Move the alias after the version proved that it loads and predicts, and write it down.

    Done again after a crash between the two, it writes what is missing. Raises RegistryError if the version does not
    predict, AliasMoved if somebody moved the alias in MLflow meanwhile, and Refused if *lock* was lost; nothing was
    changed then.
    """
    model = context.spec.model
    chosen = context.registry.version(version)
    known = context.ledger.promotions.of(model)
    serving = context.registry.champion()
    if serving is not None and serving.number == chosen.number:
        context.listener.info(f"v{chosen.number} is the champion already; its alias stays.")
        previous = next((p.version for p in reversed(known) if p.version != chosen.number), None)
        caught = bool(known) and known[-1].kind == "ungated" and move.kind == "promotion"  # now somebody stands by it
        if known and known[-1].version == chosen.number and not caught:
            return
    else:
        lock.check()
        previous = context.registry.promote(chosen.number)
    written = Promotion(
        model=model,
        version=chosen.number,
        previous=previous,
        at=move.at,
        kind=move.kind,
        actor=move.actor or "unnamed",
        reason=move.reason,
        decision=move.decision or chosen.decision,
    )
    context.ledger.promotions.record(Promotion(**written.model_dump()))
    page = context.registry.page(chosen.number)
    context.listener.event(Promoted(spec=str(context.spec.path), page=page, **written.model_dump()))


def promote_challenger(context: Stores, version: str, move: Move, lock: Lock) -> bool:
    """Promote *version* unless a champion serves by now that it was not compared with; whether it serves.

    Raises as `move_champion`.
    """
    serving, chosen = context.registry.champion(), context.registry.version(version)
    if serving is not None and serving.number not in (version, chosen.against):
        context.listener.warning(f"v{serving.number} serves by now, which v{version} was not compared with.")
        return False
    move_champion(context, version, move, lock)
    return True


def to_promote(context: Stores, version: str | None) -> str:
    """The version that is asked for: *version*, else the challenger.

    Raises RegistryError if there is no challenger, and Refused if a reviewer rejected it.
    """
    if version is not None:
        return version
    offered = context.registry.challenger()
    if offered is None:
        raise RegistryError(
            f"{context.spec.model}: no version has the alias `challenger`, so there is nothing to promote; "
            "the champion is unchanged. Name a version, or let a retrain register one."
        )
    _not_rejected(context, offered)
    return offered.number


def _not_rejected(context: Stores, offered: Version) -> None:
    if offered.meta.rejected:
        why = offered.meta.review_reason.strip()
        raise Refused(
            f"The challenger of {context.spec.model}, v{offered.number}, was rejected in MLflow"
            f"{f': {why}' if why else ''}; the champion is unchanged. To promote it nevertheless, name it: "
            f"ratoon promote {context.spec.path} --version {offered.number}"
        )


def to_go_back_to(context: Stores, version: str | None) -> str:
    """The champion to go back to: *version* if it served before, else the one before the present champion.

    Raises RegistryError if there is none, which names those that one can go back to.
    """
    return _earlier(context, version) if version else _previous(context)


def _earlier(context: Stores, version: str) -> str:
    """*version*, if it served before and something had let it; a decision that was carried out may find it serving."""
    number, serving = context.registry.version(version).number, context.registry.champion()
    moves = context.ledger.promotions.of(context.spec.model)
    present = serving.number if serving is not None else None
    if served_before(context, number) and number != present:
        return number
    if moves and moves[-1].version != present and number == present:
        return number  # it died between the alias and the ledger: what is missing is written down
    others = sorted({p.version for p in moves if p.version != present and served_before(context, p.version)}, key=int)
    what = "is the champion already" if number == present else "never served by a gate's or a person's leave"
    raise RegistryError(
        f"{context.spec.model}: v{number} {what}, so there is no way back to it; the alias is unchanged. "
        + (f"Earlier champions: {', '.join(f'v{each}' for each in others)}." if others else "No other served before.")
        + ("" if number == present else f" To let it serve for the first time: ratoon promote {context.spec.path}")
    )


def _previous(context: Stores) -> str:
    present = context.registry.champion()
    if present is None:
        raise RegistryError(
            f"{context.spec.model} has no champion, so there is none to go back from; nothing was changed. Train the "
            f"first version: ratoon train {context.spec.path}"
        )
    earlier = replaced_by(context, present.number)
    if earlier is None:
        raise RegistryError(
            f"{context.spec.model}: v{present.number} is the only champion there has been, so there is none to go back "
            "to; the alias is unchanged."
        )
    return earlier
