"""Names of runs, so that the list in Prefect's UI reads as a story."""

from __future__ import annotations

from typing import Any

from ..spec.errors import BadInput
from ..spec.load import load_spec


def model_name(parameters: dict[str, Any]) -> str:
    """The model behind a run's `spec` parameter; the parameter itself where the spec cannot be read."""
    path = str(parameters.get("spec", ""))
    try:
        return load_spec(path).model
    except BadInput:
        return path or "(no spec)"


def moment_name(parameters: dict[str, Any]) -> str:
    """` at 2012-03-04 05:06`, or nothing where the run judges the present."""
    at = parameters.get("at")
    return f" at {at:%Y-%m-%d %H:%M}" if hasattr(at, "strftime") else f" at {at}" if at else ""
