"""What `ratoon check` says of the log, if it is the model's data."""

from __future__ import annotations

from collections.abc import Iterator

from ...spec.duration import format_duration
from ...spec.model import Spec
from ..commands.finding import Finding
from ..commands.log_body import log_status

ORPHANS = 0.01  # share of labels that may wait in vain


def held_in_log(spec: Spec) -> Iterator[Finding]:
    """Rows, labels, corrections, sealed days; and labels that wait in vain, of which a few are usual."""
    if not spec.data.logged:
        return
    held = log_status(spec).summary
    if held is None:
        return
    text = f"{held.rows:,} rows, {held.labels:,} labels of {held.labelled_rows:,} of them, {held.corrections:,} of "
    text += (
        f"these corrections; {held.waiting:,} labels wait for their prediction; {held.sealed_days:,} days are sealed"
    )
    yield Finding("ok", "log", text)
    if held.orphans > ORPHANS * (held.labels + held.waiting):
        text = (
            f"{held.orphans:,} labels have waited {format_duration(spec.log.orphan_after)} and more for a prediction "
        )
        yield Finding("warn", "log", text + "of their row. Do those who send them use the ids that were served?")
