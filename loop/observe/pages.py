"""Evidently's pages of a look: drawn if somebody will open them, at once or later, and not for the look's own sake."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from ...monitors.evidently.workspace import keep
from ...monitors.observe import Observation
from ...spec.errors import Refused
from ...spec.keys.watching import PagesSpec
from ...spec.values import Decision
from ..champion import Champion, champion_as_of
from ..context import ModelContext
from .watch import watch
from .windows import ObservedWindows, read_windows

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def wants_pages(pages: PagesSpec, decision: Decision, before: datetime | None) -> bool:
    """Whether *decision* is one whose pages are drawn; *before* is when the model was looked at last, None: never."""
    if (decision.fires or decision.action == "roll_back") and "fire" in pages.on:
        return True
    if decision.action == "alert" and "alert" in pages.on:
        return True
    return pages.every is not None and (
        before is None or _period(before, pages.every) != _period(decision.at, pages.every)
    )


def draw(context: ModelContext, champion: Champion, windows: ObservedWindows, decision: Decision) -> Observation:
    """Draw the pages of a look that was decided on, and keep them in the workspace.

    The signals returned are those of the look, each with the page that shows it. Drawing again replaces the pages.
    Raises OSError where the workspace cannot be written.
    """
    seen = watch(context, champion, windows, pages=True)
    keep(
        context.stores.workspace,
        context.spec.model,
        seen.runs,
        window=windows.current.span,
        decision=decision.id,
        action=decision.action,
        triage=decision.triage.verdict,
    )
    return seen


def draw_later(context: ModelContext, decision: str) -> Observation:
    """Draw the pages of a past decision's look anew, from the data as it was known then.

    Raises Refused for a decision that the ledger lacks, or that looked at no window.
    """
    held = context.ledger.decisions.find(decision)
    if held is None or held.window is None:
        raise Refused(
            f"{decision} is no decision over a window in the ledger of {context.spec.model}; nothing was drawn."
        )
    champion = champion_as_of(context, held.at)
    return draw(context, champion, read_windows(context.source.as_of(held.at), context.spec, champion), held)


def _period(moment: datetime, every: timedelta) -> int:
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (aware - _EPOCH) // every
