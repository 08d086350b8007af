"""What a training or a promotion leaves in Prefect's UI: rungs, gate, and the way to the version's page."""

from __future__ import annotations

from prefect.artifacts import create_link_artifact, create_markdown_artifact

from ..loop.care import Care
from ..models.card import attempts_table
from ..models.gate_table import gate_table
from ..models.race import Race
from .artifact_keys import artifact_key


def publish_race(care: Care, race: Race, version: str | None) -> None:
    """The rungs that ran, and the gate's table of the last of them."""
    parts = [attempts_table(race.attempts)] + ([gate_table(race.gate)] if race.gate else [])
    offered = f"v{version} was registered" if version else "no version was registered, the champion stays"
    create_markdown_artifact(
        markdown="\n\n".join(parts),
        key=artifact_key("gate", care.spec.model),
        description=f"The rungs that ran and the gate's table: {offered}",
    )
    if version is not None:
        _link_version(care, version)


def publish_promotion(care: Care, version: str, previous: str | None, kind: str, reason: str, actor: str) -> None:
    """Which version took over from which, and why."""
    before = f"v{previous}" if previous else "none"
    said = reason or "No reason was given."
    create_markdown_artifact(
        markdown=f"**{kind.replace('_', ' ')}** by {actor}: champion was {before}, is now **v{version}**.\n\n> {said}",
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
