"""The routes of `mlflow models serve`: a user of it changes an address and nothing else."""

from __future__ import annotations

from importlib.metadata import version as installed

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from ..protocol.answers import INVOCATIONS, as_json
from ..protocol.bodies import read_body
from ..protocol.columns import of_invocation
from ..protocol.errors import RequestError
from ..replica import Replica
from ..versions.prepared import PREDICT


def mlflow_routes(replica: Replica) -> APIRouter:
    """`/invocations`, `/ping`, `/health` and `/version`."""
    router = APIRouter(tags=["MLflow"])
    most = replica.serving.limits.body

    @router.get("/ping", summary="200 if a version answers, else 503")
    @router.get("/health", summary="The same")
    async def ping() -> Response:
        why = replica.not_ready()
        return PlainTextResponse("\n" if why is None else f"{why}\n", 200 if why is None else 503)

    @router.get("/version", summary="The version of MLflow that is installed")
    async def version() -> Response:
        return PlainTextResponse(installed("mlflow"))

    @router.post(INVOCATIONS, summary="Predict, in any of MLflow's forms of input", openapi_extra=_EXAMPLE)
    async def invocations(request: Request) -> Response:
        key = replica.keys.allow(request.scope["headers"], "predict")
        kind = request.headers.get("content-type")
        if kind is None:
            raise RequestError(415, "a content type is needed: application/json or text/csv")
        body = await read_body(request, most)
        champion = replica.version(None, key)
        columns = of_invocation(body, kind, champion.contract.names)
        answered = await replica.answer(champion, columns, None)
        request.scope["ratoon"] = (champion.number, answered.id, len(answered.row_ids), key.name)
        content = {"predictions": answered.outputs[PREDICT].tolist()}
        return as_json(content, headers=answered.headers())

    return router


_EXAMPLE = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": {"type": "object"}, "example": {"dataframe_records": [{"x": 1.5}]}},
            "text/csv": {"schema": {"type": "string"}, "example": "x\n1.5\n"},
        },
    }
}
