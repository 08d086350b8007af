"""A replay: its progress, and its result beside never retraining."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from ..terminal import Terminal, marked
from .words import coloured, counts

if TYPE_CHECKING:
    from ...flows.prefect.progress import Tick
    from ...flows.replay import Replayed


class Interval(Protocol):
    """A metric with its 95 % interval."""

    @property
    def value(self) -> float: ...
    @property
    def low(self) -> float: ...
    @property
    def high(self) -> float: ...


out = Terminal()
err = Terminal(stderr=True)


def run_replay(
    path: str, every: str, start: datetime | None, end: datetime | None, into: Path | None, *, quiet: bool
) -> Replayed:
    """Run the replay flow; progress goes to standard error."""
    from ...flows.prefect.progress import listening
    from ...flows.prefect.readable import hushed
    from ...flows.replay import replay as flow

    hushed()
    columns: tuple[ProgressColumn, ...] = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
        TextColumn("{task.fields[last]}"),
    )  # fmt: skip
    with Progress(*columns, console=err, disable=quiet) as progress:
        bar = progress.add_task("starting the first version", total=None, last="")

        def show(tick: Tick) -> None:
            made = tick.decision
            verdict, action = coloured(made.triage.verdict), coloured(made.action)
            last = marked("{} {} → {}, champion v{}", f"{made.at:%Y-%m-%d}", verdict, action, tick.champion)
            progress.update(bar, description="replaying", total=tick.total, completed=tick.number, last=last)

        with listening(show):
            return flow(spec=path, every=every, start=start, end=end, into=str(into) if into else None)


def replayed(result: Replayed) -> None:
    """What a replay did, beside never retraining."""
    span = f"{result.start:%Y-%m-%d} to {result.end:%Y-%m-%d}"
    out.print(marked("[bold]{}[/] {}, {} windows", result.model, span, result.windows), highlight=False)
    table = comparison(result.metric)
    add_arm(
        table,
        marked("[bold green]Ratoon[/]"),
        result.composite,
        result.trainings,
        result.rows_learned,
        result.cpu_seconds,
    )
    add_arm(table, "never retrained", result.never, 0, 0, 0.0)
    out.print(table)
    what_happened(result)
    out.print(f"\nEach decision with its reasons:\n  ratoon history {result.spec}", highlight=False, soft_wrap=True)


def what_happened(result: Replayed) -> None:
    """Verdicts, decisions and outcomes, counted."""
    out.print(marked("Looked {} times: {}.", result.windows, counts(result.verdicts)), highlight=False)
    out.print(marked("Decided: {}.", counts(result.actions)), highlight=False)
    if result.outcomes:
        out.print(marked("Trained {} times: {}.", result.trainings, counts(result.outcomes)), highlight=False)


def comparison(metric: str) -> Table:
    """An empty table of arms; `add_arm` fills it. Fits 80 columns."""
    table = Table()
    for column in ("", metric.upper(), "95% interval", "trained", "rows", "CPU s"):
        table.add_column(column, justify="right" if column else "left", no_wrap=True)
    return table


def add_arm(table: Table, name: str, quality: Interval, trainings: int, rows: int, cpu: float) -> None:
    """One arm: its metric with interval, trainings, rows trained on, CPU seconds of training."""
    table.add_row(
        name,
        f"{quality.value:.4g}",
        f"{quality.low:.4g} – {quality.high:.4g}",
        str(trainings),
        f"{rows:,}",
        f"{cpu:.2f}",
    )
