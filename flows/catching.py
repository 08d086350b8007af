"""What is done where the champion alias is on a version that no gate passed, or gone: said everywhere, or put back."""

from __future__ import annotations

from datetime import datetime

from prefect import get_run_logger
from prefect.artifacts import create_markdown_artifact

from ..ledger.ledger import Catch, Done, Promotion
from ..loop.care import Kept
from ..models.versions import Version
from ..spec.errors import RegistryError
from .artifact_keys import artifact_key
from .events import Caught, announce


def caught_ungated(care: Kept, serving: Version, move: Promotion, why: str) -> list[str]:
    """The alias was moved to *serving*, though *why*: say it, and put the former champion back where the spec says."""
    text = f"v{serving.number} was made champion by {_who(move.actor)}, but {why}. v{move.previous} served before."
    return _catch(care, move, serving.number, text, move.at)


def caught_gone(care: Kept, last: Promotion, at: datetime) -> list[str]:
    """Nothing has the alias, though *last* set it: said once."""
    before = care.ledger.catches(care.spec.model)
    # One that was put back is over: the next deletion is another.
    open_yet = bool(before) and before[-1].version is None and before[-1].done == "flagged"
    if open_yet and before[-1].previous == last.version and before[-1].at >= last.at:
        return []
    try:
        who = care.registry.version(last.version).tags.get("champion_removed_by", "registry")
        text = f"The alias champion was deleted by {_who(who)}; v{last.version} had it, and now nothing serves."
    except RegistryError:
        who = "registry"
        text = f"v{last.version}, the champion, was deleted in MLflow, and the alias with it; now nothing serves."
    return _catch(care, last, None, text, at, who)


def put_back(care: Kept, ungated: Promotion, at: datetime) -> list[str]:
    """Move the alias back from a version that was caught before: Ratoon died half-way, or the spec changed since."""
    text = f"v{ungated.version} serves, which no gate passed. v{ungated.previous} served before."
    known = [c for c in care.ledger.catches(care.spec.model) if c.version == ungated.version and c.at >= ungated.at]
    if known and known[-1].done == "flagged" and "could not" in known[-1].reason:
        return []  # said already; trying every few minutes would change nothing
    return _catch(care, ungated, ungated.version, text, at)


def _catch(
    care: Kept, move: Promotion, version: str | None, text: str, at: datetime, actor: str | None = None
) -> list[str]:
    """Say it in MLflow, act as the spec says, and write down what was done."""
    back = move.previous if version is not None else move.version
    if care.spec.ungated == "put_back":
        done, ending = _moved_back(care, version, back, at)
    else:
        done = "flagged"
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
    create_markdown_artifact(
        markdown=f"**Caught.** {text}" + (f"\n\n[v{version} in MLflow]({page})" if page else ""),
        key=artifact_key("caught", care.spec.model),
        description="The champion alias is where no gate let it go" if version else "The champion alias is gone",
    )
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
    what = f"v{version}" if version else "no champion"
    return [f"caught {what}, put back v{back}" if done == "put_back" else f"caught {what}"]


def _moved_back(care: Kept, version: str | None, back: str | None, at: datetime) -> tuple[Done, str]:
    try:
        if back is None:
            raise RegistryError("no champion before it is known")
        care.registry.promote(back)
    except RegistryError as error:
        return "flagged", f"It could not be put back: {str(error).rstrip('.')}. {_next(care, version, None)}"
    care.ledger.record_promotion(
        model=care.spec.model,
        version=back,
        previous=version or back,
        at=at,
        kind="put_back",
        actor="ratoon",
        reason="the spec says `ungated: put_back`",
        decision=None,
    )
    return "put_back", f"Ratoon put v{back} back (spec key `ungated: put_back`)."


def _next(care: Kept, version: str | None, back: str | None) -> str:
    path = care.spec.path
    if back is None:
        return "Set the alias `champion` in MLflow on a version that may serve."
    if version is None:
        return f"Set the alias again in MLflow, or: ratoon promote {path} --version {back}"
    return f"To go back: ratoon rollback {path}, which names v{back}."


def _who(actor: str) -> str:
    return "someone in MLflow" if actor == "registry" else actor
