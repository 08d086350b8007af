"""The environment that the embedded servers need; set before Prefect and MLflow are imported."""

from __future__ import annotations

import os
import sys
import time
import warnings
from pathlib import Path

from ..servers.addresses import find_addresses, homes, somebody_is_up
from ..spec.errors import Refused
from ..spec.model import Spec
from ..spec.stores import stores_of

DRAIN_SECONDS = 3


def settle_environment(spec: Spec) -> None:
    """Keep Prefect's embedded database beside the other stores, and every telemetry off.

    What the user set wins: a PREFECT_API_URL names a server, a PREFECT_HOME another folder. Where `ratoon up` runs
    for this spec's project, its servers are used.
    """
    use_running_servers(spec)
    quiet = {
        "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "180",
        "PREFECT_LOGGING_LEVEL": "WARNING",
        "MLFLOW_LOGGING_LEVEL": "WARNING",
        "OMP_NUM_THREADS": str(spec.learner.threads),
        "OPENBLAS_NUM_THREADS": str(spec.learner.threads),
    }
    for name, value in quiet.items():
        os.environ.setdefault(name, value)
    # Evidently's regression page asks for R² of every slice, also of those with one row.
    warnings.filterwarnings("ignore", message="R.2 score is not well-defined")
    if embedded() and "PREFECT_HOME" not in os.environ:
        prefect_home(spec).mkdir(parents=True, exist_ok=True)  # Prefect makes the last folder only
        os.environ["PREFECT_HOME"] = str(prefect_home(spec))


def use_running_servers(spec: Spec) -> None:
    """Let this command use the servers that `ratoon up` started, or the databases that it left.

    What the user exported wins, name by name. Raises Refused while the servers are still starting: two programs
    would make the same databases.
    """
    if "PREFECT_API_URL" in os.environ and "MLFLOW_TRACKING_URI" in os.environ:
        return  # the user, or the worker, said where
    places = homes(spec.folder, stores_of(spec).home)
    known = find_addresses(places)
    if known is not None and known.alive():
        wanted = known.environment()
    elif up := next((home for home in places if somebody_is_up(home)), None):
        raise Refused(
            f"`ratoon up` is still starting the servers of {up}; nothing was changed. "
            "Try again when it has printed their addresses."
        )
    elif known is not None:
        wanted = known.without_servers()
        print(  # noqa: T201 - on the error stream, so that --json stays JSON
            f"The servers of {known.home} do not run: going on with their databases, without them. "
            "`ratoon up` starts them.",
            file=sys.stderr,
        )
    else:
        return
    for name, value in wanted.items():
        os.environ.setdefault(name, value)


def embedded() -> bool:
    """Whether Prefect runs inside this command: no server was named."""
    return "PREFECT_API_URL" not in os.environ


def drain() -> None:
    """Give the embedded server the moment it needs: it stores task runs late, and loses them at exit."""
    if embedded():
        time.sleep(DRAIN_SECONDS)


def prefect_home(spec: Spec) -> Path:
    """The folder of Prefect's embedded database for this spec."""
    return stores_of(spec).home / "prefect"
