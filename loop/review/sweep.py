"""What happened in the registry since Ratoon last looked: the sweep over aliases is the truth, events are hints."""

from __future__ import annotations

from datetime import datetime

from ...ledger.ledger import Promotion, PromotionKind, Review
from ...models.registry.versions import Version
from ..champion_lock import Busy, champion_lock
from ..context import Stores
from ..events import Promoted
from ..learn.claim import take_back_doubles
from .revert import caught_gone, caught_ungated, no_longer_gone, still_ungated
from .unapproved import actor_of, last_let, why_ungated

UNEXPLAINED = "no reason was given (tag `review_reason`)"


def sweep(context: Stores, now: datetime) -> tuple[str, ...]:
    """Write down rejections, and a champion that a person set in MLflow's own pages; what was new, in words.

    A champion that no gate passed, or that is gone, is caught (spec key `ungated`). MLflow records no actor for an
    alias: the ledger says who only where the registry's guard is installed or the tag `reviewed_by` was set. Safe to
    retry: what is already the ledger's newest promotion is not written again. Who moves the alias holds the same lock,
    so that no move of Ratoon's own is seen half done; while that lock is not to be had nothing is looked at.
    """
    if not context.ledger.promotions.of(context.spec.model) and not context.registry.versions():
        return ()  # nothing serves and nothing ever did: the first version may be in the making for hours
    try:
        with champion_lock(context):
            context.registry.refresh()  # what was read before may have changed while this one waited
            return (*_doubles(context), *_rejections(context, now), *_champion(context, now))
    except Busy as busy:
        context.listener.warning(f"What reviewers did was not looked at: {busy}")
        return ()


def _doubles(context: Stores) -> list[str]:
    """A second version of a decision, made by a process that had lost its claim and died, is deleted."""
    gone = take_back_doubles(context.ledger, context.registry, context.spec.model)
    for number in gone:
        context.listener.warning(f"v{number} was the second version of its decision; it was never offered.")
    return [f"v{number} taken back" for number in gone]


def _rejections(context: Stores, now: datetime) -> list[str]:
    """Versions with the tag `review: rejected`; a reason that was tagged later is written down beside it."""
    known = {(each.version, each.verdict): each for each in context.ledger.reviews.of(context.spec.model)}
    said = []
    for version in context.registry.rejected():
        reason = version.meta.review_reason.strip()
        rejected = known.get((version.number, "rejected"))
        explained = rejected is not None and rejected.reason != UNEXPLAINED
        if rejected is not None and (not reason or explained or (version.number, "explained") in known):
            continue
        written = context.ledger.reviews.record(
            Review(
                model=context.spec.model,
                version=version.number,
                verdict="rejected" if rejected is None else "explained",
                at=max(now, rejected.at) if rejected is not None else _known_since(context, version, now),
                actor=version.meta.reviewed_by or "registry",
                reason=reason or UNEXPLAINED,
                decision=version.decision,
            )
        )
        if written:
            what = "rejected" if rejected is None else "rejected, with a reason"
            context.listener.info(f"v{version.number} was {what} in the registry: {reason or UNEXPLAINED}")
            said.append(f"v{version.number} {what}")
    return said


def _known_since(context: Stores, version: Version, now: datetime) -> datetime:
    """*now*, or when the version was registered where that is later: a look back must not date a rejection before."""
    ended = [
        u.ended_at for u in context.ledger.runs.of(context.spec.model) if u.version == version.number and u.ended_at
    ]
    return max([now, *ended])


def _champion(context: Stores, now: datetime) -> list[str]:
    serving, known = context.registry.champion(), context.ledger.promotions.of(context.spec.model)
    last = known[-1] if known else None
    at = max(now, last.at) if last else now  # a look back must not put today's move into the past
    if serving is None:
        return caught_gone(context, last, at) if last else []
    if last is None or last.version != serving.number:
        return _moved(context, serving, known, at)
    if last.kind == "ungated" and (said := still_ungated(context, last, at)):
        return said
    return _set_again(context, serving, last, at)


def _moved(context: Stores, serving: Version, known: list[Promotion], at: datetime) -> list[str]:
    """The alias points to another version than the ledger knows."""
    last = known[-1] if known else None
    again = any(promotion.version == serving.number for promotion in known)
    why = why_ungated(context, serving) if last else None
    kind: PromotionKind = "promotion"
    if last is None:
        kind = "first"
    elif why is not None:
        kind = "ungated"
    elif last.kind == "ungated" and serving.number == last_let(context):
        kind = "put_back"
    elif again:
        kind = "roll_back"
    said = "the alias was moved in the registry; this is when the sweep saw it"
    before = last_let(context)
    move = noticed(context, serving, last, at, kind, f"{said}; {why}" if why else said, again=again)
    if move is None:
        return []
    no_longer_gone(context, serving.number, at)
    return caught_ungated(context, move, before, why) if why else [f"{kind.replace('_', ' ')} v{serving.number}"]


def _set_again(context: Stores, serving: Version, last: Promotion, at: datetime) -> list[str]:
    """The alias is where the ledger knows it; where it was gone in between, its return is written down once."""
    catches = context.ledger.unapproved.of(context.spec.model)
    if not catches or catches[-1].version is not None or catches[-1].at < last.at or last.kind == "put_back":
        return []
    context.ledger.promotions.record(
        Promotion(
            model=context.spec.model,
            version=serving.number,
            previous=last.version,
            at=at,
            kind="ungated" if last.kind == "ungated" else "put_back",
            actor=actor_of(serving, last, again=True),
            reason="the alias was set again in the registry",
            decision=serving.decision,
        ),
        noticed=True,
    )
    no_longer_gone(context, serving.number, at)
    return [f"v{serving.number} is champion again"]


def noticed(
    context: Stores,
    serving: Version,
    last: Promotion | None,
    at: datetime,
    kind: PromotionKind,
    reason: str,
    *,
    again: bool,
) -> Promotion | None:
    """Write a move down that somebody made in the registry, and announce it; None where another was faster."""
    move = Promotion(
        model=context.spec.model,
        version=serving.number,
        previous=last.version if last else None,
        at=at,
        kind=kind,
        actor=actor_of(serving, last, again),
        reason=reason,
        decision=serving.decision,
    )
    if not context.ledger.promotions.record(Promotion(**move.model_dump()), noticed=True):
        return None
    before = f"moved from v{move.previous} to" if move.previous else "was found on"
    context.listener.info(f"The champion alias {before} v{move.version} in the registry.")
    context.listener.event(
        Promoted(spec=str(context.spec.path), page=context.registry.page(serving.number), **move.model_dump())
    )
    return move
