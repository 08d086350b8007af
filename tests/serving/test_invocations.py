"""MLflow's `/invocations`, in every form that `mlflow models serve` takes."""

from __future__ import annotations

import json
from collections.abc import Callable

import httpx
import pytest
from local_replica import Running
from models_served import Served, rows

FRAME = rows(6, seed=3)[["a", "b", "c"]]
FORMS = {
    "dataframe_split": json.loads(FRAME.to_json(orient="split", double_precision=15)),
    "dataframe_records": FRAME.to_dict(orient="records"),
    "instances": FRAME.to_dict(orient="records"),
    "inputs": FRAME.to_dict(orient="list"),
}


@pytest.fixture
def replica(start: Callable[..., Running]) -> Running:
    return start()


def invoke(replica: Running, content: object, kind: str = "application/json") -> httpx.Response:
    body = content if isinstance(content, str) else json.dumps(content)
    return replica.client.post("/invocations", content=body.encode(), headers={"Content-Type": kind})


def test_every_form_of_input_has_the_answer_of_the_version(replica: Running, served: Served) -> None:
    expected = served.expected("1", rows(6, seed=3))["_prediction"].tolist()
    for form, value in FORMS.items():
        assert invoke(replica, {form: value}).json() == {"predictions": expected}, form
    in_order = FRAME.to_numpy().tolist()
    assert invoke(replica, {"instances": in_order}).json() == {"predictions": expected}
    csv = FRAME.to_csv(index=False)
    answer = invoke(replica, csv, "text/csv; charset=utf-8")
    assert answer.json() == {"predictions": expected}
    assert answer.headers["Ratoon-Version"] == "1"


def test_params_beside_the_form_are_taken(replica: Running) -> None:
    assert invoke(replica, {"dataframe_split": FORMS["dataframe_split"], "params": {"x": 1}}).status_code == 200


def test_ping_and_version_answer_as_mlflow_does(replica: Running) -> None:
    assert replica.client.get("/ping").status_code == replica.client.get("/health").status_code == 200
    assert replica.client.get("/version").text.startswith("3.")


@pytest.mark.parametrize(
    ("content", "kind", "status", "named"),
    [
        ({}, "application/json", 400, "exactly one"),
        ({**FORMS}, "application/json", 400, "exactly one"),
        ([1], "application/json", 400, "exactly one"),
        ({"dataframe_records": [{"a": 1, "b": 2}]}, "application/json", 400, "'c' is missing"),
        ({"dataframe_records": [{"a": 1, "b": 2, "c": "x"}, {"a": 1}]}, "application/json", 400, "'b' is missing"),
        ({"dataframe_records": [{"a": "?", "b": 2, "c": "x"}]}, "application/json", 400, "'a' was learned as number"),
        ({"dataframe_records": [{"a": 1, "b": 2, "c": [1]}]}, "application/json", 400, "'c' was learned as category"),
        ({"dataframe_records": [{"a": 1, "b": 2, "c": "x", "d": 4}]}, "application/json", 400, "'d' is unknown"),
        ({"dataframe_split": {"columns": ["a", "b", "c"], "data": [[1, 2]]}}, "application/json", 400, "row 0"),
        ({"instances": [[1, 2]]}, "application/json", 400, "expected 3"),
        ({"inputs": {"a": [1, 2], "b": [1], "c": ["x"]}}, "application/json", 400, "'b' has 1 rows"),
        ("a,b,c\n1,2\n", "text/csv", 400, "row 0"),
        ("a,b,c\n1,much,x\n", "text/csv", 400, "'b' was learned as number"),
        ("", "text/csv", 400, "empty"),
        ("x", "text/plain", 415, "text/csv"),
        ("{}", "application/json; charset=latin-1", 415, "utf-8"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(
    replica: Running, content: object, kind: str, status: int, named: str
) -> None:
    answer = invoke(replica, content, kind)
    assert answer.status_code == status
    assert named in answer.json()["error"]
    assert answer.json()["message"] == answer.json()["error"]
