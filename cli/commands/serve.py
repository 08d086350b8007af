"""Commands that serve: a model over HTTP, one round over a fleet, servers, deployments, webhooks.

Each imports what it needs when it runs: `--help` and a typo import neither pandas nor any engine.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..options import AsJson, At, SpecPath, takes
from .serving import ServeOptions

commands = typer.Typer()


@commands.command(epilog="Example: ratoon serve spec.yaml --port 8080 --replicas 2")
@takes(ServeOptions)
def serve(path: SpecPath, options: ServeOptions) -> None:
    """Serve the champion over HTTP: Open Inference Protocol V2, MLflow's `/invocations`, labels by POST."""
    from .serving import serve as run

    run(path, options)


@commands.command("new-key", epilog="Example: ratoon new-key shop --scope predict --scope learn")
def new_key(
    name: Annotated[str, typer.Argument(help="Whose key it is, as the access log shows it.", metavar="NAME")],
    scope: Annotated[
        list[str] | None, typer.Option("--scope", help="`predict`, `learn` (labels) or `admin` (everything).")
    ] = None,
) -> None:
    """Make an API key for `ratoon serve`, and the line by which it is known; only its hash is kept."""
    from .serving import new_key as run

    run(name, scope or ["predict"])


@commands.command(epilog="Example: ratoon fleet models --every 1h")
def fleet(
    folder: Annotated[Path, typer.Argument(help="Every spec below it is looked at.", metavar="DIR")],
    at: At = None,
    every: Annotated[
        str | None, typer.Option("--every", help="Look again after this long, such as 1h, until Ctrl-C.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Look at every model below a folder in one warm process; false alarms are controlled over them all."""
    from .fleet import run_fleet

    if not run_fleet(folder, at, every, as_json=as_json):
        raise typer.Exit(1)


@commands.command(epilog="Example: ratoon listen projects, with the webhook's secret in RATOON_WEBHOOK_SECRET")
def listen(
    folder: Annotated[Path, typer.Argument(help="Folder of the specs whose models are listened for.")] = Path(),
    subscribe: Annotated[
        str | None,
        typer.Option(
            help="This receiver's address as MLflow reaches it, http://host:8090/mlflow: the webhook is made there.",
            metavar="URL",
        ),
    ] = None,
) -> None:
    """Receive MLflow's webhooks, so that a review there is noticed at once."""
    from .listen import listen as run

    run(folder, subscribe)


@commands.command(epilog="Example: ratoon deploy .")
def deploy(
    places: Annotated[
        list[Path] | None, typer.Argument(help="Specs, or folders with specs; left out: this folder.", metavar="SPEC…")
    ] = None,
    pool: Annotated[str | None, typer.Option("--pool", help="Prefect's work pool; left out: $RATOON_POOL.")] = None,
    as_json: AsJson = False,
) -> None:
    """Write the deployments of every spec to the Prefect server; doing it again is safe."""
    from .deploy import deploy as run

    run(places or [Path()], pool, as_json)


@commands.command(epilog="Example: ratoon up")
def up(
    folder: Annotated[
        Path, typer.Argument(help="The project: the folder that holds the specs.", metavar="FOLDER")
    ] = Path(),
) -> None:
    """Start Prefect, MLflow, Evidently's UI and a worker; deploy every spec below FOLDER; watch over them all."""
    from .up import up as run

    run(folder)
