"""The application of one replica."""

from __future__ import annotations

import logging

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from .. import __version__
from .gauges import add_gauges
from .observed import Observed
from .protocol.answers import refused
from .protocol.errors import RequestError
from .replica import Replica
from .routes.invocations import mlflow_routes
from .routes.labels import label_routes
from .routes.operation import operation_routes
from .routes.v2 import v2_routes

_log = logging.getLogger("ratoon.serving")


def create_app(replica: Replica) -> Observed:
    """The application for uvicorn: V2, `/invocations`, labels, metrics and the page of its interface."""
    app = FastAPI(
        title=f"Ratoon serves {replica.spec.model}",
        version=__version__,
        docs_url=None,  # FastAPI's pages load their scripts from another machine
        redoc_url=None,
        openapi_url="/openapi.json",
    )
    add_gauges(replica)
    for router in (v2_routes, label_routes, mlflow_routes, operation_routes):
        app.include_router(router(replica))

    async def known(request: Request, error: Exception) -> Response:
        return refused(request, error)

    async def unknown(request: Request, error: Exception) -> Response:
        _log.error("%s %s failed", request.method, request.url.path, exc_info=error)
        return refused(request, error)

    app.add_exception_handler(RequestError, known)
    app.add_exception_handler(HTTPException, known)
    app.add_exception_handler(Exception, unknown)
    return Observed(app, replica)
