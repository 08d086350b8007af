"""Commands about a project: write one, check it, print the spec's schema.

Each imports what it needs when it runs: `--help` and a typo import neither pandas nor any engine.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ...spec.errors import BadInput
from ..options import AsJson, SpecPath, takes
from ..specs import load_for_reading

if TYPE_CHECKING:
    from .init_own_data import OwnData

commands = typer.Typer()


@dataclass(frozen=True)
class DataOptions:
    """What `ratoon init` is told of the user's own data."""

    data: Annotated[
        Path | None, typer.Option("--data", help="Your own data: Parquet or CSV; left out: example data are written.")
    ] = None
    target: Annotated[str | None, typer.Option("--target", help="With --data: column with the label.")] = None
    time: Annotated[str | None, typer.Option("--time", help="With --data: column with the time of prediction.")] = None
    row_id: Annotated[str | None, typer.Option("--id", help="With --data: column that names a row, unique.")] = None
    label_time: Annotated[
        str | None, typer.Option("--label-time", help="With --data: column with the time at which the label arrived.")
    ] = None
    label_delay: Annotated[
        str | None, typer.Option("--label-delay", help="With --data: a fixed label delay, such as 1d.")
    ] = None
    task: Annotated[
        Literal["binary", "multiclass", "regression", "clustering"] | None,
        typer.Option("--task", help="With --data; left out: told by the label's values. clustering has no label."),
    ] = None


@commands.command(epilog="Example: ratoon init late-flights")
@takes(DataOptions)
def init(
    folder: Annotated[
        Path, typer.Argument(help="Folder to write the project into; its name names the model.", metavar="DIR")
    ],
    *,
    options: DataOptions,
) -> None:
    """Write a project: with example data that works as it stands, or over your own data."""
    from ...spec.private import shared_files
    from ..views import projects as views

    if options == DataOptions():
        from .init import write_starter

        with shared_files():
            views.started(folder, write_starter(folder, folder.resolve().name))
        return
    own = _complete(options)
    from .init_own_data import write_own

    with shared_files():
        views.started_own(folder, write_own(folder, folder.resolve().name, own))


def _complete(options: DataOptions) -> OwnData:
    """What *options* say of the user's data.

    Raises BadInput, before anything is written, for options that name no data, or not all that is needed of them.
    """
    if options.data is None:
        raise BadInput(
            "--target, --time and their like describe your own data; name its file with --data. Nothing was written."
        )
    needed = {"--target": options.target, "--time": options.time, "--id": options.row_id}
    if options.task == "clustering":
        labelled = {"--target": options.target, "--label-time": options.label_time}
        given = next((option for option, value in labelled.items() if value), None)
        if given:
            raise BadInput(f"{given} has no meaning for a clustering, which has no label. Nothing was written.")
        del needed["--target"]
    missing = [option for option, value in needed.items() if value is None]
    if missing or options.time is None or options.row_id is None:
        raise BadInput(
            f"--data needs {', '.join(missing)} as well: the columns that Ratoon cannot guess. Nothing was written."
        )
    if options.label_time and options.label_delay:
        raise BadInput("give --label-time or --label-delay, not both. Nothing was written.")
    from .init_own_data import OwnData

    return OwnData(
        options.data,
        options.target,
        options.time,
        options.row_id,
        options.label_time,
        options.label_delay,
        options.task,
    )


@commands.command(epilog="Example: ratoon check spec.yaml")
def check(
    spec: SpecPath,
    as_json: AsJson = False,
    strict: Annotated[bool, typer.Option("--strict", help="Let warnings fail too.")] = False,
) -> None:
    """Validate a spec against the real data and the real registry, before anything runs."""
    from ..views import projects as views
    from ..views.json_output import print_each
    from .check import check_spec

    findings = check_spec(load_for_reading(spec))
    if as_json:
        print_each(findings)
    else:
        views.findings(findings)
    if any(finding.status == "fail" or (strict and finding.status == "warn") for finding in findings):
        raise typer.Exit(2)


@commands.command(epilog="Example: ratoon schema > ratoon.schema.json")
def schema(
    events: Annotated[bool, typer.Option("--events", help="Of the events that Ratoon sends by Prefect.")] = False,
) -> None:
    """Print the spec's JSON schema, by which editors complete the YAML; or that of the events."""
    from ...spec.load import json_schema
    from ..terminal import Terminal

    if events:
        from ...flows.prefect.events import events_schema

        Terminal().print_json(data=events_schema())
        return
    Terminal().print_json(data=json_schema())
