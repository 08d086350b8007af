"""What a training or a promotion leaves in Prefect's UI: rungs, gate, and the way to the version's page."""

from __future__ import annotations

from ...loop.context import Care
from ...models.gate.table import gate_table
from ...models.ladder.race import Race
from ...models.registry.card import attempts_table
from ...spec.markdown import as_code, in_markdown
from ...spec.values import Decision
from .artifact_keys import artifact_key
from .artifacts import publish_background
from .engine import PREFECT, create_link_artifact, create_markdown_artifact


def publish_race(care: Care, fired: Decision, race: Race, version: str | None) -> None:
    """Why it trained, the rungs that ran, the gate's table of the last of them, and what a look shows beside."""
    if not PREFECT:
        return
    why = "\n".join(f"- {in_markdown(reason)}" for reason in fired.reasons)
    parts = [f"**{fired.action}**, decision {as_code(fired.id)} at {fired.at:%Y-%m-%d %H:%M} UTC\n\n{why}"]
    parts += [attempts_table(race.attempts)] + ([gate_table(race.gate)] if race.gate else [])
    offered = _became(race, version)
    create_markdown_artifact(
        markdown="\n\n".join(parts),
        key=artifact_key("gate", care.spec.model),
        description=f"Why it trained, the rungs that ran and the gate's table: {offered}",
    )
    publish_background(care, fired, care.ledger.signals(fired.id))
    if version is not None:
        _link_version(care, version)


def _became(race: Race, version: str | None) -> str:
    if version is None:
        return "no version was registered, the champion stays"
    if race.winner is None:
        return f"not proven yet; v{version} is the candidate that the next update goes on from, the champion stays"
    return f"v{version} was registered"


def publish_promotion(care: Care, version: str, previous: str | None, kind: str, reason: str, actor: str) -> None:
    """Which version took over from which, and why."""
    before = f"v{previous}" if previous else "none"
    said = in_markdown(reason or "No reason was given.")
    create_markdown_artifact(
        markdown=f"**{kind.replace('_', ' ')}** by {in_markdown(actor)}: champion was {before}, is now **v{version}**."
        f"\n\n> {said}",
        key=artifact_key("promotion", care.spec.model),
        description="The champion alias moved",
    )
    _link_version(care, version)


def _link_version(care: Care, version: str) -> None:
    page = care.registry.page(version)
    if page is not None:
        create_link_artifact(
            link=page,
            link_text=f"{care.spec.model} v{version} in MLflow",
            key=artifact_key("version", care.spec.model),
            description="The version's page: description, gate, evidence",
        )
