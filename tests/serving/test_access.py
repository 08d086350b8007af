"""Who may ask, how much, and what happens to those who ask too much."""

from __future__ import annotations

import json
import logging
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from local_replica import Running, wait_until
from models_served import rows

from ratoon.serving.keys import Keys, is_loopback, new_key
from ratoon.serving.protocol.errors import RequestError
from ratoon.spec.errors import BadInput

ROWS = {"dataframe_records": rows(2)[["a", "b", "c"]].to_dict(orient="records")}


def keyed(*scopes: str) -> tuple[str, str]:
    return new_key("-".join(scopes), scopes)  # type: ignore[arg-type]


def test_a_key_opens_what_its_scopes_name(start: Callable[..., Running]) -> None:
    predict, learn, admin = keyed("predict"), keyed("learn"), keyed("admin")
    replica = start(keys="\n".join(line for _, line in (predict, learn, admin)))
    asked = {
        "predict": ("/invocations", ROWS),
        "learn": ("/v2/models/shop/labels", {"id": "r", "value": 1}),
        "admin": ("/hint", None),
    }
    for (key, _), scope in ((predict, "predict"), (learn, "learn"), (admin, "admin")):
        for wanted, (path, body) in asked.items():
            status = replica.client.post(path, json=body, headers={"Authorization": f"Bearer {key}"}).status_code
            assert status == (403 if scope not in (wanted, "admin") else 202 if wanted == "admin" else 200)
    assert replica.client.post("/invocations", json=ROWS).status_code == 401
    assert replica.client.post("/invocations", json=ROWS, headers={"X-API-Key": "wrong"}).status_code == 401
    assert replica.client.post("/invocations", json=ROWS, headers={"X-API-Key": predict[0]}).status_code == 200
    assert replica.client.get("/v2/health/live").status_code == replica.client.get("/ping").status_code == 200
    assert replica.client.get("/metrics").status_code == 401


def test_the_challenger_answers_those_who_administrate(start: Callable[..., Running]) -> None:
    """Nobody has let it serve yet."""
    predict, admin = keyed("predict"), keyed("admin")
    replica = start(keys=f"{predict[1]};{admin[1]}")
    wait_until(lambda: replica.replica.follower.now.challenger is not None)
    path = "/v2/models/shop/versions/3"
    assert replica.client.get(path, headers={"X-API-Key": predict[0]}).status_code == 403
    assert replica.client.get(path, headers={"X-API-Key": admin[0]}).status_code == 200


@pytest.mark.parametrize("text", ["name predict", "name fly sha256:" + "a" * 64, "n predict sha256:zz"])
def test_a_line_that_is_no_key_is_named(text: str) -> None:
    with pytest.raises(BadInput, match=r"keys\.txt, line 2"):
        Keys.read(f"# the keys\n{text}", "keys.txt")


def test_only_loopback_needs_no_key() -> None:
    assert [is_loopback(each) for each in ("127.0.0.1", "::1", "localhost", "127.9.9.9")] == [True] * 4
    assert [is_loopback(each) for each in ("0.0.0.0", "::", "10.0.0.1", "example.org")] == [False] * 4
    with pytest.raises(RequestError):
        Keys.read(new_key("a", ("predict",))[1], "here").allow([], "predict")


def test_rows_and_bodies_beyond_the_limits_are_413(start: Callable[..., Running]) -> None:
    replica = start(limits={"rows": 3, "body": "2KB"})
    many = {"dataframe_records": rows(4)[["a", "b", "c"]].to_dict(orient="records")}
    assert replica.client.post("/invocations", json=many).status_code == 413
    assert replica.client.post("/invocations", json=ROWS).status_code == 200
    assert replica.client.post("/v2/models/shop/infer", content=b" " * 3000).status_code == 413

    def unsized() -> Any:
        for _ in range(30):
            yield b" " * 100

    assert replica.client.post("/v2/models/shop/infer", content=unsized()).status_code == 413
    assert replica.client.post("/v2/models/shop/labels", json=[{"id": "a", "value": 1}] * 4).status_code == 413


def connected(replica: Running, text: bytes = b"") -> socket.socket:
    host, port = replica.url.removeprefix("http://").split(":")
    made = socket.create_connection((host, int(port)), timeout=10)
    made.sendall(text)
    return made


def closed(connection: socket.socket) -> bool:
    try:
        return connection.recv(4096) == b""
    except ConnectionResetError:
        return True


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"POST /invocations HTTP/1.1\r\nHost: x\r\nX-A: ",
        b"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n{",
    ],
    ids=["nothing", "half a head", "half a body"],
)
def test_a_client_that_does_not_finish_its_request_is_cut_off(start: Callable[..., Running], text: bytes) -> None:
    replica = start(limits={"time": "1s"})
    with connected(replica, text) as slow:
        assert closed(slow)
    assert replica.client.post("/invocations", json=ROWS).status_code == 200


