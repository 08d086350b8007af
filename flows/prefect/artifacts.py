"""What a look leaves in Prefect's UI: the decision as a table, a small chart, and links to where it can be judged."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from ...loop.context import Stores
from ...monitors.evidently.workspace import page
from ...spec.markdown import as_code, in_markdown, link
from ...spec.values import Decision, Signal
from .artifact_keys import artifact_key
from .engine import PREFECT, create_markdown_artifact, create_table_artifact
from .events import rehearsing
from .lately import lately

_WORST_FIRST = ("fail", "warn", "unknown", "ok")


def publish_decision(context: Stores, decision: Decision, signals: Sequence[Signal]) -> None:
    """The decision with its reasons and guards, the signals behind it, and the way to the snapshots.

    Prefect cuts long cells of a table off and wraps the text above it: so the reasons stand there.
    """
    if not PREFECT:
        return
    rows: list[dict[str, str]] = [
        {"what": "decision", "value": decision.action, "note": decision.id},
        {"what": "triage", "value": decision.triage.verdict, "note": ""},
        {"what": "rule", "value": decision.rule or "none fired", "note": f"policy {decision.policy}"},
    ]
    rows += [
        {"what": f"guard {answer.guard}", "value": "held" if answer.held else "passed", "note": answer.text}
        for answer in decision.guards
    ]
    rows += [{"what": "window", "value": str(decision.window), "note": f"judged at {decision.at:%Y-%m-%d %H:%M} UTC"}]
    rows += [{"what": "champion", "value": f"v{decision.champion}", "note": decision.model}]
    reasons = "\n".join(f"- {in_markdown(reason)}" for reason in decision.reasons)
    create_table_artifact(
        table=_cells(rows),
        key=artifact_key("decision", decision.model),
        description=f"### {in_markdown(decision.model)}: {decision.action} ({decision.triage.verdict})\n\n{reasons}",
    )
    create_table_artifact(
        table=_cells([_signal_row(signal) for signal in sorted(signals, key=lambda s: _WORST_FIRST.index(s.status))]),
        key=artifact_key("signals", decision.model),
        description=f"What the monitors measured from {decision.window}, failed signals first",
    )
    publish_background(context, decision, signals)


def publish_background(context: Stores, decision: Decision, signals: Sequence[Signal]) -> None:
    """How the model fared lately, and the way to what was kept: beside a look, and beside what came of it."""
    drawn = "" if rehearsing() else lately(context, decision)  # a replay looks hundreds of times
    if drawn:
        create_markdown_artifact(
            markdown=drawn,
            key=artifact_key("chart", decision.model),
            description="The last windows: bars are 95% intervals, the dashed line is the limit",
        )
    create_markdown_artifact(
        markdown=_ways(context, decision, signals),
        key=artifact_key("links", decision.model),
        description="Where to see the window in Evidently, and the champion in MLflow",
    )


def _ways(context: Stores, decision: Decision, signals: Sequence[Signal]) -> str:
    """Links to what was kept of this window; the workspace's own page where $RATOON_EVIDENTLY_URL names it."""
    at = os.environ.get("RATOON_EVIDENTLY_URL", "http://127.0.0.1:8000")
    shown = {signal.snapshot: signal.monitor for signal in signals if signal.snapshot}
    lines = ["**Evidently**, this window's snapshots:", ""] if shown else []
    lines += [f"- {link(monitor, page(context.spec.model, snapshot, at=at))}" for snapshot, monitor in shown.items()]
    lines += ["" if shown else "**Evidently**: a start by hand looks at no window, so that there is no snapshot."]
    lines += [
        "The pages open while `ratoon up` runs, or this: "
        f"{as_code(f'evidently ui --workspace {context.stores.workspace} --port {_port(at)}')}.",
    ]
    champion = context.registry.page(decision.champion) if decision.champion else None
    if champion:
        lines += ["", f"**MLflow**: {link(f'the champion, v{decision.champion}', champion)}"]
    return "\n".join(lines)


def _port(at: str) -> int:
    return urlsplit(at).port or 8000


def _signal_row(signal: Signal) -> dict[str, str]:
    return {
        "status": signal.status,
        "monitor": signal.monitor,
        "metric": signal.metric,
        "column": signal.column or "",
        "value": _number(signal.value),
        "interval": f"{_number(signal.low)} to {_number(signal.high)}" if signal.low is not None else "",
        "threshold": _number(signal.threshold),
        "rows": f"{signal.rows:,}",
        "note": signal.note,
    }


def _cells(rows: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    """Prefect draws the cells of a table as Markdown too."""
    return [{column: in_markdown(text) for column, text in row.items()} for row in rows]


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"
