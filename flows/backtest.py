"""Replay history for the policy and for all that it must beat, as a run of Prefect's."""

from __future__ import annotations

from typing import Annotated

from prefect import flow
from prefect.artifacts import create_markdown_artifact
from prefect.runtime import flow_run
from pydantic import Field

from ..backtest.backtest import run_backtest
from ..backtest.findings import findings
from ..backtest.page import write_page
from ..backtest.page_words import days, in_short
from ..backtest.policies import policies_of
from ..backtest.results import Backtest
from ..loop.moment import as_utc
from ..loop.plan import step_of
from ..spec.markdown import as_code, in_markdown
from ..spec.private import private_files
from ..spec.stores import stores_of
from .prefect.artifact_keys import artifact_key
from .prefect.declared import declared_spec
from .prefect.form import End, SpecPath, Start, Step
from .prefect.long_work import LongWork
from .prefect.names import end_name, model_name
from .prefect.readable import name_the_end

Policies = Annotated[list[str] | None, Field(json_schema_extra={"title": "Policy files to compare with"})]
Workers = Annotated[int, Field(ge=1, le=64, json_schema_extra={"title": "Processes"})]


def _run_name() -> str:
    return f"backtest {model_name(flow_run.parameters)}"


@flow(name="backtest", flow_run_name=_run_name, on_failure=[name_the_end], on_crashed=[name_the_end])
def backtest(
    *,
    policies: Policies = None,
    start: Start = None,
    end: End = None,
    every: Annotated[Step | None, Field(json_schema_extra={"title": "Step between evaluations"})] = None,
    workers: Workers = 2,
    spec: SpecPath,
) -> str:
    """Replay history for the policy and for all that it must beat. Returns the page's path.

    Args:
        policies: Files with rules to hold against the spec's own, as paths from the spec's folder, such as
            eager.yaml. Leave None for the spec's own rules alone.
        start: First moment. Leave None to begin where a third of the data is known.
        end: Last moment. Leave None for the end of the data.
        every: Such as 12h, 1d or 7d. Leave None for the spec's.
        workers: Processes side by side.
        spec: File that describes the model, on the machine where the flow runs. Leave it as it is.
    """
    declared = declared_spec(spec)
    files = [declared.folder / file for file in policies or []]
    with private_files(), LongWork("backtest", declared.model, "replaying history for each arm") as work:
        found = run_backtest(
            declared,
            policies=policies_of(declared, files),
            every=step_of(every) if every else None,
            start=as_utc(start) if start else None,
            end=as_utc(end) if end else None,
            workers=workers,
            heard=work.heard,
        )
    page = stores_of(declared).home / f"backtest-{declared.model}.html"
    with private_files():
        write_page(found, page)
    create_markdown_artifact(
        markdown=f"{_table(found)}\n\nThe page: {as_code(str(page))}",
        key=artifact_key("backtest", declared.model),
        description=f"{found.looks} evaluations from {found.start:%Y-%m-%d} to {found.end:%Y-%m-%d}",
    )
    end_name(f"{found.arms[0].metric_text} in {found.arms[0].runs} runs")
    return str(page)


def _table(found: Backtest) -> str:
    said = findings(found)
    lines = [f"{in_markdown(each.text)}\n" for each in said.advice]
    lines += [
        f"| | {found.metric} | policy against it | runs | CPU s learning | CPU s of all | days in harm |",
        "|---|---|---|--:|--:|--:|--:|",
    ]
    lines += [
        f"| {in_markdown(arm.name)} | {in_markdown(arm.metric_text)} "
        f"| {in_markdown(in_short(said.differences.get(arm.name)))} | {arm.runs} "
        f"| {arm.cpu.learning:.2f} | {arm.cpu.total:.2f} | {days(arm.harm_days)} |"
        for arm in found.arms
    ]
    return "\n".join(lines)
