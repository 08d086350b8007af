"""`ratoon serve` as a process: it starts, drains on SIGTERM, and its replicas share a port."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
import yaml
from models_served import Served, rows

from ratoon.ledger.ledger import Ledger
from ratoon.serving.keys import new_key
from ratoon.serving.serve import serve
from ratoon.serving.server import CAN_SHARE
from ratoon.spec.errors import BadInput, RatoonError, Refused
from ratoon.spec.keys.serving import ServingSpec
from ratoon.spec.stores import stores_of

ROWS = {"dataframe_records": rows(2)[["a", "b", "c"]].to_dict(orient="records")}
FOREIGN = ("PREFECT_", "MLFLOW_", "RATOON_")
START_SECONDS = 90


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(
    served: Served, *options: str, **environment: str
) -> Iterator[tuple[subprocess.Popen[bytes], httpx.Client]]:
    """`ratoon serve` on a free port, once it is ready."""
    port = free_port()
    own = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    command = [sys.executable, "-m", "ratoon.cli.main", "serve", str(served.folder / "spec.yaml"), "--port", str(port)]
    process = subprocess.Popen([*command, *options], env={**own, **environment}, stdout=subprocess.PIPE)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10) as client:
            wait_ready(process, client)
            yield process, client
    finally:
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=60)


def wait_ready(process: subprocess.Popen[bytes], client: httpx.Client) -> None:
    until = time.monotonic() + START_SECONDS
    while True:
        assert process.poll() is None and time.monotonic() < until
        try:
            if client.get("/v2/health/ready").status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)


def configure(served: Served, **keys: object) -> None:
    file = served.folder / "spec.yaml"
    file.write_text(yaml.safe_dump({**yaml.safe_load(file.read_text()), "serving": keys}))


def test_sigterm_turns_ready_off_answers_on_and_ends(served: Served) -> None:
    configure(served, drain="1s")
    with serving(served) as (process, client):
        assert client.post("/invocations", json=ROWS).status_code == 200
        process.send_signal(signal.SIGTERM)
        ready, answered = 200, 0
        while ready == 200:
            ready = client.get("/v2/health/ready").status_code
        while process.poll() is None:
            try:
                answer = client.post("/invocations", json=ROWS)
            except httpx.TransportError:  # the port is closed, at the end alone
                break
            assert answer.status_code == 200
            answered += 1
        assert (process.wait(30), ready) == (0, 503)
        assert answered > 5
    with Ledger.open(stores_of(served.spec).ledger) as ledger:
        swaps = ledger.swaps.of("shop")
    assert [(each.version, each.previous, each.done) for each in swaps] == [("1", None, "served")]


@pytest.mark.slow
@pytest.mark.skipif(not CAN_SHARE, reason="the kernel shares no port")
def test_replicas_share_a_port_and_one_that_is_killed_comes_again(served: Served) -> None:
    """Each has metrics of its own; a swap reaches both."""
    first = free_port()
    with serving(served, "--replicas", "2", "--metrics-port", str(first)) as (process, client):
        pids = set()
        until = time.monotonic() + START_SECONDS
        while len(pids) < 2:
            assert time.monotonic() < until
            pids = children_of(process.pid)
        for port in (first, first + 1):
            while True:
                try:
                    text = httpx.get(f"http://127.0.0.1:{port}/metrics").text
                except httpx.TransportError:
                    text = ""
                if 'ratoon_serving_version{model="shop"} 1.0' in text:
                    break
                assert time.monotonic() < until
                time.sleep(0.1)
        os.kill(min(pids), signal.SIGKILL)
        while len(children_of(process.pid)) < 2 or children_of(process.pid) == pids:
            assert time.monotonic() < until
            time.sleep(0.1)
        served.promote("2")
        seen: list[str] = []
        while len(seen) < 20 or set(seen[-20:]) != {"2"}:
            assert time.monotonic() < until
            try:
                answer = httpx.post(f"{client.base_url}/invocations", json=ROWS)  # a new connection each
            except httpx.TransportError:
                continue
            if answer.status_code == 200:
                seen.append(answer.headers["Ratoon-Version"])
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    assert not children_of(process.pid)


def children_of(pid: int) -> set[int]:
    import psutil

    try:
        return {each.pid for each in psutil.Process(pid).children()}
    except psutil.NoSuchProcess:
        return set()


def refused(served: Served, **keys: object) -> RatoonError:
    """What is said before anything starts."""
    with pytest.raises(RatoonError) as said:
        serve(served.spec, ServingSpec.model_validate(keys), number=None, announce=None)
    return said.value


def test_beyond_loopback_it_does_not_start_without_a_key(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RATOON_API_KEYS", raising=False)
    for host in ("0.0.0.0", "::", "example.org"):
        said = refused(served, host=host, port=free_port())
        assert isinstance(said, Refused) and "ratoon new-key" in str(said)


@pytest.mark.slow
def test_beyond_loopback_it_answers_those_with_a_key(served: Served) -> None:
    key, line = new_key("k", ("predict",))
    with serving(served, "--host", "0.0.0.0", RATOON_API_KEYS=line) as (_, client):
        assert client.post("/invocations", json=ROWS).status_code == 401
        assert client.post("/invocations", json=ROWS, headers={"X-API-Key": key}).status_code == 200


def test_a_port_that_is_taken_is_named(served: Served) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert str(port) in str(refused(served, port=port))


def test_keys_that_cannot_be_read_are_bad_input(served: Served) -> None:
    said = refused(served, api_keys="nowhere.txt")
    assert isinstance(said, BadInput) and "nowhere.txt" in str(said)
