"""`ratoon deploy`: deployments for every spec, on the Prefect server in use."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from rich.table import Table

from ...spec.errors import BadInput, RatoonError, Refused
from ...spec.model import Spec
from ..terminal import Terminal, marked

out = Terminal()
err = Terminal(stderr=True)

# What the runs must have in common with the shell that deployed them; secrets such as passwords are not copied.
HANDED_ON = ("MLFLOW_TRACKING_URI", "RATOON_WORKSPACE", "RATOON_EVIDENTLY_URL", "RATOON_HOME")


def deploy(places: Sequence[Path], pool: str | None, as_json: bool) -> None:
    """Deploy the specs and the specs in the folders of *places*; print what stands, and what is left over."""
    if "PREFECT_API_URL" not in os.environ:
        raise BadInput(
            "PREFECT_API_URL is not set, so that there is no Prefect server to deploy to; nothing was changed. "
            "`ratoon up` starts one and deploys; for another server: PREFECT_API_URL=http://host:4200/api ratoon deploy"
        )
    from ...flows.prefect.specs import find_specs, one_per_model
    from ...servers.settings import Settings
    from ..settings import log_in

    specs = [path for place in places for path in (find_specs(place) if place.is_dir() else [place])]
    if not specs:
        raise BadInput(f"{', '.join(map(str, places))}: no spec was found; nothing was deployed. `ratoon init DIR`.")
    read = one_per_model(specs)
    log_in(read[0])
    from ...flows.prefect.deploy import deploy_all, left_over  # now: it imports Prefect, which reads the environment

    try:
        with err.status(marked("Deploying {} models to {} …", len(read), os.environ["PREFECT_API_URL"])):
            names = deploy_all(specs, pool=pool or Settings.settle(Path()).pool, environment=handed_on(read))
            gone = left_over()
    except RatoonError:
        raise
    except Exception as error:
        raise _worded(error) from error
    if as_json:
        out.print_json(data={"deployed": names, "left_over": gone})
        return
    show(read, names, gone)


def handed_on(specs: Sequence[Spec]) -> dict[str, str]:
    """The runs' environment: what is set here of the stores' addresses, few threads, no telemetry."""
    threads = str(max(spec.learner.threads for spec in specs))
    quiet = {"DO_NOT_TRACK": "1", "MLFLOW_DISABLE_TELEMETRY": "true"}
    return {
        **quiet,
        "OMP_NUM_THREADS": threads,
        "OPENBLAS_NUM_THREADS": threads,
        **{name: os.environ[name] for name in HANDED_ON if name in os.environ},
    }


def show(specs: Sequence[Spec], names: Sequence[str], gone: Sequence[str]) -> None:
    """A row for each deployment: its name, when it runs, and for which spec."""
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for column in ("deployment", "runs", "spec"):
        table.add_column(column, overflow="fold")
    by_model = {spec.model: spec for spec in specs}
    for name in names:
        flow, model = name.split("/", 1)
        table.add_row(name, _runs(flow, by_model[model]), by_model[model].path.name)
    out.print(table)
    for name in gone:
        told = marked("[yellow]left over[/] {}: its spec is gone. `prefect deployment delete {}`", name, name)
        out.print(told, highlight=False)
    out.print(
        "\nStart one by hand in Prefect's UI: Deployments, its name, Run, Custom run. What you paused there stays "
        "paused.\nRuns need a worker: prefect worker start --pool POOL --type process (`ratoon up` has one).",
        highlight=False,
    )


def _runs(flow: str, spec: Spec) -> str:
    from ...spec.duration import format_duration

    if flow == "monitor":
        return f"every {format_duration(spec.monitors.every)}, from midnight UTC"
    return "every 5m" if flow == "review" else "by the monitor, or by hand" if flow == "retrain" else "by hand"


def _worded(error: Exception) -> RatoonError:
    """An error of Prefect's or of the network in words."""
    import httpx

    where = os.environ["PREFECT_API_URL"]
    if isinstance(error, httpx.HTTPStatusError):
        if error.response.status_code == 401:
            return Refused(
                f"The Prefect server at {where} asks for a password; nothing was deployed. Set PREFECT_API_AUTH_STRING "
                "to what it was started with; after `ratoon up` it stands in .ratoon/secrets/prefect."
            )
        said = error.response.text[:300]
        return Refused(
            f"The Prefect server at {where} refused: {said}. Some deployments may stand already; run it again."
        )
    if isinstance(error, httpx.HTTPError | OSError | RuntimeError):
        return Refused(
            f"No Prefect server answers at {where} ({type(error).__name__}: {error}). Nothing, or only a part, was "
            "deployed; running it again is safe. Start the servers with `ratoon up`, or set PREFECT_API_URL."
        )
    return Refused(f"Deploying to {where} failed: {type(error).__name__}: {error}. Running it again is safe.")
