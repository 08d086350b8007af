"""The environment that a command's engines need; set before Prefect and MLflow are imported."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

from ..flows.prefect.embedding import run_without_prefect
from ..servers.addresses import PREFECT_AUTH, Addresses, find_addresses, homes, somebody_is_up
from ..spec.errors import Refused
from ..spec.model import Spec
from ..spec.stores import stores_of

# Each names a server, a profile that may name one, or the wish for Prefect's own within the command.
PREFECTS = ("PREFECT_API_URL", "PREFECT_PROFILE", "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE")


def settle_environment(spec: Spec) -> None:
    """Switch every telemetry off, and run without Prefect where no server was named.

    What the user set wins: a PREFECT_API_URL names a server, and the flows are its runs. Where `ratoon up` runs for
    this spec's project, its servers are used. Without one, the same functions run in this process and the ledger
    keeps what they did, as it does either way.
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
    if embedded():
        run_without_prefect()
        if spec.learner.family == "auto":  # most likely scikit-learn's, read by skops
            import skops.io  # noqa: F401 - early: its import searches every module that is loaded by then


def use_running_servers(spec: Spec) -> None:
    """Let this command use the servers that `ratoon up` started, or the databases that it left.

    What the user exported wins, name by name; what Prefect's server asks for goes with its address only. Raises
    Refused while the servers are still starting: two programs would make the same databases.
    """
    named = os.environ.get("PREFECT_API_URL")
    if named and "MLFLOW_TRACKING_URI" in os.environ and PREFECT_AUTH in os.environ:
        return  # the worker, or the user, said where
    places = homes(spec.folder, stores_of(spec).home)
    known = find_addresses(places, spec.folder)
    if not (named and "MLFLOW_TRACKING_URI" in os.environ):
        _use(known, places)
    _log_in(known, named)


def log_in(spec: Spec) -> None:
    """Let this command know the password of the Prefect server in use, where `ratoon up` started it."""
    if PREFECT_AUTH not in os.environ:
        _log_in(
            find_addresses(homes(spec.folder, stores_of(spec).home), spec.folder), os.environ.get("PREFECT_API_URL")
        )


def _log_in(known: Addresses | None, named: str | None) -> None:
    if known is None or (named and PREFECT_AUTH in os.environ):
        return
    if os.environ.get("PREFECT_API_URL") == known.environment()["PREFECT_API_URL"]:
        os.environ.update(known.credentials())


def _use(known: Addresses | None, places: Sequence[Path]) -> None:
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
    """Whether this command does its work by itself, without Prefect: no server of it was named in any way."""
    home = os.environ.get("PREFECT_HOME")
    return not any(name in os.environ for name in PREFECTS) and not (home and (Path(home) / "profiles.toml").exists())
