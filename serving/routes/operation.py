"""Routes for whoever runs a replica: metrics, the registry's hint, and a page of the interface that can be tried."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from ..protocol.answers import as_json
from ..replica import Replica

_PAGE = Path(__file__).parents[1] / "page.html"


def operation_routes(replica: Replica) -> APIRouter:
    """`/metrics`, `/hint` and `/`."""
    router = APIRouter(tags=["Operation"])

    @router.get("/metrics", summary="Metrics of this replica, as Prometheus reads them (scope admin)")
    async def metrics(request: Request) -> Response:
        replica.keys.allow(request.scope["headers"], "admin")
        return Response(replica.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    @router.post("/hint", summary="The alias may have moved: look at the registry now (scope admin)")
    async def hint(request: Request) -> Response:
        replica.keys.allow(request.scope["headers"], "admin")
        replica.follower.hint()
        return as_json({"looking": True}, 202)

    @router.get("/", include_in_schema=False)
    @router.get("/docs", include_in_schema=False)
    async def page() -> Response:
        return HTMLResponse(_PAGE.read_text(encoding="utf-8"))

    return router
