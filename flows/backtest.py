"""Replay history for the policy and for all that it must beat, as a run of Prefect's."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from prefect import flow
from prefect.artifacts import create_markdown_artifact
from prefect.runtime import flow_run

from ..backtest.backtest import run_backtest
from ..backtest.page import write_page
from ..backtest.policies import policies_of
from ..backtest.results import Backtest
from ..loop.moment import as_utc
from ..loop.plan import step_of
from ..spec.stores import stores_of
from .artifacts import artifact_key
from .declared import declared_spec
from .names import end_name, model_name


def _run_name() -> str:
    return f"backtest {model_name(flow_run.parameters)}"


@flow(name="backtest", flow_run_name=_run_name)
def backtest(
    spec: str,
    policies: list[str] | None = None,
    every: str | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
    workers: int = 2,
) -> str:
    """Replay history for the policy and for all that it must beat. Returns the page's path.

    Args:
        spec: Path of the model's spec.
        policies: Files with rules to compare with the spec's own.
        every: Step between looks, such as 7d; left out: the spec's.
        start: First moment, as UTC; left out: where a third of the data is known.
        end: Last moment, as UTC; left out: the end of the data.
        workers: Processes side by side.
    """
    declared = declared_spec(spec)
    files = [Path(file) for file in policies or []]
    found = run_backtest(
        declared,
        policies=policies_of(declared, files),
        every=step_of(every) if every else None,
        start=as_utc(start) if start else None,
        end=as_utc(end) if end else None,
        workers=workers,
    )
    page = stores_of(declared).home / f"backtest-{declared.model}.html"
    write_page(found, page)
    create_markdown_artifact(
        markdown=f"{_table(found)}\n\nThe page: {page}",
        key=artifact_key("backtest", declared.model),
        description=f"{found.looks} looks from {found.start:%Y-%m-%d} to {found.end:%Y-%m-%d}",
    )
    end_name(f"{found.arms[0].metric_text} in {found.arms[0].runs} runs")
    return str(page)


def _table(found: Backtest) -> str:
    lines = [f"| | {found.metric} | runs | CPU s | days in harm |", "|---|---|--:|--:|--:|"]
    lines += [
        f"| {arm.name} | {arm.metric_text} | {arm.runs} | {arm.cpu_seconds:.2f} | {arm.harm_days:.0f} |"
        for arm in found.arms
    ]
    return "\n".join(lines)
