"""What a turn of the loop tells, in Prefect: log lines of the run, events, artifacts and the bar of long work."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from ...loop.context import Stores
from ...loop.events import Caught, Happening, Promoted
from ...models.ladder.run import LadderResult
from ...spec.masked import masked
from ...spec.values import Decision
from .artifacts_version import publish_caught, publish_ladder, publish_promotion
from .engine import get_run_logger
from .events import announce
from .long_work import LongWork


class PrefectListener:
    """The `Listener` of every flow; outside of a run its lines go to Python's logging."""

    def __init__(self) -> None:
        self._work: LongWork | None = None
        self._begin: Callable[[str], LongWork] | None = None

    def info(self, text: str) -> None:
        """A line of the run's log."""
        _logger().info("%s", text)

    def warning(self, text: str) -> None:
        """A warning in the run's log."""
        _logger().warning("%s", text)

    def event(self, event: Happening) -> None:
        """Send the event, and leave the artifact of one that has a page of its own in Prefect."""
        announce(event)
        try:
            if isinstance(event, Promoted):
                publish_promotion(event)
            elif isinstance(event, Caught):
                publish_caught(event)
        except Exception as error:  # Prefect's API: what happened is written down, and goes on without its page
            self.warning(f"Prefect shows no page of it: {masked(f'{type(error).__name__}: {error}')}")

    def progress(self, percent: float, doing: str) -> None:
        """Move the bar of the work that is under way, if there is one; the first word of it makes it."""
        if self._work is not None:
            self._work.reached(percent, doing)
        elif self._begin is not None:
            self._work = self._begin(doing)

    def trained(self, context: Stores, decision: Decision, result: LadderResult, version: str | None) -> None:
        """The strategies that ran, and the gate's table."""
        publish_ladder(context, decision, result, version)

    @contextmanager
    def working(self, what: str, model: str) -> Iterator[None]:
        """Show the progress that is told within as a bar."""
        with ExitStack() as stack:
            self._begin = lambda doing: stack.enter_context(LongWork(what, model, doing))
            try:
                yield
            finally:
                self._work = self._begin = None


def _logger() -> logging.Logger | logging.LoggerAdapter[logging.Logger]:
    try:
        return get_run_logger()
    except RuntimeError:  # Prefect's MissingContextError: nobody runs a flow here
        return logging.getLogger("ratoon.flows")
