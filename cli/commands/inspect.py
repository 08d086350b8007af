"""Commands that read what the stores hold; they change nothing.

Each imports what it needs when it runs: `--help` and a typo import neither pandas nor any engine.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from ..options import AsJson, SpecPath
from ..specs import load_for_reading

commands = typer.Typer()
policy = typer.Typer(help="What rules may use.", no_args_is_help=True)
commands.add_typer(policy, name="policy")


@commands.command(epilog="Example: ratoon status spec.yaml --json")
def status(
    spec: Annotated[Path, typer.Argument(help="The model's spec (YAML); or a folder: a line for each model below it.")],
    as_json: AsJson = False,
) -> None:
    """Print who serves, who waits for review, and what was decided last."""
    if spec.is_dir():
        from .fleet_status import print_fleet

        if not print_fleet(spec, as_json):
            raise typer.Exit(1)
        return
    from ..reading import read_facts
    from ..views import versions as views
    from ..views.json_output import print_data

    facts = read_facts(load_for_reading(spec))
    if as_json:
        print_data(facts.as_json())
    else:
        views.status(facts, spec)


@commands.command(epilog="Example: ratoon history spec.yaml --last 20")
def history(
    spec: SpecPath,
    last: Annotated[int, typer.Option("--last", min=1, help="How many decisions to print.")] = 20,
    again: Annotated[
        bool, typer.Option("--recompute", help="Take every decision again from the ledger alone, and compare.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Print decisions with their reasons and scores, each decision not to act included."""
    from ..reading import read_facts
    from ..views import decisions as views
    from ..views.json_output import print_each, print_history

    loaded = load_for_reading(spec)
    if not again:
        facts = read_facts(loaded)
        if as_json:
            print_history(facts, last)
        else:
            views.history(facts, last)
        return
    from .recompute import recompute

    found = recompute(loaded)
    if as_json:
        print_each(found)
    else:
        views.recomputed(found)
    if any(each.differs for each in found):
        raise typer.Exit(1)


@commands.command(epilog="Example: ratoon report spec.yaml --out report.html")
def report(
    spec: SpecPath,
    file: Annotated[Path | None, typer.Option("--out", help="HTML file to write; left out: in the home.")] = None,
    start: Annotated[
        datetime | None,
        typer.Option("--start", help="Charts and decisions begin here; left out: with the life."),
    ] = None,
    end: Annotated[
        datetime | None, typer.Option("--end", help="The model as it was known then (UTC); left out: as it is.")
    ] = None,
) -> None:
    """Write one HTML page: what serves and how it does, every decision with its reasons, versions, cost."""
    from .report import report as run

    run(load_for_reading(spec), file=file, start=start, end=end, now=datetime.now(UTC).replace(tzinfo=None))


@policy.command(epilog="Example: ratoon policy explain spec.yaml")
def explain(spec: SpecPath, as_json: AsJson = False) -> None:
    """List the variables that rules may use, with their present values, types and meaning."""
    from .explain import explain_policy

    explain_policy(load_for_reading(spec), as_json)
