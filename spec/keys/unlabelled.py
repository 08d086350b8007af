"""The keys that have no meaning for a task without labels (clustering): refused by name, not passed over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..duration import format_duration

if TYPE_CHECKING:
    from ..model import Spec

_NO_LABEL = "a clustering has no label: a row can be judged as soon as it has arrived"
_NO_TRUTH = "a clustering knows no right and wrong: its distances are judged by `recent`, `anchor` and `slices`"


def refuse_labelled(spec: Spec) -> None:
    """ValueError naming the first key of *spec*, whose task is clustering, that needs a label or a class."""
    data, learner, gate = spec.data, spec.learner, spec.gate
    watched = spec.monitors.performance
    for key, found, why in (
        ("data.target", data.target, f"{_NO_LABEL}. To keep the column out of the features name it in data.drop"),
        ("data.labels", data.labels and "a table of labels", _NO_LABEL),
        ("data.label_time", data.label_time, f"{_NO_LABEL}. Rows that arrive late have data.label_delay"),
        ("data.mature_after", data.mature_after and format_duration(data.mature_after), _NO_LABEL),
        (
            "data.prediction",
            data.prediction,
            "the number of a cluster has no distance that could be judged: the champion as of that moment is asked. "
            "To keep the column out of the features name it in data.drop",
        ),
        (
            "learner.replay",
            "replay" in learner.model_fields_set and learner.replay.rows > 0 and learner.replay.rows,
            "a centre's count stands for the rows that it has learned, replay would count them twice",
        ),
        ("learner.patience", learner.patience, "there is no target to judge a pass by"),
        ("gate.flips.margin", gate.flips.margin is not None and f"{gate.flips.margin:g}", _NO_TRUTH),
        ("gate.calibration.margin", gate.calibration.margin is not None and f"{gate.calibration.margin:g}", _NO_TRUTH),
        (
            "monitors.performance.estimate",
            watched is not None and watched.estimate == "count" and "count",
            "distances need no label, so that there is nothing to estimate",
        ),
    ):
        if found:
            raise ValueError(f"{key}: found {found!r}, which has no meaning for task 'clustering': {why}. Leave it out")
