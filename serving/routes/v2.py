"""The routes of the Open Inference Protocol V2. Bodies are taken raw: clients send no content type, or binary data."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from ... import __version__
from ..protocol.answers import as_json
from ..protocol.bodies import read_body
from ..protocol.columns import of_tensors
from ..protocol.errors import RequestError
from ..protocol.inference import HEADER_LENGTH, InferResponse, read_request
from ..replica import Replica
from ..versions.prepared import PREDICT, Prepared

EXTENSIONS = ("binary_tensor_data", "model_repository")
_SERVER = {"name": "ratoon", "version": __version__, "extensions": list(EXTENSIONS)}


def v2_routes(replica: Replica) -> APIRouter:
    """Health, metadata, ready, infer and the repository's index, for the one model of *replica*."""
    router = APIRouter(tags=["Open Inference Protocol V2"])
    router.include_router(_health(replica))
    router.include_router(_models(replica))
    router.include_router(_inference(replica))
    return router


def _health(replica: Replica) -> APIRouter:
    router = APIRouter(prefix="/v2")

    @router.get("/health/live", summary="Whether the process lives; asks no store")
    async def live() -> Response:
        return as_json({"live": True})

    @router.get("/health/ready", summary="Whether a version is loaded and warm, and no shutdown has begun")
    async def ready() -> Response:
        why = replica.not_ready()
        return as_json({"ready": True}) if why is None else as_json({"ready": False, "error": why}, 503)

    return router


def _models(replica: Replica) -> APIRouter:
    router = APIRouter(prefix="/v2")

    @router.get("", summary="The server's name, version and extensions")
    async def server(request: Request) -> Response:
        replica.keys.allow(request.scope["headers"], "predict")
        return as_json(_SERVER)

    @router.get("/models/{model}", summary="The model's columns and answers")
    @router.get("/models/{model}/versions/{version}", summary="The same of one version")
    async def metadata(request: Request, model: str, version: str | None = None) -> Response:
        key = replica.keys.allow(request.scope["headers"], "predict")
        check_model(replica, model)
        return as_json(_metadata(replica, replica.version(version, key)))

    @router.get("/models/{model}/ready", summary="Whether the model answers")
    @router.get("/models/{model}/versions/{version}/ready", summary="Whether a version answers")
    async def model_ready(model: str, version: str | None = None) -> Response:
        check_model(replica, model)
        why = replica.not_ready()
        held = version is None or replica.follower.now.find(version) is not None
        content = {"name": model, "ready": why is None and held}
        return as_json(content, 200 if content["ready"] else 503 if held else 404)

    @router.post("/repository/index", summary="The versions that are held")
    async def index(request: Request) -> Response:
        replica.keys.allow(request.scope["headers"], "predict")
        held = replica.follower.now
        found = [
            {"name": replica.spec.model, "version": v.number, "state": "READY", "reason": held.role(v)}
            for v in held.all()
        ]
        return as_json(found)

    @router.post("/repository/models/{model}/load", summary="Look at the registry's aliases now (scope admin)")
    async def load(request: Request, model: str) -> Response:
        replica.keys.allow(request.scope["headers"], "admin")
        check_model(replica, model)
        replica.follower.hint()
        return as_json({})

    @router.post("/repository/models/{model}/unload", summary="Refused: the registry's alias says what serves")
    async def unload(request: Request, model: str) -> Response:
        replica.keys.allow(request.scope["headers"], "admin")
        check_model(replica, model)
        raise RequestError(400, f"{model!r} is served as the registry's alias `champion` says; stop the server instead")

    return router


def _inference(replica: Replica) -> APIRouter:
    router = APIRouter(prefix="/v2")
    most = replica.serving.limits.body

    @router.post("/models/{model}/infer", summary="Predict", openapi_extra=EXAMPLE)
    @router.post("/models/{model}/versions/{version}/infer", summary="Predict by one version", openapi_extra=EXAMPLE)
    async def infer(request: Request) -> Response:
        key = replica.keys.allow(request.scope["headers"], "predict")
        path = request.path_params
        check_model(replica, path["model"])
        body = await read_body(request, most)
        asked = read_request(body, request.headers.get(HEADER_LENGTH))
        version = replica.version(path.get("version") or asked.version, key)
        columns = of_tensors(asked.inputs, version.contract.names)
        answered = await replica.answer(version, columns, asked.id)
        request.scope["ratoon"] = (version.number, answered.id, len(answered.row_ids), key.name)
        said = answered.said()
        response = InferResponse(
            model=replica.spec.model,
            version=version.number,
            id=answered.id,
            outputs=answered.outputs,
            parameters={**said, "model_version": version.number},
        )
        content, head = response.write(asked)
        headers = answered.headers()
        if head is None:
            return Response(content, 200, headers, "application/json")
        return Response(content, 200, {**headers, HEADER_LENGTH: str(head)}, "application/octet-stream")

    return router


def check_model(replica: Replica, model: str) -> None:
    """Raises RequestError (404) unless *model* is the one that is served."""
    if model != replica.spec.model:
        raise RequestError(404, f"model {model!r:.80} is not served here; {replica.spec.model!r} is")


def _metadata(replica: Replica, version: Prepared) -> Mapping[str, object]:
    state = version.state
    answers = "INT64" if all(isinstance(each, int) for each in state.classes) else "BYTES"
    outputs: list[dict[str, object]] = [
        {"name": PREDICT, "datatype": answers if state.classes else "FP64", "shape": [-1]}
    ]
    if version.score_name is not None:
        shape = [-1, len(state.classes)] if state.classes else [-1]
        scores: dict[str, object] = {"name": version.score_name, "datatype": "FP64", "shape": shape}
        if state.classes:
            scores["parameters"] = {"classes": list(state.classes)}
        outputs.append(scores)
    return {
        "name": replica.spec.model,
        "versions": [each.number for each in replica.follower.now.all()],
        "platform": f"ratoon_{state.family}",
        "inputs": [
            {
                "name": feature.name,
                "datatype": "FP64" if feature.kind == "number" else "BYTES",
                "shape": [-1],
                **({"parameters": {"content_type": "str"}} if feature.kind == "category" else {}),
            }
            for feature in state.features
        ],
        "outputs": outputs,
        "parameters": {
            "version": version.number,
            "watermark": version.watermark.isoformat(),
            "task": state.task,
            "parent": state.parent or "none",
        },
    }


EXAMPLE = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {"type": "object", "required": ["inputs"]},
                "example": {"inputs": [{"name": "x", "datatype": "FP64", "shape": [1], "data": [1.5]}]},
            }
        },
    }
}
