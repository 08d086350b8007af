"""What a training or a promotion leaves in Prefect's UI: strategies, gate, and the way to the version's page."""

from __future__ import annotations

from ...loop.context import Stores
from ...loop.events import Caught, Promoted
from ...models.gate.table import gate_table
from ...models.ladder.run import LadderResult
from ...models.registry.card import attempts_table
from ...spec.markdown import as_code, in_markdown, link
from ...spec.values import Decision
from .artifact_keys import artifact_key
from .artifacts import publish_background
from .engine import PREFECT, create_link_artifact, create_markdown_artifact


def publish_ladder(context: Stores, fired: Decision, result: LadderResult, version: str | None) -> None:
    """Why it trained, the strategies that ran, the gate's table of the last of them, and what a look shows beside."""
    if not PREFECT:
        return
    why = "\n".join(f"- {in_markdown(reason)}" for reason in fired.reasons)
    parts = [f"**{fired.action}**, decision {as_code(fired.id)} at {fired.at:%Y-%m-%d %H:%M} UTC\n\n{why}"]
    parts += [attempts_table(result.attempts)] + ([gate_table(result.gate)] if result.gate else [])
    offered = _became(result, version)
    create_markdown_artifact(
        markdown="\n\n".join(parts),
        key=artifact_key("gate", context.spec.model),
        description=f"Why it trained, the strategies that ran and the gate's table: {offered}",
    )
    publish_background(context, fired, context.ledger.decisions.signals(fired.id))
    if version is not None:
        _link_version(context.spec.model, version, context.registry.page(version))


def _became(result: LadderResult, version: str | None) -> str:
    if version is None:
        return "no version was registered, the champion stays"
    if result.winner is None:
        return f"not proven yet; v{version} is the candidate that the next update goes on from, the champion stays"
    return f"v{version} was registered"


def publish_promotion(event: Promoted) -> None:
    """Which version took over from which, and why."""
    before = f"v{event.previous}" if event.previous else "none"
    said = in_markdown(event.reason or "No reason was given.")
    create_markdown_artifact(
        markdown=f"**{event.kind.replace('_', ' ')}** by {in_markdown(event.actor)}: champion was {before}, is now "
        f"**v{event.version}**.\n\n> {said}",
        key=artifact_key("promotion", event.model),
        description="The champion alias moved",
    )
    _link_version(event.model, event.version, event.page)


def publish_caught(event: Caught) -> None:
    """The alias is where nobody let it go, or gone, and what was done about it."""
    page = f"\n\n{link(f'v{event.version} in MLflow', event.page)}" if event.page else ""
    create_markdown_artifact(
        markdown=f"**Caught.** {in_markdown(event.reason)}{page}",
        key=artifact_key("caught", event.model),
        description="The champion alias is where no gate let it go" if event.version else "The champion alias is gone",
    )


def _link_version(model: str, version: str, page: str | None) -> None:
    if page is not None:
        create_link_artifact(
            link=page,
            link_text=f"{model} v{version} in MLflow",
            key=artifact_key("version", model),
            description="The version's page: description, gate, evidence",
        )
