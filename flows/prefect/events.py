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

from pydantic import BaseModel, Field

from .engine import emit_event

_told: ContextVar[bool] = ContextVar("ratoon_events_told", default=True)


_PAGE = "Address of the version's page in MLflow, where MLflow has pages"


class Happening(BaseModel):
    """Something that a team may want to hear of. *event* is its name in Prefect; the fields are its payload."""

    event: ClassVar[str]
    schema_version: Literal[1] = Field(1, description="Goes up where a field changes its meaning or goes away")
    model: str = Field(description="The registered model's name in MLflow")
    spec: str = Field(description="Full path of the spec")
    at: datetime = Field(description="The moment that it counts from, UTC without a zone")
    decision: str | None = Field(None, description="Id of the decision behind it, as `ratoon history --json` has it")


class Decided(Happening):
    """The policy, or a person, decided; also when the decision is to hold."""

    event = "ratoon.decision"
    action: str = Field(description="`hold`, `alert`, `warm_start`, `full_retrain` or `roll_back`")
    verdict: str = Field(description="What triage said: `healthy`, `broken_data`, `harmless_shift`, `harm` or `unsure`")
    rule: str | None = Field(
        None, description="The rule's condition; none where no rule decided, as in a start by hand"
    )
    reasons: tuple[str, ...] = Field((), description="Sentences that say why, for people")
    mode: str = Field("live", description="`live`, or `shadow`: then nothing trains")


class Registered(Happening):
    """A retrain registered a challenger that passed the gate."""

    event = "ratoon.registered"
    version: str = Field(description="The challenger's number in MLflow")
    parent: str | None = Field(None, description="The version that it learned on from")
    rung: str = Field("", description="How it learned, such as `warm` or `scratch`")
    cpu_seconds: float = Field(0.0, description="CPU time of all candidates that were tried")
    page: str | None = Field(None, description=_PAGE)


class Promoted(Happening):
    """The champion alias moved, by Ratoon or in MLflow's pages."""

    event = "ratoon.promoted"
    version: str = Field(description="The version that serves now")
    previous: str | None = Field(None, description="The version that served before")
    kind: str = Field(description="`first`, `promotion`, `roll_back`, `put_back` or `ungated` (no gate passed it)")
    actor: str = Field(description="Who did it, or `unnamed`")
    reason: str = Field("", description="Why, in that person's words")
    page: str | None = Field(None, description=_PAGE)


class Caught(Happening):
    """The champion alias is on a version that no gate passed, or gone."""

    event = "ratoon.caught"
    version: str | None = Field(None, description="Where the alias was found; none: it was gone")
    previous: str | None = Field(None, description="The last version that a gate or a person let serve")
    reason: str = Field(description="What was found and what was done about it, a sentence for people")
    done: Literal["flagged", "put_back"] = Field(description="Whether the alias was moved back, by the key `ungated`")
    page: str | None = Field(None, description=_PAGE)


HAPPENINGS: tuple[type[Happening], ...] = (Decided, Registered, Promoted, Caught)


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