def test_a_head_without_an_end_is_cut_off(start: Callable[..., Running]) -> None:
    replica = start()
    with connected(replica, b"GET / HTTP/1.1\r\nHost: x\r\n") as endless:
        with pytest.raises(OSError):
            for _ in range(2000):
                endless.sendall(b"X-A: " + b"a" * 4000 + b"\r\n")
                time.sleep(0.0005)
        assert replica.client.get("/v2/health/live").status_code == 200


def test_a_flood_of_idle_connections_leaves_room_for_others(start: Callable[..., Running]) -> None:
    """The longest idle one goes; who is answered stays."""
    replica = start(limits={"connections": 50})
    flood = [connected(replica) for _ in range(200)]
    try:
        for _ in range(20):
            assert replica.client.post("/invocations", json=ROWS).status_code == 200
        assert len(replica.server.server_state.connections) <= 50
    finally:
        for each in flood:
            each.close()


class Slow:
    """A version that answers once *wait* is over."""

    def __init__(self, answering: Any, wait: Callable[[], None]) -> None:
        self._answering, self._wait = answering, wait

    def __call__(self, X: Any) -> Any:
        self._wait()
        return self._answering(X)

    def close(self) -> None:
        self._answering.close()


def test_too_many_waiting_requests_are_told_to_come_again(start: Callable[..., Running]) -> None:
    replica = start(limits={"waiting": 1})
    execution, entered, go = replica.replica.execution, threading.Event(), threading.Event()
    version = replica.replica.follower.now.champion
    assert version is not None

    def wait() -> None:
        entered.set()
        assert go.wait(20)

    object.__setattr__(version, "answering", Slow(version.answering, wait))
    execution._cost[version.number] = (9.0, 9.0)  # known as slow
    first: list[int] = []
    ask = threading.Thread(target=lambda: first.append(replica_status(replica)))
    ask.start()
    assert entered.wait(20)
    refused = replica.client.post("/invocations", json=ROWS)
    live = replica.client.get("/v2/health/live")
    go.set()
    ask.join()
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
    assert (first, live.status_code) == ([200], 200)


def replica_status(replica: Running) -> int:
    import httpx

    return httpx.post(f"{replica.url}/invocations", json=ROWS, timeout=30).status_code


def test_an_answer_that_takes_too_long_is_504(start: Callable[..., Running]) -> None:
    replica = start(limits={"time": "1s"})
    version = replica.replica.follower.now.champion
    assert version is not None
    object.__setattr__(version, "answering", Slow(version.answering, lambda: time.sleep(1.5)))
    replica.replica.execution._cost[version.number] = (9.0, 9.0)
    assert replica.client.post("/invocations", json=ROWS).status_code == 504


def test_a_line_of_the_access_log_says_what_was_asked_and_no_secret(
    start: Callable[..., Running], caplog: pytest.LogCaptureFixture
) -> None:
    key, line = keyed("predict")
    replica = start(keys=line, access_log=True)
    with caplog.at_level(logging.INFO, logger="ratoon.access"):
        replica.client.post("/invocations?token=hidden", json=ROWS, headers={"Authorization": f"Bearer {key}"})
        replica.client.get("/secret-place?password=hidden")
        time.sleep(0.05)
    lines = [json.loads(each.message) for each in caplog.records if each.name == "ratoon.access"]
    asked = next(each for each in lines if each["route"] == "/invocations")
    assert (asked["status"], asked["rows"], asked["version"], asked["key"]) == (200, 2, "1", "predict")
    assert [each["route"] for each in lines if each["status"] == 404] == ["none"]
    assert key not in caplog.text and "hidden" not in caplog.text


def test_metrics_count_requests_rows_and_what_serves(start: Callable[..., Running]) -> None:
    replica = start()
    replica.client.post("/invocations", json=ROWS)
    replica.client.get("/nowhere/at/all")
    text = replica.client.get("/metrics").text
    assert 'ratoon_serving_rows_total{model="shop"} 2.0' in text
    assert 'ratoon_serving_requests_total{code="200",model="shop",route="/invocations"} 1.0' in text
    assert 'ratoon_serving_version{model="shop"} 1.0' in text
    assert 'ratoon_serving_ready{model="shop"} 1.0' in text
    assert 'route="none"' in text and "nowhere" not in text
