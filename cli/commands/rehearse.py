"""Commands that run the policy over the past: backtest, replay, demo.

Each imports what it needs when it runs: `--help` and a typo import neither pandas nor any engine.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from ..options import AsJson, FirstMoment, LastMoment, SpecPath, takes
from ..specs import load_for_flows

commands = typer.Typer()


@dataclass(frozen=True)
class BacktestOptions:
    """How a backtest runs, and what it writes."""

    every: Annotated[
        str | None, typer.Option("--every", help="Step between evaluations; left out: the spec's backtest.every.")
    ] = None
    start: FirstMoment = None
    end: LastMoment = None
    page: Annotated[Path | None, typer.Option("--page", help="HTML file to write; left out: in the home.")] = None
    workers: Annotated[int, typer.Option("--workers", min=1, help="Processes side by side.")] = 2
    scratch: Annotated[
        bool, typer.Option("--scratch/--no-scratch", help="Also the arms from scratch, and the oracle.")
    ] = True
    fresh: Annotated[bool, typer.Option("--fresh", help="Do not use results kept from earlier runs.")] = False
    as_json: AsJson = False


@commands.command(epilog="Example: ratoon backtest spec.yaml --policy eager.yaml --every 7d")
@takes(BacktestOptions)
def backtest(
    spec: SpecPath,
    policy: Annotated[
        list[Path] | None,
        typer.Option("--policy", help="Rules to compare with the spec's own; give it again for more."),
    ] = None,
    *,
    options: BacktestOptions,
) -> None:
    """Replay history for the policy and for all that it must beat: never, schedules, uniform, an oracle."""
    from ...spec.load import load_spec
    from .backtest import backtest as run

    run(load_spec(spec), policy or [], options)


@commands.command(epilog="Example: ratoon replay spec.yaml --every 7d --start 2026-02-01")
def replay(
    spec: SpecPath,
    every: Annotated[str, typer.Option("--every", help="Step between simulated moments, such as 7d.")],
    start: FirstMoment = None,
    end: LastMoment = None,
    into: Annotated[
        Path | None, typer.Option("--into", help="Folder for the replay's own stores; left out: `replay` in home.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Drive the live flows over history at simulated times."""
    from ..views import replays as views
    from ..views.json_output import print_model

    prepared = load_for_flows(spec)
    result = views.run_replay(str(prepared.path), every, start, end, into, quiet=as_json)
    if as_json:
        print_model(result)
    else:
        views.replayed(result)


@commands.command(epilog="Example: ratoon demo --folder ratoon-demo")
def demo(
    folder: Annotated[
        Path, typer.Option("--folder", help="Where the demo keeps its stores; must be new or empty.")
    ] = Path("ratoon-demo"),
    as_json: AsJson = False,
) -> None:
    """Replay a made stream with one change, beside scheduled retraining from scratch."""
    from .demo import run_demo

    run_demo(folder, as_json)
