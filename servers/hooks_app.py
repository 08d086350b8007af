"""The receiver of MLflow's registry webhooks: a hint that somebody reviewed, checked before it is believed.

MLflow drops a delivery after three tries and says nothing of deleted versions, so that the sweep every few minutes
stays the truth. Header names and signature as in MLflow 3.17, `mlflow/webhooks/delivery.py`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import re
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from .hooks_seen import Full, Seen
from .hooks_turns import Turns

TOLERANCE_SECONDS = 300
MOST_BYTES = 64 * 1024
TOLD_EVERY_SECONDS = 1.0  # between two lines of the log about requests that nobody signed
_log = logging.getLogger("ratoon.hooks")


def create_app(
    secret: str,
    specs: Callable[[], Mapping[str, Path]],
    start: Callable[[Path], None],
    *,
    seen: Path,
    settle: float = 1.0,
    clock: Callable[[], float] = time.time,
) -> FastAPI:
    """The application with `POST /mlflow` and `GET /health`.

    *specs* gives the spec of each model under care; *start* runs or starts a review of one spec, in a thread of the
    app's own; *seen* is the file that remembers deliveries; *settle* is how long events are gathered, in seconds.
    Every spec is reviewed once at the start, for what came while nobody listened. Raises ValueError for no secret.
    """
    if not secret:
        raise ValueError("the webhook secret is empty: anybody could send events")
    receiver = _Receiver(secret, specs, Turns(start, settle=settle), Seen(seen, seconds=2 * TOLERANCE_SECONDS), clock)

    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        receiver.begin()
        yield
        receiver.end()

    app = FastAPI(title="Ratoon's ear for MLflow", lifespan=life, docs_url=None, redoc_url=None, openapi_url=None)

    @app.get("/health")
    def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.post("/mlflow")
    async def receive(request: Request) -> JSONResponse:
        body = await _body(request)
        return receiver.unsigned(request, body) or receiver.accept(request, body or b"")

    return app


class _Receiver:
    """What is done about a delivery: who signed it, whether it is new, and which spec's review it asks for."""

    def __init__(
        self,
        secret: str,
        specs: Callable[[], Mapping[str, Path]],
        turns: Turns,
        memory: Seen,
        clock: Callable[[], float],
    ) -> None:
        self._secret, self._specs, self._turns, self._memory, self._clock = secret, specs, turns, memory, clock
        self._told: deque[float] = deque(maxlen=1)

    def begin(self) -> None:
        """Review every spec once."""
        for spec in self._specs().values():
            self._turns.ask(spec)

    def end(self) -> None:
        """No more reviews are begun."""
        self._turns.stop()
        self._memory.close()

    def unsigned(self, request: Request, body: bytes | None) -> JSONResponse | None:
        """The refusal of a delivery that is too large, or that is not signed, lately, with our secret; else None."""
        if body is None:
            return self._refused(413, f"the body is larger than {MOST_BYTES} bytes")
        delivery, sent, signature = _headers(request)
        if not (delivery and sent and signature) or len(delivery) > 200:
            return self._refused(401, "it is not signed: X-MLflow-Delivery-Id, -Timestamp and -Signature are needed")
        if not hmac.compare_digest(signature.encode(), signed(self._secret, delivery, sent, body).encode()):
            return self._refused(401, "the signature is not of our secret")
        if not re.fullmatch(r"[0-9]{1,12}", sent) or abs(self._clock() - int(sent)) > TOLERANCE_SECONDS:
            return _said(401, f"it was not sent within the last {TOLERANCE_SECONDS} seconds; is a clock wrong?")
        return None

    def accept(self, request: Request, body: bytes) -> JSONResponse:
        """The answer to a delivery that MLflow signed; a review is asked for if it may have changed something."""
        asked = _asked(body)
        if asked is None:
            return _said(400, "the body is no event of MLflow's registry")
        model, matters = asked
        try:  # before the delivery counts as accepted: after a failure MLflow sends the same again
            known = self._specs() if matters else {}
        except OSError as error:
            return _said(503, f"the specs cannot be read: {error}; try again later")
        try:
            if not self._memory.is_new(_headers(request)[0], self._clock()):
                return _said(409, "this delivery was accepted before")
        except Full:
            return _said(503, "too many deliveries; try again later")
        if not matters:
            return _said(202, "ignored: nothing that a review changes", quiet=True)
        spec = known.get(model)
        if spec is None:
            return _said(202, f"ignored: no spec here has the model {model[:200]!r}")
        self._turns.ask(spec)
        return _said(202, "a review follows", quiet=True)

    def _refused(self, status: int, what: str) -> JSONResponse:
        """An answer to anybody at all, so that it is written down once in a while only: the log must not fill."""
        often = bool(self._told) and time.monotonic() - self._told[-1] < TOLD_EVERY_SECONDS
        if not often:
            self._told.append(time.monotonic())
        return _said(status, what, quiet=often)


def _headers(request: Request) -> tuple[str, str, str]:
    """The delivery's id, when it was sent, and its signature; empty if there is none."""
    get = request.headers.get
    return get("X-MLflow-Delivery-Id", ""), get("X-MLflow-Timestamp", ""), get("X-MLflow-Signature", "")


def signed(secret: str, delivery: str, sent: str, body: bytes) -> str:
    """The signature that MLflow gives a delivery: `v1,` and HMAC-SHA256 over `delivery.timestamp.body`, in base64."""
    content = f"{delivery}.{sent}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(secret.encode(), content, hashlib.sha256).digest()).decode()


async def _body(request: Request) -> bytes | None:
    """The whole body; None for one that is too large, of which no more than that is read."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MOST_BYTES:
            return None
    return body


def _asked(body: bytes) -> tuple[str, bool] | None:
    """The model that an event is about, and whether a review may have changed something; None for no event."""
    try:
        event = json.loads(body)
    except (ValueError, RecursionError):
        return None
    data: object = event.get("data") if isinstance(event, dict) else None
    if not isinstance(data, dict) or not isinstance(data.get("name"), str):
        return None
    if event.get("entity") == "model_version_alias":
        return data["name"], data.get("alias") == "champion"
    return data["name"], event.get("entity") == "model_version_tag" and data.get("key") in ("review", "review_reason")


def _said(status: int, what: str, *, quiet: bool = False) -> JSONResponse:
    _log.log(logging.DEBUG if quiet else logging.INFO, "Webhook answered %d: %s", status, what)
    return JSONResponse({"detail": what}, status_code=status)
