"""The Open Inference Protocol V2, as clients really speak it; each pitfall that was measured is a test."""

from __future__ import annotations

import gzip
import json
import struct
from collections.abc import Callable
from typing import Any

import httpx
import numpy as np
import pandas as pd
import pytest
from local_replica import Running
from models_served import ROW, Served, rows

INFER = "/v2/models/shop/infer"
ONE = [
    {"name": "a", "datatype": "FP64", "shape": [1], "data": [0.25]},
    {"name": "b", "datatype": "FP64", "shape": [1], "data": [-1.5]},
    {"name": "c", "datatype": "BYTES", "shape": [1], "data": ["x"]},
]


def outputs(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    return {each["name"]: each for each in answer.json()["outputs"]}


def tensors(frame: pd.DataFrame) -> list[dict[str, Any]]:
    kinds = {"a": "FP64", "b": "FP64", "c": "BYTES"}
    return [
        {"name": name, "datatype": kind, "shape": [len(frame)], "data": frame[name].tolist()}
        for name, kind in kinds.items()
    ]


@pytest.fixture
def replica(start: Callable[..., Running]) -> Running:
    return start(how="await")


def test_health_and_metadata_say_what_clients_ask(replica: Running) -> None:
    get = replica.client.get
    assert get("/v2/health/live").json() == {"live": True}
    assert get("/v2/health/ready").json() == {"ready": True}
    server = get("/v2").json()
    assert set(server["extensions"]) == {"binary_tensor_data", "model_repository"}
    metadata = get("/v2/models/shop").json()
    assert metadata["versions"][0] == "1"
    assert {each["name"]: (each["datatype"], each["shape"]) for each in metadata["inputs"]} == {
        "a": ("FP64", [-1]),
        "b": ("FP64", [-1]),
        "c": ("BYTES", [-1]),
    }
    assert [each["name"] for each in metadata["outputs"]] == ["predict", "predict_proba"]
    assert get("/v2/models/shop/versions/1").json()["parameters"]["version"] == "1"
    assert get("/v2/models/shop/ready").status_code == get("/v2/models/shop/versions/1/ready").status_code == 200
    assert get("/v2/models/shop/versions/9/ready").status_code == 404
    index = replica.client.post("/v2/repository/index").json()
    assert (index[0]["name"], index[0]["version"], index[0]["state"]) == ("shop", "1", "READY")


def test_answers_are_those_of_the_version_that_they_name(replica: Running, served: Served) -> None:
    frame = rows(40, seed=7)
    answer = replica.infer(tensors(frame), id="mine")
    found, said = outputs(answer), answer.json()
    assert found["predict"]["data"] == served.expected("1", frame)["_prediction"].tolist()
    proba = np.reshape(found["predict_proba"]["data"], found["predict_proba"]["shape"])
    assert np.array_equal(proba[:, 1], served.expected("1", frame)["_score"])
    assert (said["model_name"], said["model_version"], said["id"]) == ("shop", "1", "mine")
    assert said["parameters"]["version"] == answer.headers["Ratoon-Version"] == "1"
    assert said["parameters"]["staleness_seconds"] > 0 and said["parameters"]["watermark"].startswith("2026-01")


def test_a_request_without_a_content_type_is_answered(replica: Running) -> None:
    """tritonclient sends none; FastAPI's body models would answer 422."""
    answer = replica.client.post(INFER, content=json.dumps({"inputs": ONE}).encode())
    assert "content-type" not in answer.request.headers
    assert outputs(answer)["predict"]["shape"] == [1]


def test_the_answer_has_an_id_of_text_even_if_none_was_given(replica: Running) -> None:
    """KServe's type needs it, and the label is sent by it."""
    assert isinstance(replica.infer(ONE).json()["id"], str)


@pytest.mark.parametrize("shape", [[2], [2, 1]])
def test_a_column_has_the_shape_n_or_n_1(replica: Running, shape: list[int]) -> None:
    inputs = [{**each, "shape": shape, "data": each["data"] * 2} for each in ONE]
    inputs[2]["parameters"] = {"content_type": "str"}
    if len(shape) == 2:
        inputs[0]["data"] = [[0.25], [0.25]]
    assert outputs(replica.infer(inputs))["predict"]["shape"] == [2]


def binary(inputs: list[tuple[str, str, list[int], bytes]], **more: Any) -> tuple[bytes, dict[str, str]]:
    head = json.dumps(
        {
            "inputs": [
                {"name": name, "datatype": kind, "shape": shape, "parameters": {"binary_data_size": len(raw)}}
                for name, kind, shape, raw in inputs
            ],
            **more,
        }
    ).encode()
    return head + b"".join(raw for *_, raw in inputs), {"Inference-Header-Content-Length": str(len(head))}


def texts(*values: str) -> bytes:
    return b"".join(struct.pack("<I", len(each.encode())) + each.encode() for each in values)


def binary_rows(kind: str = "FP64", dtype: str = "<f8") -> list[tuple[str, str, list[int], bytes]]:
    a, b = np.array([0.25, 1.0], dtype), np.array([-1.5, 0.5], dtype)
    return [("a", kind, [2], a.tobytes()), ("b", kind, [2], b.tobytes()), ("c", "BYTES", [2], texts("x", "é"))]


@pytest.mark.parametrize(("kind", "dtype"), [("FP64", "<f8"), ("FP32", "<f4"), ("FP16", "<f2")])
def test_binary_tensors_answer_as_their_json_does(replica: Running, kind: str, dtype: str) -> None:
    body, headers = binary(binary_rows(kind, dtype))
    found = outputs(replica.client.post(INFER, content=body, headers=headers))
    frame = pd.DataFrame({"a": [0.25, 1.0], "b": [-1.5, 0.5], "c": pd.Series(["x", "é"], dtype=object)})
    assert found["predict"] == outputs(replica.infer(tensors(frame)))["predict"]


def test_outputs_come_as_binary_if_the_request_says_so(replica: Running) -> None:
    """Without `outputs` tritonclient sets binary_data_output; with them, each says so itself."""
    body, headers = binary(binary_rows(), parameters={"binary_data_output": True})
    answer = replica.client.post(INFER, content=body, headers=headers)
    length = int(answer.headers["Inference-Header-Content-Length"])
    head, raw = json.loads(answer.content[:length]), answer.content[length:]
    sizes = [each["parameters"]["binary_data_size"] for each in head["outputs"]]
    assert sum(sizes) == len(raw)
    plain = outputs(replica.client.post(INFER, **dict(zip(("content", "headers"), binary(binary_rows()), strict=True))))
    assert np.frombuffer(raw[: sizes[0]], "<i8").tolist() == plain["predict"]["data"]
    assert np.frombuffer(raw[sizes[0] :], "<f8").tolist() == plain["predict_proba"]["data"]
    wanted = [{"name": "predict_proba", "parameters": {"binary_data": True}}, {"name": "predict"}]
    mixed = replica.infer(ONE, outputs=wanted)
    head = json.loads(mixed.content[: int(mixed.headers["Inference-Header-Content-Length"])])
    assert [each["name"] for each in head["outputs"]] == ["predict_proba", "predict"]
    assert head["outputs"][1]["data"] in ([0], [1])


def test_a_missing_number_is_a_bare_nan_or_null(replica: Running) -> None:
    """Triton's JSON has the one, KServe's the other; the model has no imputer, so that both are refused alike."""
    text = json.dumps({"inputs": [{**ONE[0], "data": [float("nan")]}, *ONE[1:]]})
    bare = replica.client.post(INFER, content=text.encode())
    null = replica.client.post(INFER, content=text.replace("NaN", "null").encode())
    assert bare.status_code == null.status_code == 400
    assert bare.json() == null.json()
    assert "a (1 of 1)" in bare.json()["error"]


def test_a_version_is_named_in_the_path_or_in_the_parameters(replica: Running) -> None:
    """KServe's client drops model_version from the path."""
    assert replica.infer(ONE, path="/v2/models/shop/versions/1/infer").json()["model_version"] == "1"
    assert replica.infer(ONE, parameters={"model_version": "1"}).json()["model_version"] == "1"
    assert replica.infer(ONE, path="/v2/models/shop/versions/9/infer").status_code == 404
    assert replica.infer(ONE, parameters={"model_version": "9"}).status_code == 404


def test_a_packed_body_is_inflated_up_to_the_limit(start: Callable[..., Running]) -> None:
    replica = start(limits={"body": "4KB"})
    body = json.dumps({"inputs": ONE}).encode()
    packed = replica.client.post(INFER, content=gzip.compress(body), headers={"Content-Encoding": "gzip"})
    assert outputs(packed)["predict"]["shape"] == [1]
    bomb = gzip.compress(b" " * 1_000_000)
    assert replica.client.post(INFER, content=bomb, headers={"Content-Encoding": "gzip"}).status_code == 413
    assert replica.client.post(INFER, content=b"x", headers={"Content-Encoding": "gzip"}).status_code == 400
    assert replica.client.post(INFER, content=body, headers={"Content-Encoding": "br"}).status_code == 415


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda i: i[1:], "'a' is missing"),
        (lambda i: [*i, {"name": "zz", "datatype": "FP64", "shape": [1], "data": [1]}], "'zz' is unknown"),
        (lambda i: [{**i[0], "datatype": "BYTES", "data": ["much"]}, *i[1:]], "'a' was learned as number"),
        (lambda i: [*i[:2], {**i[2], "datatype": "FP64", "data": [1.5]}], "'c' was learned as category"),
        (lambda i: [{**i[0], "shape": [2], "data": [1, 2]}, *i[1:]], "'b' has 1 rows"),
        (lambda i: [{**i[0], "shape": [3]}, *i[1:]], "'a': shape [3] wants 3 values"),
        (lambda i: [{**i[0], "data": ["1.5"]}, *i[1:]], "'a': it is FP64"),
        (lambda i: [{**i[0], "datatype": "FP65"}, *i[1:]], "'FP65' is unknown"),
        (lambda i: [i[0], *i], "'a' is there twice"),
        (lambda i: [{**i[0], "datatype": "INT8", "data": [900]}, *i[1:]], "'a': a value is too large"),
        (lambda i: [{"name": "x", "datatype": "FP64", "shape": [1, 2], "data": [1, 2]}], "2 columns; expected 3"),
    ],
)
def test_what_does_not_fit_is_a_400_that_names_the_column(
    replica: Running, change: Callable[[list[Any]], list[Any]], named: str
) -> None:
    answer = replica.infer(change(ONE))
    assert (answer.status_code, set(answer.json())) == (400, {"error"})
    assert named in answer.json()["error"]


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"", {}),
        (b"[", {}),
        (b"[" * 100_000, {}),
        (b'{"inputs": NaN', {}),
        (b"\xff\xfe", {}),
        (b"{}", {"Inference-Header-Content-Length": "99"}),
        (b"{}", {"Inference-Header-Content-Length": "-1"}),
        (b'{"inputs": [1]}', {}),
        (b'{"inputs": [{"name": "a", "datatype": "FP64", "shape": [1e99], "data": [1]}]}', {}),
        (b'{"inputs": [{"name": "a", "datatype": "FP64", "shape": [1], "parameters": {"binary_data_size": 8}}]}', {}),
        (b'{"inputs": [{"name": "a", "datatype": "FP64", "shape": [1], "data": [' + b"9" * 5000 + b"]}]}", {}),
    ],
)
def test_hostile_bodies_are_400(replica: Running, body: bytes, headers: dict[str, str]) -> None:
    answer = replica.client.post(INFER, content=body, headers=headers)
    assert answer.status_code == 400, answer.text
    assert set(answer.json()) == {"error"}


