"""The receiver of MLflow's webhooks: nothing accepted wrongly, nothing lost."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from ratoon.cli.commands.init import write_starter
from ratoon.cli.commands.listen import listen, models_below
from ratoon.servers import hooks_app
from ratoon.servers.hooks_app import MOST_BYTES, create_app, signed
from ratoon.servers.hooks_limits import limits
from ratoon.spec.errors import BadInput

SECRET = "a secret of the test"
SPEC = Path("/project/spec.yaml")


class Ear:
    """A receiver with a clock that stands still, and the reviews that it started."""

    def __init__(self, file: Path, review: Callable[[Path], None] | None = None, **limited: float) -> None:
        self._limits: Any = limited
        self.now = 1_900_000_000.0
        self.reviews: list[Path] = []
        self._review = review or (lambda spec: None)
        self._app = create_app(
            SECRET, lambda: {"flights": SPEC}, self._start, seen=file, settle=0.05, clock=lambda: self.now
        )

    def __enter__(self) -> Ear:
        self._server = uvicorn.Server(uvicorn.Config(self._app, port=0, log_level="error", **limits(**self._limits)))
        self._thread = threading.Thread(target=self._server.run)
        self._thread.start()
        _soon(lambda: self._server.started)
        port = self._server.servers[0].sockets[0].getsockname()[1]
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False)
        return self

    def __exit__(self, *error: object) -> None:
        self.client.close()
        self._server.should_exit = True
        self._thread.join(60)

    @property
    def open_connections(self) -> set[Any]:
        return set(self._server.server_state.connections)

    def _start(self, spec: Path) -> None:
        self.reviews.append(spec)
        self._review(spec)

    def hear(self, body: bytes | None = None, **changed: str | None) -> httpx.Response:
        """Send an event of champion's; *changed* headers (None: left out) and a *signed_by* of another secret."""
        body = event() if body is None else body
        secret = changed.pop("signed_by", SECRET) or ""
        delivery = changed.get("delivery") or "d1"
        sent = changed.get("sent") or str(int(self.now))
        headers = {
            "X-MLflow-Delivery-Id": delivery,
            "X-MLflow-Timestamp": sent,
            "X-MLflow-Signature": signed(secret, delivery, sent, body),
        }
        if "signature" in changed:
            headers["X-MLflow-Signature"] = changed["signature"] or ""
        for name in (changed.get("without") or "").split():
            del headers[name]
        plain = {name: value.encode("latin-1") for name, value in headers.items()}
        return self.client.post("/mlflow", content=body, headers=plain)


def event(model: str = "flights", alias: str = "champion", **more: Any) -> bytes:
    data = {"name": model, "alias": alias, "version": "2"}
    return json.dumps({"entity": "model_version_alias", "action": "created", "data": data} | more).encode()


def _soon(true: Callable[[], bool]) -> None:
    until = time.monotonic() + 120
    while not true():
        assert time.monotonic() < until
        time.sleep(0.01)


@pytest.fixture
def ear(tmp_path: Path) -> Iterator[Ear]:
    made = Ear(tmp_path / "hooks.db")
    with made:
        _soon(lambda: made.reviews == [SPEC])  # what came while nobody listened
        made.reviews.clear()
        yield made


def test_a_signed_event_of_the_champion_starts_a_review(ear: Ear) -> None:
    assert ear.hear().status_code == 202
    _soon(lambda: ear.reviews == [SPEC])


def test_a_rejection_starts_a_review(ear: Ear) -> None:
    tag = {"name": "flights", "version": "2", "key": "review", "value": "rejected"}
    assert ear.hear(event(entity="model_version_tag", data=tag)).status_code == 202
    _soon(lambda: ear.reviews == [SPEC])


