"""What is done where the champion alias is on a version that no gate passed, or gone: said everywhere, or put back."""

from __future__ import annotations

from datetime import datetime

from ..ledger.ledger import Catch, Done, Promotion
from ..loop.context import Kept
from ..loop.review.unapproved import last_let
from ..spec.errors import AliasMoved, RegistryError
from ..spec.markdown import in_markdown, link
from .prefect.artifact_keys import artifact_key
from .prefect.engine import create_markdown_artifact, get_run_logger
from .prefect.events import Caught, announce


def caught_ungated(care: Kept, move: Promotion, back: str | None, why: str) -> list[str]:
    """The alias was moved, though *why*: say it, and put *back* the one that served before where the spec says."""
    text = f"v{move.version} was made champion by {_who(move.actor)}, but {why}.{_before(back)}"
    return _catch(care, move, move.version, back, text, move.at)


def caught_gone(care: Kept, last: Promotion, at: datetime) -> list[str]:
    """Nothing has the alias, though *last* set it: said once."""
    before = care.ledger.catches(care.spec.model)
    # One that was put back is over: the next deletion is another.
    open_yet = bool(before) and before[-1].version is None and before[-1].done == "flagged"
    known = open_yet and before[-1].at >= last.at
    if known and care.spec.ungated == "flag":
        return []
    try:
        who = care.registry.version(last.version).meta.champion_removed_by or "registry"
        text = f"The alias champion was deleted by {_who(who)}; v{last.version} had it, and now nothing serves."
    except RegistryError:
        who = "registry"
        text = f"v{last.version}, the champion, was deleted in MLflow, and the alias with it; now nothing serves."
    return _catch(care, last, None, last_let(care), text, at, who, known=known)


def no_longer_gone(care: Kept, serving: str, at: datetime) -> None:
    """The model's page said that nothing serves: let it say that this is over."""
    said = care.ledger.catches(care.spec.model)
    if not said or said[-1].version is not None or said[-1].done != "flagged":
        return
    try:
        care.registry.flag(
            None,
            f"{at:%Y-%m-%d %H:%M} UTC: v{serving} has the alias champion, which was gone since "
            f"{said[-1].at:%Y-%m-%d %H:%M}.",
        )
    except RegistryError as error:
        get_run_logger().warning("MLflow's page still says that nothing serves: %s", error)


def still_ungated(care: Kept, ungated: Promotion, at: datetime) -> list[str]:
    """What was caught before serves yet: Ratoon died half-way, could not put it back, or the spec changed since."""
    known = any(c.version == ungated.version and c.at >= ungated.at for c in care.ledger.catches(care.spec.model))
    if known and care.spec.ungated == "flag":
        return []
    back = last_let(care)
    text = f"v{ungated.version} serves, which no gate passed.{_before(back)}"
    return _catch(care, ungated, ungated.version, back, text, at, known=known)


def _catch(
    care: Kept,
    move: Promotion,
    version: str | None,
    back: str | None,
    text: str,
    at: datetime,
    actor: str | None = None,
    *,
    known: bool = False,
) -> list[str]:
    """Say it in MLflow, act as the spec says, and write down what was done.

    What is *known* was said before: it is tried again to put the alias back, and only a success is news.
    """
    done: Done = "flagged"
    if care.spec.ungated == "put_back":
        found = _moved_back(care, move, back, at)
        if found is None:
            return []  # somebody moved it meanwhile; the next sweep looks again
        done, ending = found
        if done == "flagged":
            if known:
                return []
            ending = f"It could not be put back: {ending}. {_next(care, version, None)}"
    else:
        ending = f"The alias was left as it is (spec key `ungated: flag`). {_next(care, version, back)}"
    text = f"{text} {ending}"
    try:
        care.registry.flag(version, f"{at:%Y-%m-%d %H:%M} UTC: {text}")
    except RegistryError as error:
        get_run_logger().warning("The catch is not shown in MLflow: %s", error)
    care.ledger.record_catch(
        Catch(
            model=care.spec.model,
            version=version,
            previous=back,
            at=at,
            done=done,
            actor=actor or move.actor,
            reason=text,
        )
    )
    get_run_logger().warning("Caught: %s", text)
    page = care.registry.page(version) if version else None
    announce(
        Caught(
            model=care.spec.model,
            spec=str(care.spec.path),
            at=at,
            version=version,
            previous=back,
            reason=text,
            done=done,
            page=page,
        )
    )
    create_markdown_artifact(
        markdown=f"**Caught.** {in_markdown(text)}" + (f"\n\n{link(f'v{version} in MLflow', page)}" if page else ""),
        key=artifact_key("caught", care.spec.model),
        description="The champion alias is where no gate let it go" if version else "The champion alias is gone",
    )
    what = f"v{version}" if version else "no champion"
    return [f"caught {what}, put back v{back}" if done == "put_back" else f"caught {what}"]


def _moved_back(care: Kept, move: Promotion, back: str | None, at: datetime) -> tuple[Done, str] | None:
    """Move the alias to *back*; what was done, and in words, or why not. None where another was faster."""
    try:
        if back is None:
            raise RegistryError("no champion before it is known")
        care.registry.promote(back)
    except AliasMoved:
        return None
    except RegistryError as error:
        return "flagged", str(error).rstrip(".")
    written = care.ledger.record_promotion(
        model=care.spec.model,
        version=back,
        previous=move.version,
        at=at,
        kind="put_back",
        actor="ratoon",
        reason="the spec says `ungated: put_back`",
        decision=None,
        noticed=True,
    )
    return ("put_back", f"Ratoon put v{back} back (spec key `ungated: put_back`).") if written else None


def _before(back: str | None) -> str:
    return f" v{back} served before." if back else ""


def _next(care: Kept, version: str | None, back: str | None) -> str:
    path = care.spec.path
    if back is None:
        return "Set the alias `champion` in MLflow on a version that may serve."
    if version is None:
        return f"Set the alias again in MLflow, or run `ratoon promote {path} --version {back}`."
    return f"To go back: `ratoon rollback {path}`, which names v{back}."


def _who(actor: str) -> str:
    return "someone in MLflow" if actor == "registry" else actor
