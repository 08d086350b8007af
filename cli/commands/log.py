"""Commands about the log of predictions and labels: what it holds, what comes in, what goes out.

Each imports what it needs when it runs: `--help` and a typo import neither pandas nor any engine.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..options import AsJson, SpecPath
from ..specs import load_for_reading

log = typer.Typer(help="The log of what was served and labelled.", no_args_is_help=True)
commands = typer.Typer()
commands.add_typer(log, name="log")


@log.command(epilog="Example: ratoon log status spec.yaml --json")
def status(spec: SpecPath, as_json: AsJson = False) -> None:
    """Print what the log holds of the model: rows, labels, corrections, labels that wait, sealed days."""
    from ..views import log as views
    from ..views.json_output import print_data
    from .log_body import log_status

    found = log_status(load_for_reading(spec))
    if as_json:
        print_data(found.as_json())
    else:
        views.status(found)


@log.command("import", epilog="Example: ratoon log import spec.yaml history/*.parquet")
def import_(
    spec: SpecPath,
    files: Annotated[
        list[str] | None,
        typer.Argument(
            help="Parquet or CSV with the columns that the spec's `data` names; left out: what `data` points at.",
            metavar="FILE…",
        ),
    ] = None,
    labels: Annotated[
        str | None, typer.Option("--labels", help="Labels in a file of their own, with the same id column.")
    ] = None,
    version: Annotated[
        str, typer.Option("--version", help="What is written as the version that served the rows.")
    ] = "imported",
    as_json: AsJson = False,
) -> None:
    """Bring a history in: its rows at their times, its labels as they came. Doing it again writes nothing twice."""
    from ..views import log as views
    from ..views.json_output import print_data
    from .log_body import import_history

    found = import_history(load_for_reading(spec), files or [], labels, version)
    if as_json:
        print_data(vars(found))
    else:
        views.imported(found)


@log.command(epilog="Example: ratoon log export spec.yaml --out history")
def export(
    spec: SpecPath,
    folder: Annotated[Path, typer.Option("--out", help="Folder to write the two files into.")] = Path(),
    as_json: AsJson = False,
) -> None:
    """Write all rows and labels of the model as rows.parquet and labels.parquet."""
    from ...spec.private import shared_files
    from ..views import log as views
    from ..views.json_output import print_data
    from .log_body import export_history

    with shared_files():
        rows, count = export_history(load_for_reading(spec), folder)
    if as_json:
        print_data({"rows": rows, "labels": count, "folder": str(folder)})
    else:
        views.exported(folder, rows, count)


@log.command(epilog="Example: ratoon log seal spec.yaml")
def seal(spec: SpecPath, as_json: AsJson = False) -> None:
    """Seal closed days into Parquet now, as `log.seal_after` says; each monitoring run does it as well."""
    from ..views import log as views
    from ..views.json_output import print_each
    from .log_body import seal_log

    found = seal_log(load_for_reading(spec))
    if as_json:
        print_each(found)
    else:
        views.sealed(found)