REFUSED: dict[str, tuple[dict[str, str], int]] = {
    "another secret": ({"signed_by": "guessed"}, 401),
    "another signature": ({"signature": "v1,AAAA"}, 401),
    "an empty signature": ({"signature": ""}, 401),
    "letters outside ASCII": ({"signature": "v1,caf\xe9"}, 401),
    "no signature": ({"without": "X-MLflow-Signature"}, 401),
    "no timestamp": ({"without": "X-MLflow-Timestamp"}, 401),
    "no delivery id": ({"without": "X-MLflow-Delivery-Id"}, 401),
    "no headers": ({"without": "X-MLflow-Delivery-Id X-MLflow-Timestamp X-MLflow-Signature"}, 401),
    "an old timestamp": ({"sent": "1899999699"}, 401),
    "a future timestamp": ({"sent": "1900000301"}, 401),
    "a timestamp that is none": ({"sent": "nan"}, 401),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_not_surely_mlflow_s_and_of_now_is_refused(ear: Ear, what: str) -> None:
    changed, status = REFUSED[what]
    assert ear.hear(**changed).status_code == status
    assert ear.hear().status_code == 202  # and its delivery id is not burnt


def test_a_signature_of_another_body_is_refused(ear: Ear) -> None:
    stolen = signed(SECRET, "d1", str(int(ear.now)), event())
    assert ear.hear(event(version="3"), signature=stolen).status_code == 401


def test_a_timestamp_at_the_edge_is_taken(ear: Ear) -> None:
    assert ear.hear(delivery="d1", sent="1899999700").status_code == 202
    assert ear.hear(delivery="d2", sent="1900000300").status_code == 202


def test_a_replay_is_refused_also_after_a_restart(ear: Ear, tmp_path: Path) -> None:
    assert ear.hear().status_code == 202
    assert ear.hear().status_code == 409
    again = Ear(tmp_path / "hooks.db")
    with again:
        again.now = ear.now + 299
        assert again.hear(sent=str(int(ear.now))).status_code == 409
        again.now = ear.now + 100_000  # forgotten by now, and refused by its time
        assert again.hear(sent=str(int(ear.now))).status_code == 401


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"\xff", b'{"data": {"name": 5}}', b"null"])
def test_a_signed_body_that_is_no_event_is_refused(ear: Ear, body: bytes) -> None:
    assert ear.hear(body).status_code == 400


def test_a_large_body_is_refused_before_it_is_read_whole(ear: Ear) -> None:
    assert ear.hear(b"x" * (MOST_BYTES + 1)).status_code == 413


def test_events_of_other_models_and_aliases_are_taken_and_ignored(ear: Ear) -> None:
    """MLflow must not try them again, and nothing starts."""
    assert ear.hear(event("strangers"), delivery="d1").status_code == 202
    assert ear.hear(event(alias="challenger"), delivery="d2").status_code == 202
    assert ear.hear(event(entity="model_version_tag"), delivery="d3").status_code == 202
    assert ear.hear(delivery="d4").status_code == 202
    _soon(lambda: bool(ear.reviews))
    assert ear.reviews == [SPEC]


def test_a_flood_makes_few_reviews_and_the_last_event_is_seen(tmp_path: Path) -> None:
    """A review sees all that happened before it began; whatever comes later starts another one."""
    accepted = 0
    seen: list[int] = []

    def review(spec: Path) -> None:
        seen.append(accepted)
        time.sleep(0.3)

    ear = Ear(tmp_path / "hooks.db", review)
    with ear:
        for number in range(1000):
            accepted += ear.hear(delivery=f"d{number}").status_code == 202
        assert accepted == 1000
        _soon(lambda: seen[-1] == 1000)
    assert len(seen) < 100


def test_an_event_during_a_review_starts_another_one(tmp_path: Path) -> None:
    going, go_on = threading.Event(), threading.Event()

    def review(spec: Path) -> None:
        going.set()
        assert go_on.wait(20)

    ear = Ear(tmp_path / "hooks.db", review)
    with ear:
        assert going.wait(20)
        ear.hear()
        go_on.set()
        _soon(lambda: len(ear.reviews) == 2)


def test_a_review_that_fails_does_not_end_the_listening(tmp_path: Path) -> None:
    def review(spec: Path) -> None:
        if len(ear.reviews) == 1:
            raise OSError("no registry")

    ear = Ear(tmp_path / "hooks.db", review)
    with ear:
        _soon(lambda: len(ear.reviews) >= 1)
        assert ear.hear().status_code == 202
        _soon(lambda: len(ear.reviews) >= 2)  # a busy machine may have tried the first again meanwhile


def test_no_answer_and_no_log_line_holds_the_secret(ear: Ear, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(0)
    said = [ear.hear(signed_by="guessed").text, ear.hear().text, ear.hear().text, ear.client.get("/health").text]
    assert SECRET not in " ".join([*said, caplog.text])


def test_an_empty_secret_starts_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="anybody could send events"):
        create_app("", dict, lambda spec: None, seen=tmp_path / "hooks.db")


def test_listening_without_a_secret_starts_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("RATOON_WEBHOOK_SECRET", raising=False)
    with pytest.raises(BadInput, match="RATOON_WEBHOOK_SECRET is not set"):
        listen(tmp_path)


