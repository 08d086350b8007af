"""The environment that the embedded servers need; set before Prefect and MLflow are imported."""

from __future__ import annotations

import os
import time
import warnings
from pathlib import Path

from ..spec.model import Spec
from ..spec.stores import stores_of

DRAIN_SECONDS = 3


def settle_environment(spec: Spec) -> None:
    """Keep Prefect's embedded database beside the other stores, and every telemetry off.

    What the user set wins: a PREFECT_API_URL names a server, a PREFECT_HOME another folder.
    """
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
