"""The metric's key: one of Ratoon's by its name, or a team's own by file or entry point."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from importlib.metadata import entry_points
from typing import Annotated, Literal, get_args

from pydantic import BeforeValidator

from ..family import is_file
from .own import OwnSpec

MetricName = Literal[
    "roc_auc", "accuracy", "balanced_accuracy", "f1", "log_loss", "brier", "mae", "rmse", "distance", "distortion"
]
BUILT_IN_METRICS: frozenset[str] = frozenset(get_args(MetricName))
METRICS_OF: dict[str, tuple[str, ...]] = {
    "binary": ("roc_auc", "accuracy", "balanced_accuracy", "f1", "log_loss", "brier"),
    "multiclass": ("accuracy", "balanced_accuracy", "f1", "log_loss"),
    "regression": ("mae", "rmse"),
    "clustering": ("distance", "distortion"),
}
DEFAULT_METRIC: dict[str, MetricName] = {
    "binary": "roc_auc",
    "multiclass": "accuracy",
    "regression": "mae",
    "clustering": "distance",
}
# Metrics whose tolerances and margins are a share of the reference.
RELATIVE: frozenset[str] = frozenset({"mae", "rmse", "log_loss", "distance", "distortion"})
GROUP = "ratoon.metrics"  # of entry points: packages that bring a metric


class OwnMetricSpec(OwnSpec):
    """A metric of the team's own, of the entry points' group `ratoon.metrics`."""


def _named(value: object) -> object:
    """A name that is none of Ratoon's is a team's own; one that means nothing is refused here, where a typo shows."""
    name = value.get("use") if isinstance(value, Mapping) and set(value) == {"use"} else value
    if not isinstance(name, str):
        return value
    if name in BUILT_IN_METRICS:
        return name
    offered = entry_points(group=GROUP).names
    if is_file(name) or name in offered:
        return {"use": name}
    known = [*get_args(MetricName), *sorted(offered)]
    near = get_close_matches(name, known, 1)
    raise ValueError(
        (f"did you mean {near[0]!r}? " if near else "")
        + f"Expected one of {', '.join(known)}, or file.py:Class of a metric of your own"
    )


MetricKey = Annotated[
    MetricName | OwnMetricSpec, BeforeValidator(_named, json_schema_input_type=MetricName | str | OwnMetricSpec)
]
