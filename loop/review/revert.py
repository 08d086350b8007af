"""What is done where the champion alias is on a version that no gate passed, or gone: said everywhere, or put back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ...ledger.ledger import Catch, Done, Promotion
from ...spec.errors import AliasMoved, RegistryError
from ..context import Stores
from ..events import Caught
from .unapproved import last_let


def caught_ungated(context: Stores, move: Promotion, back: str | None, why: str) -> list[str]:
    """The alias was moved, though *why*: say it, and put *back* the one that served before where the spec says."""
    text = f"v{move.version} was made champion by {_who(move.actor)}, but {why}.{_before(back)}"
    return _catch(context, _Found(move, move.version, back, text, move.at))


def caught_gone(context: Stores, last: Promotion, at: datetime) -> list[str]:
    """Nothing has the alias, though *last* set it: said once."""
    before = context.ledger.unapproved.of(context.spec.model)
    # One that was put back is over: the next deletion is another.
    open_yet = bool(before) and before[-1].version is None and before[-1].done == "flagged"
    known = open_yet and before[-1].at >= last.at
    if known and context.spec.ungated == "flag":
        return []
    try:
        who = context.registry.version(last.version).meta.champion_removed_by or "registry"
        text = f"The alias champion was deleted by {_who(who)}; v{last.version} had it, and now nothing serves."
    except RegistryError:
        who = "registry"
        text = f"v{last.version}, the champion, was deleted in MLflow, and the alias with it; now nothing serves."
    return _catch(context, _Found(last, None, last_let(context), text, at, who, known))


def no_longer_gone(context: Stores, serving: str, at: datetime) -> None:
    """The model's page said that nothing serves: let it say that this is over."""
    said = context.ledger.unapproved.of(context.spec.model)
    if not said or said[-1].version is not None or said[-1].done != "flagged":
        return
    try:
        context.registry.flag(
            None,
            f"{at:%Y-%m-%d %H:%M} UTC: v{serving} has the alias champion, which was gone since "
            f"{said[-1].at:%Y-%m-%d %H:%M}.",
        )
    except RegistryError as error:
        context.listener.warning(f"MLflow's page still says that nothing serves: {error}")


def still_ungated(context: Stores, ungated: Promotion, at: datetime) -> list[str]:
    """What was caught before serves yet: Ratoon died half-way, could not put it back, or the spec changed since."""
    known = any(
        c.version == ungated.version and c.at >= ungated.at for c in context.ledger.unapproved.of(context.spec.model)
    )
    if known and context.spec.ungated == "flag":
        return []
    back = last_let(context)
    text = f"v{ungated.version} serves, which no gate passed.{_before(back)}"
    return _catch(context, _Found(ungated, ungated.version, back, text, at, known=known))


@dataclass(frozen=True)
class _Found:
    """The alias on *version* (None: it is gone), set there by *move*; the way *back*, and *text* for people.

    What is *known* was said before: it is tried again to put the alias back, and only a success is news.
    """

    move: Promotion
    version: str | None
    back: str | None
    text: str
    at: datetime
    actor: str | None = None
    known: bool = False


def _catch(context: Stores, found: _Found) -> list[str]:
    """Say it in MLflow, act as the spec says, and write down what was done."""
    acted = _act(context, found)
    if acted is None:
        return []
    done, ending = acted
    version, text = found.version, f"{found.text} {ending}"
    try:
        context.registry.flag(version, f"{found.at:%Y-%m-%d %H:%M} UTC: {text}")
    except RegistryError as error:
        context.listener.warning(f"The catch is not shown in MLflow: {error}")
    told = {"model": context.spec.model, "version": version, "previous": found.back, "at": found.at, "done": done}
    context.ledger.unapproved.record(
        Catch.model_validate({**told, "actor": found.actor or found.move.actor, "reason": text})
    )
    context.listener.warning(f"Caught: {text}")
    page = context.registry.page(version) if version else None
    context.listener.event(
        Caught.model_validate({**told, "spec": str(context.spec.path), "reason": text, "page": page})
    )
    what = f"v{version}" if version else "no champion"
    return [f"caught {what}, put back v{found.back}" if done == "put_back" else f"caught {what}"]


def _act(context: Stores, found: _Found) -> tuple[Done, str] | None:
    """What was done by the spec's key `ungated`, and in words; None if there is no news in it."""
    if context.spec.ungated == "flag":
        return "flagged", (
            f"The alias was left as it is (spec key `ungated: flag`). {_next(context, found.version, found.back)}"
        )
    moved = _moved_back(context, found.move, found.back, found.at)
    if moved is None:
        return None  # somebody moved it meanwhile; the next sweep looks again
    done, ending = moved
    if done == "put_back":
        return moved
    if found.known:
        return None
    return done, f"It could not be put back: {ending}. {_next(context, found.version, None)}"


def _moved_back(context: Stores, move: Promotion, back: str | None, at: datetime) -> tuple[Done, str] | None:
    """Move the alias to *back*; what was done, and in words, or why not. None where another was faster."""
    try:
        if back is None:
            raise RegistryError("no champion before it is known")
        context.registry.promote(back)
    except AliasMoved:
        return None
    except RegistryError as error:
        return "flagged", str(error).rstrip(".")
    written = context.ledger.promotions.record(
        Promotion(
            model=context.spec.model,
            version=back,
            previous=move.version,
            at=at,
            kind="put_back",
            actor="ratoon",
            reason="the spec says `ungated: put_back`",
            decision=None,
        ),
        noticed=True,
    )
    return ("put_back", f"Ratoon put v{back} back (spec key `ungated: put_back`).") if written else None


def _before(back: str | None) -> str:
    return f" v{back} served before." if back else ""


def _next(context: Stores, version: str | None, back: str | None) -> str:
    path = context.spec.path
    if back is None:
        return "Set the alias `champion` in MLflow on a version that may serve."
    if version is None:
        return f"Set the alias again in MLflow, or run `ratoon promote {path} --version {back}`."
    return f"To go back: `ratoon rollback {path}`, which names v{back}."


def _who(actor: str) -> str:
    return "someone in MLflow" if actor == "registry" else actor
