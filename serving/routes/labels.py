"""Labels, as they come: by one, or many in one request. 200 means that they are in the log, and will stay there."""

from __future__ import annotations

import hashlib
import math
from collections import Counter

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from ...log import LabelEvent
from ..protocol.answers import as_json
from ..protocol.bodies import read_body
from ..protocol.errors import RequestError, bad
from ..protocol.inference import parse_json
from ..replica import ID_LENGTH, Replica
from .v2 import check_model

_KEYS = {"id", "value", "event_id"}


def label_routes(replica: Replica) -> APIRouter:
    """`POST /v2/models/M/labels`."""
    router = APIRouter(prefix="/v2", tags=["Labels"])
    limits = replica.serving.limits

    @router.post("/models/{model}/labels", summary="Labels of rows that were predicted", openapi_extra=_EXAMPLE)
    async def labels(request: Request, model: str) -> Response:
        key = replica.keys.allow(request.scope["headers"], "learn")
        check_model(replica, model)
        if replica.recorder is None:
            raise RequestError(503, "this replica keeps no log, so that labels have no place")
        events = read_labels(await read_body(request, limits.body))
        if len(events) > limits.rows:
            raise RequestError(413, f"{len(events)} labels; serving.limits.rows is {limits.rows}")
        outcomes = await replica.recorder.labels(events, replica.seconds) if events else []
        counted: dict[str, int] = Counter(outcomes)
        for outcome, count in counted.items():
            replica.metrics.count(replica.metrics.labels, outcome, count)
        request.scope["ratoon"] = ("", "", len(events), key.name)
        said = [{"event_id": event.event_id, "outcome": each} for event, each in zip(events, outcomes, strict=True)]
        return as_json({"labels": said, "outcomes": counted})

    return router


def read_labels(body: bytes) -> list[LabelEvent]:
    """The events of a body: `{"id": …, "value": …}`, a list of such, or `{"labels": […]}`.

    Without an `event_id` an event is named by its row and value, so that sending it again is no other event. Raises
    RequestError (400) that names the label and what is wrong with it.
    """
    found = parse_json(body)
    if isinstance(found, dict) and isinstance(found.get("labels"), list):
        found = found["labels"]
    entries = found if isinstance(found, list) else [found]
    return [_event(at, entry) for at, entry in enumerate(entries)]


def _event(at: int, entry: object) -> LabelEvent:
    if not isinstance(entry, dict) or not {"id", "value"} <= entry.keys() <= _KEYS:
        raise bad(f'label {at} is {entry!r:.80}; expected {{"id": row, "value": label}}, with `event_id` if you like')
    row, value, event = _name(at, "id", entry["id"]), entry["value"], entry.get("event_id")
    if isinstance(value, dict | list) or value is None or (isinstance(value, float) and not math.isfinite(value)):
        raise bad(f"label {at}: `value` is {value!r:.60}; expected a number, text, true or false")
    if event is None:
        event = hashlib.sha256(orjson.dumps([row, value])).hexdigest()[:32]
    return LabelEvent(row, value, _name(at, "event_id", event))


def _name(at: int, key: str, value: object) -> str:
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str) or not 0 < len(text) <= ID_LENGTH or "\0" in text:
        raise bad(f"label {at}: `{key}` is {value!r:.60}; expected text of 1 to {ID_LENGTH} characters")
    return text


_EXAMPLE = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {"type": "object"},
                "example": {"labels": [{"id": "row-1", "value": 1}, {"id": "row-2", "value": 0}]},
            }
        },
    }
}
