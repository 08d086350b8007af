"""What a run leaves in Prefect's UI: the decision as a table, the gate, and links to where it can be judged."""

from __future__ import annotations

import re
from collections.abc import Sequence

from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact

from ..models.card import attempts_table, gate_table
from ..models.race import Race
from ..monitors.workspace import link
from ..spec.values import Decision, Signal
from .care import Care


def publish_decision(care: Care, decision: Decision, signals: Sequence[Signal]) -> None:
    """The decision with its reasons and guards, the signals behind it, and the way to the snapshot."""
    rows = [{"what": "decision", "value": decision.action, "why": " ".join(decision.reasons)}]
    rows += [{"what": "triage", "value": decision.triage.verdict, "why": " ".join(decision.triage.evidence)}]
    rows += [{"what": "rule", "value": decision.rule or "none matched", "why": f"policy {decision.policy}"}]
    rows += [
        {"what": f"guard {answer.guard}", "value": "held" if answer.held else "passed", "why": answer.text}
        for answer in decision.guards
    ]
    rows += [{"what": "window", "value": str(decision.window), "why": f"champion v{decision.champion}"}]
    create_table_artifact(
        table=rows, key=_key("decision", decision.model), description=f"### {decision.action}: {decision.model}"
    )
    create_table_artifact(
        table=[_signal_row(signal) for signal in signals],
        key=_key("signals", decision.model),
        description="What the monitors measured in this window",
    )
    snapshot = next((signal.snapshot for signal in signals if signal.snapshot), None)
    if snapshot:
        create_markdown_artifact(
            markdown=f"Evidently snapshot `{snapshot}`: {link(care.stores.workspace, care.spec.model, snapshot)}",
            key=_key("snapshot", decision.model),
            description="Where to see the window in Evidently",
        )


def publish_race(care: Care, race: Race, version: str | None) -> None:
    """The rungs that ran, and the gate's table of the last of them."""
    parts = [attempts_table(race.attempts)] + ([gate_table(race.gate)] if race.gate else [])
    create_markdown_artifact(
        markdown="\n\n".join(parts), key=_key("gate", care.spec.model), description="The ladder and the gate"
    )
    if version is not None:
        _link_version(care, version)


def publish_promotion(care: Care, version: str, previous: str | None, kind: str, reason: str) -> None:
    """Which version took over from which, and why."""
    before = f"v{previous}" if previous else "none"
    create_markdown_artifact(
        markdown=f"**{kind.replace('_', ' ')}**: champion was {before}, is now **v{version}**.\n\n{reason}",
        key=_key("promotion", care.spec.model),
        description="The champion alias moved",
    )
    _link_version(care, version)


def _link_version(care: Care, version: str) -> None:
    page = care.registry.page(version)
    if page is not None:
        create_link_artifact(
            link=page,
            link_text=f"{care.spec.model} v{version} in MLflow",
            key=_key("version", care.spec.model),
            description="The version's page: description, gate, evidence",
        )


def _signal_row(signal: Signal) -> dict[str, str]:
    return {
        "monitor": signal.monitor,
        "metric": signal.metric,
        "column": signal.column or "",
        "value": _number(signal.value),
        "interval": f"{_number(signal.low)} to {_number(signal.high)}" if signal.low is not None else "",
        "threshold": _number(signal.threshold),
        "status": signal.status,
        "rows": str(signal.rows),
        "note": signal.note,
    }


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def _key(what: str, model: str) -> str:
    """Artifact keys may hold lower-case letters, digits and dashes only."""
    return re.sub(r"[^a-z0-9]+", "-", f"{what}-{model}".lower()).strip("-")
