"""Answers as bytes, and errors in the protocol's form: `{"error": text}`."""

from __future__ import annotations

from collections.abc import Mapping

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from .errors import RequestError

JSON = "application/json"
INVOCATIONS = "/invocations"
_CODES = {400: "BAD_REQUEST", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "RESOURCE_DOES_NOT_EXIST"}


def as_json(content: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """*content* as JSON."""
    return Response(orjson.dumps(content), status, headers, JSON)


def refused(request: Request, error: Exception) -> Response:
    """The answer to a request that is not answered as asked."""
    status, headers, text = 500, dict[str, str](), "the server failed; its log says why"
    if isinstance(error, RequestError):
        status, text = error.status, error.text
        if error.retry_after is not None:
            headers["Retry-After"] = str(error.retry_after)
        if status == 401:
            headers["WWW-Authenticate"] = "Bearer"
    elif isinstance(error, HTTPException):  # of the router: no such path, no such method
        status = error.status_code
        text = f"{request.method} {request.url.path[:200]}: {error.detail}"
        headers.update(error.headers or {})
    content: dict[str, object] = {"error": text}
    if request.url.path == INVOCATIONS:  # as MLflow's scoring server says it
        content |= {
            "error_code": _CODES.get(status, "INTERNAL_ERROR" if status >= 500 else "BAD_REQUEST"),
            "message": text,
        }
    return as_json(content, status, headers)
