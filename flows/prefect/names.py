"""Names of runs, so that the list in Prefect's UI reads as a story."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from ...spec.errors import BadInput
from ...spec.load import load_spec
from .engine import PREFECT, flow_run, get_client, get_run_logger


def model_name(parameters: Mapping[str, object]) -> str:
    """The model behind a run's `spec` parameter; the parameter itself where the spec cannot be read."""
    path = str(parameters.get("spec", ""))
    try:
        return load_spec(path).model
    except BadInput:
        return path or "(no spec)"


def moment_name(parameters: Mapping[str, object]) -> str:
    """` at 2012-03-04 05:06`, or nothing where the run judges the present."""
    at = parameters.get("at")
    return f" at {at:%Y-%m-%d %H:%M}" if hasattr(at, "strftime") else f" at {at}" if at else ""


def end_name(outcome: str) -> None:
    """Let this run's name and log end with what came of it, so that the list of runs tells it at a glance."""
    if flow_run.id is None:
        return
    logger, name = get_run_logger(), str(flow_run.name)
    logger.info("%s: %s", name, outcome)
    if not PREFECT:
        return
    try:
        with get_client(sync_client=True) as client:
            client.update_flow_run(UUID(flow_run.id), name=f"{name}: {outcome}")
    except Exception as error:  # a name is no reason to fail a run whose work is done
        logger.warning("The run keeps its name: %s", error)
