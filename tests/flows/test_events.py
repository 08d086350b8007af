"""What teams hang their automations on: events as a real Prefect server received them."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import httpx
from processes import Processes
from project import CALM, Project

from ratoon.flows.prefect.events import events_schema
from ratoon.loop.events import HAPPENINGS, Decided, Promoted, Registered


def received(server: str, spec: str, event: str, seconds: float = 60) -> list[dict[str, Any]]:
    """The payloads of *event* about the spec at this path, as soon as there is one."""
    asked = {"filter": {"event": {"name": [event]}, "occurred": {"since": "2020-01-01T00:00:00Z"}}, "limit": 50}
    until = time.monotonic() + seconds
    found: list[dict[str, Any]] = []
    while not found and time.monotonic() < until:
        answer = httpx.post(f"{server}/events/filter", json=asked).raise_for_status().json()
        found = [each["payload"] for each in answer["events"] if each["payload"]["spec"] == spec]
        time.sleep(0 if found else 0.5)
    return found


def test_a_decision_is_an_event_also_when_it_holds(processes: Processes, prefect_server: str, trained: Project) -> None:
    ended = processes.run("monitor", spec=trained.path, at=CALM)
    assert ended.error is None, ended.trace

    (payload,) = received(prefect_server, trained.path, "ratoon.decision")

    told = Decided.model_validate(payload)
    assert (told.model, told.action, told.verdict) == ("flights", "hold", "healthy")
    assert told.decision == ended.result["id"]
    assert told.at == CALM
    assert told.reasons


def test_a_retrain_tells_of_its_version_and_of_the_promotion(
    processes: Processes, prefect_server: str, decided: Project
) -> None:
    with decided.context() as context:
        (decision,) = context.ledger.decisions.of("flights")
    ended = processes.run("retrain", spec=decided.path, decision=decision.id)
    assert ended.error is None, ended.trace

    registered = Registered.model_validate(received(prefect_server, decided.path, "ratoon.registered")[0])
    promoted = Promoted.model_validate(received(prefect_server, decided.path, "ratoon.promoted")[0])

    assert (registered.version, registered.parent, registered.strategy) == ("2", "1", "warm")
    assert registered.decision == promoted.decision == decision.id
    assert (promoted.version, promoted.previous, promoted.kind) == ("2", "1", "promotion")


def test_the_same_decision_is_told_once(processes: Processes, prefect_server: str, trained: Project) -> None:
    """A repeated look finds the decision in the ledger and rings nobody again."""
    for _ in range(2):
        processes.run("monitor", spec=trained.path, at=CALM)
    later = processes.run("monitor", spec=trained.path, at=CALM + timedelta(hours=1))
    assert later.error is None, later.trace
    told = received(prefect_server, trained.path, "ratoon.decision")
    until = time.monotonic() + 30
    while later.result["id"] not in [each["decision"] for each in told] and time.monotonic() < until:
        told = received(prefect_server, trained.path, "ratoon.decision")
    assert len(told) == len({each["decision"] for each in told}) == 2


def test_the_schema_names_every_event_with_every_field() -> None:
    schema = events_schema()["properties"]
    assert set(schema) == {each.event for each in HAPPENINGS}
    assert set(schema["ratoon.decision"]["properties"]) == set(Decided.model_fields)
