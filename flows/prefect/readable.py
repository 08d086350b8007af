"""What Ratoon refuses on purpose reads as one line in a run's log, without a traceback."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING
from uuid import UUID

from ...spec.errors import RatoonError
from .engine import State, get_client

if TYPE_CHECKING:
    from prefect import Flow
    from prefect.client.schemas import FlowRun

LOGGERS = ("prefect.flow_runs", "prefect.task_runs")
LONGEST = 160  # characters of a run's name


def one_line(record: logging.LogRecord) -> bool:
    """A filter: where a record carries an error of ours, keep its words and drop the traceback."""
    error = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
    if isinstance(error, RatoonError):
        record.exc_info, record.exc_text = None, None
        record.msg, record.args = f"{type(error).__name__}: {error}", ()
    return True


def unsaid(record: logging.LogRecord) -> bool:
    """A filter for commands, which print the error themselves: drop what Prefect says of a failed run."""
    error = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
    failed = record.getMessage().startswith("Finished in state Failed")
    return not (isinstance(error, RatoonError) or failed)


def readable() -> None:
    """Let the runs of this process log errors of ours in one line."""
    for name in LOGGERS:
        logging.getLogger(name).addFilter(one_line)


def hushed() -> None:
    """Let the runs of this process say nothing of errors of ours: the command does."""
    for name in LOGGERS:
        # Before `one_line`, which takes the error off the record.
        logging.getLogger(name).filters.insert(0, unsaid)


def name_the_end(flow: Flow[..., object], flow_run: FlowRun, state: State[object]) -> None:
    """A hook of every flow: a run that ended in error has the first words of it in its name."""
    said = (state.message or "").removeprefix("Flow run encountered an exception: ").split("\n", 1)[0]
    kind, _, words = said.partition(": ")
    ours = {each.__name__ for each in _tree(RatoonError)}
    text = (words if kind in ours else said).split("; ")[0].split(". ")[0]
    name = f"{flow_run.name}: {(state.name or 'failed').lower()}: {text}".removesuffix(": ")
    with get_client(sync_client=True) as client:
        client.update_flow_run(UUID(str(flow_run.id)), name=name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…")


def _tree(root: type[Exception]) -> list[type[Exception]]:
    return [root, *(each for below in root.__subclasses__() for each in _tree(below))]


readable()
