"""What happened, as Prefect events with a documented schema: teams hang their own automations on them.

Events are hints for people and programs, never the truth: that is the ledger. Prefect sends them from a
background thread and may lose one at exit.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any, ClassVar, Literal

from prefect.events import emit_event
from pydantic import BaseModel

_told: ContextVar[bool] = ContextVar("ratoon_events_told", default=True)


class Happening(BaseModel):
    """Something that a team may want to hear of. *event* is its name in Prefect; the fields are its payload."""

    event: ClassVar[str]
    schema_version: Literal[1] = 1
    model: str  # the registered model's name
    spec: str  # full path of the spec
    at: datetime  # the moment it counts from, naive UTC
    decision: str | None = None  # id of the decision behind it


class Decided(Happening):
    """The policy, or a person, decided; also when the decision is to hold."""

    event = "ratoon.decision"
    action: str
    verdict: str
    rule: str | None = None
    reasons: tuple[str, ...] = ()
    mode: str = "live"


class Registered(Happening):
    """A retrain registered a challenger that passed the gate."""

    event = "ratoon.registered"
    version: str
    parent: str | None = None
    rung: str = ""
    cpu_seconds: float = 0.0
    page: str | None = None


class Promoted(Happening):
    """The champion alias moved: a promotion, a rollback, or the first version."""

    event = "ratoon.promoted"
    version: str
    previous: str | None = None
    kind: str
    actor: str
    reason: str = ""
    page: str | None = None


class Caught(Happening):
    """The champion alias is on a version that no gate passed, or gone (*version* None).

    *done* says what Ratoon did about it; *previous* served before.
    """

    event = "ratoon.caught"
    version: str | None = None
    previous: str | None = None
    reason: str
    done: Literal["flagged", "put_back"]
    page: str | None = None


HAPPENINGS: tuple[type[Happening], ...] = (Decided, Registered, Promoted, Caught)


@contextmanager
def nobody_told() -> Iterator[None]:
    """Send no events within: a rehearsal of history is no news, and must set off no pager."""
    token = _told.set(False)
    try:
        yield
    finally:
        _told.reset(token)


def events_schema() -> dict[str, Any]:
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
    payload: dict[str, Any] = happening.model_dump(mode="json")
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
