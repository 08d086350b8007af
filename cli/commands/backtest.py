"""`ratoon backtest`: its progress, its table, its page."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from ...backtest.backtest import run_backtest
from ...backtest.findings import findings, refusals
from ...backtest.page import write_page
from ...backtest.page_words import SHORT, days
from ...backtest.policies import policies_of
from ...backtest.results import ArmResult, Backtest
from ...loop.plan import step_of
from ...pages.html import refuse_other
from ...pages.words import rounded as seconds
from ...spec.errors import BadInput
from ...spec.model import Spec
from ...spec.private import shared_files
from ...spec.stores import stores_of
from ..terminal import Terminal, marked
from .rehearse import BacktestOptions

out = Terminal()
err = Terminal(stderr=True)


def backtest(spec: Spec, files: Sequence[Path], options: BacktestOptions) -> None:
    """Run it with a bar for each job, write the page, print the table.

    Raises BadInput for policies in *files* that cannot be read, and for a page that cannot be written.
    """
    policies = policies_of(spec, files)
    written = options.page or stores_of(spec).home / f"backtest-{spec.model}.html"
    try:
        refuse_other(written)  # now, since the replay takes its time
    except OSError as error:
        raise BadInput(
            f"the page {written} cannot be written: {error.strerror}. Nothing was started. Give another --page"
        ) from error
    with Progress(*_columns(), console=err, disable=options.as_json) as progress:
        found = run_backtest(
            spec,
            policies=policies,
            start=options.start,
            end=options.end,
            every=step_of(options.every) if options.every else None,
            workers=options.workers,
            scratch=options.scratch,
            fresh=options.fresh,
            heard=_Bars(progress),
        )
    with shared_files() if options.page else nullcontext():
        write_page(found, written)
    if options.as_json:
        out.print_json(data=found.model_dump(mode="json") | {"findings": findings(found).model_dump(mode="json")})
        return
    show(found)
    out.print(f"\nThe page: {written}", highlight=False, soft_wrap=True)


def show(found: Backtest) -> None:
    """The arms in a table, and what its words mean."""
    period = f"{found.start:%Y-%m-%d} to {found.end:%Y-%m-%d}"
    out.print(
        marked("[bold]{}[/] {}, {} evaluations", found.model, period, found.looks),
        highlight=False,
    )
    out.print(table(found))
    better = "higher" if found.greater_is_better else "lower"
    out.print(
        f"{found.metric}: {better} is better, of the composite model, with its 95% interval. policy: how the first "
        "policy compares with this arm, stretch by stretch; * marks the best fixed strategy in hindsight. fired: share "
        "of the evaluations that asked for a training. learn, all: CPU seconds of learning, and of all that the arm "
        "ran. harm: days in harm. The oracle takes the best step each time, knowing the labels to come.",
        style="dim",
        highlight=False,
    )
    advice = findings(found).advice
    told = [each.text for each in advice]
    if refusals(found) and "gate_refuses_better" not in {each.code for each in advice}:
        told.append(refusals(found))
    for text in told:
        out.print(text, style="bold", highlight=False)


def table(found: Backtest) -> Table:
    """One row for each arm."""
    made = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False)  # fits 80 columns
    priced, said = found.currency is not None, findings(found)
    names = ("", found.metric, "95% interval", "policy", "runs", "fired", "learn", "all", "harm")
    for name in (*names, *((str(found.currency),) if priced else ())):
        made.add_column(name, justify="right" if name else "left", no_wrap=bool(name), min_width=0 if name else 16)
    for arm in found.arms:
        difference = said.differences.get(arm.name)
        best = "*" if arm.name == said.best_fixed else ""
        cells = [
            marked("{}{}", _name(arm), best),
            f"{arm.quality.value:.4g}",
            f"{arm.quality.low:.4g}–{arm.quality.high:.4g}",
        ]
        cells += [SHORT[difference.verdict] if difference is not None else "", str(arm.runs)]
        cells += [f"{arm.fired_share:.0%}" if arm.steps[1:] else "–"]
        cells += [seconds(arm.cpu.learning), seconds(arm.cpu.total), days(arm.harm_days)]
        made.add_row(*cells, *([f"{arm.money:.2f}" if arm.money is not None else ""] if priced else []))
    return made


def _name(arm: ArmResult) -> str:
    short = arm.name.removeprefix("schedule, ").replace("uniform, as many as ", "uniform, as ")
    return marked("[bold green]{}[/]", short) if arm.kind == "policy" else short


def _columns() -> tuple[ProgressColumn, ...]:
    return TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()


class _Bars:
    """A bar for each job, made when the job is first heard of."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, name: str, done: int, total: int) -> None:
        if name not in self._tasks:
            self._tasks[name] = self._progress.add_task(name, total=total)
        self._progress.update(self._tasks[name], completed=done, total=total)