def test_subscribing_needs_the_server_to_subscribe_at(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RATOON_WEBHOOK_SECRET", SECRET)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with pytest.raises(BadInput, match="MLFLOW_TRACKING_URI is not set"):
        listen(tmp_path, "http://127.0.0.1:8090/mlflow")


def test_every_spec_below_the_folder_is_listened_for(tmp_path: Path) -> None:
    """What is no spec, or lies in a hidden folder such as `.ratoon`, is passed over."""
    write_starter(tmp_path / "late", "late")
    write_starter(tmp_path / ".hidden", "hidden")
    (tmp_path / "other.yaml").write_text("a: [")

    assert models_below(tmp_path) == {"late": tmp_path / "late" / "spec.yaml"}


def test_a_review_that_could_not_be_started_is_tried_again(tmp_path: Path) -> None:
    """Prefect or MLflow were away for a moment; where no sweep is scheduled, nobody else would ask."""
    failed: list[Path] = []

    def away(spec: Path) -> None:
        if len(failed) < 2:
            failed.append(spec)
            raise ConnectionError("Prefect is away")

    with Ear(tmp_path / "hooks.db", away) as made:
        _soon(lambda: len(made.reviews) == 3)
    assert failed == [SPEC, SPEC]


def test_a_delivery_that_failed_half_way_is_taken_when_mlflow_sends_it_again(tmp_path: Path) -> None:
    """The folder of the specs could not be read for a moment: the answer is no 202, and the next is no replay."""
    made = Ear(tmp_path / "hooks.db")
    broken = [False]

    def specs() -> dict[str, Path]:
        if broken[0]:
            raise OSError("stale file handle")
        return {"flights": SPEC}

    made._app = create_app(SECRET, specs, made._start, seen=tmp_path / "hooks.db", settle=0.05, clock=lambda: made.now)
    with made:
        _soon(lambda: made.reviews == [SPEC])
        broken[0] = True
        assert made.hear().status_code == 503
        broken[0] = False
        assert made.hear().status_code == 202
        _soon(lambda: made.reviews == [SPEC, SPEC])


def test_a_body_of_nested_lists_is_no_event(ear: Ear) -> None:
    assert ear.hear(b"[" * (MOST_BYTES - 1)).status_code == 400


def test_a_second_receiver_refuses_what_the_first_accepted(ear: Ear, tmp_path: Path) -> None:
    assert ear.hear().status_code == 202
    with Ear(tmp_path / "hooks.db") as other:
        assert other.hear().status_code == 409


HEAD = b"POST /mlflow HTTP/1.1\r\nHost: here\r\n"
UNFINISHED = {
    "nothing at all": b"",
    "half a head": HEAD,
    "no body": HEAD + b"Content-Length: 100\r\n\r\n",
    "half a body": HEAD + b"Content-Length: 100\r\n\r\n{",
    "half a chunk": HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{",
    "a second request that never ends": b"GET /health HTTP/1.1\r\nHost: here\r\n\r\n" + HEAD,
}


@pytest.mark.parametrize("sent", UNFINISHED.values(), ids=UNFINISHED)
def test_a_request_that_does_not_end_is_cut(tmp_path: Path, sent: bytes) -> None:
    """Else each would hold a connection for ever, until the receiver has none left."""
    with Ear(tmp_path / "hooks.db", seconds=0.3) as ear, _connected(ear) as slow:
        slow.sendall(sent)
        _until_cut(slow)
        assert ear.hear().status_code == 202


def test_a_request_that_dribbles_is_cut(tmp_path: Path) -> None:
    """A byte now and then is not the end of it either."""
    with Ear(tmp_path / "hooks.db", seconds=0.3) as ear, _connected(ear) as slow:
        slow.sendall(HEAD)

        def cut() -> bool:
            try:
                slow.sendall(b"X")
            except OSError:
                return True
            time.sleep(0.02)
            return False

        _soon(cut)


def test_a_delivery_is_heard_whoever_holds_every_connection(tmp_path: Path) -> None:
    """The oldest that has not sent its request makes room."""
    with Ear(tmp_path / "hooks.db", seconds=60, most=5) as ear:
        held = [_connected(ear) for _ in range(20)]
        try:
            for each in held:
                with contextlib.suppress(OSError):
                    each.sendall(HEAD)
            assert ear.hear().status_code == 202
            _soon(lambda: len(ear.open_connections) <= 5)
        finally:
            for each in held:
                each.close()


def test_a_head_without_end_is_refused(ear: Ear) -> None:
    with _connected(ear) as sender, contextlib.suppress(OSError):
        for _ in range(1000):
            sender.sendall(b"X-More: " + b"x" * 1000 + b"\r\n" if _ else HEAD)
    assert ear.hear().status_code == 202


def test_a_flood_of_unsigned_requests_does_not_fill_the_log(
    ear: Ear, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hooks_app, "TOLD_EVERY_SECONDS", 1e9)
    caplog.set_level("INFO", logger="ratoon.hooks")
    for _ in range(30):
        assert ear.hear(signed_by="guessed").status_code == 401
    lines = [each for each in caplog.records if each.name == "ratoon.hooks"]
    assert len(lines) == 1


def _connected(ear: Ear) -> socket.socket:
    return socket.create_connection(("127.0.0.1", ear.client.base_url.port or 0), timeout=60)


def _until_cut(slow: socket.socket) -> None:
    with contextlib.suppress(ConnectionResetError):
        while slow.recv(65536):
            pass