def test_binary_data_that_does_not_fit_its_json_is_400(replica: Running) -> None:
    """It made FastAPI's own handler fail with 500."""
    body, headers = binary(binary_rows())
    for broken in (body[:-1], body + b"x", body[:-5] + b"\xff\xff\xff\xff\x00"):
        answer = replica.client.post(INFER, content=broken, headers=headers)
        assert answer.status_code == 400 and "error" in answer.json()


def test_every_error_has_the_protocols_form(replica: Running) -> None:
    for answer in (
        replica.client.get("/nowhere"),
        replica.client.get(INFER),
        replica.client.post("/v2/models/other/infer", json={"inputs": ONE}),
        replica.client.post("/v2/repository/models/shop/unload"),
    ):
        assert answer.status_code in (400, 404, 405)
        assert isinstance(answer.json()["error"], str)


def test_a_row_named_by_its_id_column_is_known_by_it(replica: Running) -> None:
    """A column of `data.id` is no feature; without one the request's id names the row, with its place for many."""
    ids = {"name": "row_id", "datatype": "BYTES", "shape": [1], "data": ["r-9"]}
    replica.infer([*ONE, ids])
    replica.infer(ONE, id="mine")
    replica.infer(tensors(rows(2)), id="two")
    assert set(replica.log.rows) == {"r-9", "mine", "two/0", "two/1"}
    kept = replica.log.rows["r-9"]
    assert (kept.version, kept.arm, dict(kept.features)) == ("1", "champion", ROW)
