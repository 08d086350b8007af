"""What happened, as Prefect events with a documented schema: teams hang their own automations on them.

Events are hints for people and programs, never the truth: that is the ledger. Prefect sends them from a
background thread and may lose one at exit.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from ...loop.events import HAPPENINGS, Happening
from .engine import emit_event

_told: ContextVar[bool] = ContextVar("ratoon_events_told", default=True)


@contextmanager
def nobody_told() -> Iterator[None]:
    """Send no events within: a rehearsal of history is no news, and must set off no pager."""
    token = _told.set(False)
    try:
        yield
    finally:
        _told.reset(token)


def rehearsing() -> bool:
    """Whether this is within `nobody_told`."""
    return not _told.get()


def events_schema() -> dict[str, object]:
    """The JSON schema of every event's payload, by the event's name."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Ratoon's Prefect events: the payload by the event's name",
        "type": "object",
        "properties": {each.event: each.model_json_schema() for each in HAPPENINGS},
    }


def announce(happening: Happening) -> None:
    """Send the event; the model is its resource, so that `match` of an automation may name one model.

    Never raises: what happened is in the ledger, and a hint that was not sent is no reason to fail a run.
    """
    if not _told.get():
        return
    try:
        _send(happening)
    except Exception as error:  # whatever the client raises
        logging.getLogger("prefect.flow_runs").warning("The event %s was not sent: %s", happening.event, error)


def _send(happening: Happening) -> None:
    payload: dict[str, object] = happening.model_dump(mode="json")
    related = [{"prefect.resource.id": f"ratoon.spec.{happening.spec}", "prefect.resource.role": "spec"}]
    emit_event(
        event=happening.event,
        resource={
            "prefect.resource.id": f"ratoon.model.{happening.model}",
            "prefect.resource.name": happening.model,
        },
        related=related,
        payload=payload,
    )
