"""Rows that no update will ever learn, since they came behind the watermark."""

from __future__ import annotations

from ...data.view import View
from ...models.ladder.attempt import SCRATCH
from ...models.ladder.run import LadderResult
from ...models.learning.state import TrainingState
from ...spec.model import Spec
from ..excluded import Impossible, KeptOut, without


def missed(spec: Spec, view: View, state: TrainingState, out: KeptOut) -> int:
    """How many labelled rows up to the watermark were not there yet when they should have been learned.

    Where whole windows stay *out* nobody can tell; rows that do, each by itself, are counted out.
    """
    if state.holdout not in (None, spec.data.holdout):  # others are held out now, which says nothing of labels
        return 0
    apart = [each for each in out if isinstance(each, Impossible)]
    if len(apart) < len(out):
        return 0
    behind = view.unlearned_count(state.since) - view.unlearned_count(state.watermark)
    if apart and behind > state.learned_rows:
        since = min(each.span.start for each in apart)  # no label comes before its row
        late = view.learned(state.watermark, since=since if state.since is None else max(since, state.since))
        behind -= len(late) - len(without(late, tuple(apart)))
    return max(0, behind - state.learned_rows)


def told_of_missed(result: LadderResult) -> tuple[str, ...]:
    """The sentences about rows and labels that no update will learn, where there are any."""
    told: list[str] = []
    if result.kept_out:
        told.append(
            f"{result.kept_out:,} newly labelled rows are impossible, each by itself, and stay out; the signals of the "
            "looks say which. `ratoon accept-window` gives them back"
        )
    if result.candidate is not None and result.candidate.state.strategy in SCRATCH:
        return tuple(told)
    if result.missed:
        told.append(
            f"{result.missed:,} labelled rows up to the watermark were never learned: their labels landed later than "
            "data.label_time or data.label_delay says. Only a fit from scratch learns them"
        )
    if result.revised:
        told.append(
            f"About {result.revised.estimate:,} of {result.revised.learned:,} labels have changed since they were "
            f"learned ({result.revised.changed:,} of {result.revised.looked_at:,} looked at). Only a fit from scratch "
            "(`do: full_retrain`) learns them as they are now"
        )
    return tuple(told)
