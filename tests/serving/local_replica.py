"""A replica that listens on a free port, in a thread of the test's process."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from models_served import Served

from ratoon.log import Log, Prediction, Status, open_log
from ratoon.log.engine import connect
from ratoon.log.prepared import HandIn
from ratoon.serving.keys import Keys
from ratoon.serving.metrics import Metrics
from ratoon.serving.recording import Recorder
from ratoon.serving.replica import Replica
from ratoon.serving.server import DrainingServer, listen, server_of
from ratoon.serving.versions.follower import Follower, SwapOutcome
from ratoon.serving.versions.loading import RegistryVersions
from ratoon.spec.errors import Unavailable
from ratoon.spec.keys.serving import ServingSpec


class StoppableLog(Log):
    """A log that can be stopped, as a database that went away."""

    stopped = False

    def append(self, hand_ins: Sequence[HandIn]) -> list[list[Status]]:
        if self.stopped:
            raise Unavailable("the log is away")
        return super().append(hand_ins)

    @property
    def rows(self) -> dict[str, Prediction]:
        """All predictions by their rows' ids."""
        return {each.prediction.row_id: each.prediction for each in self.predictions_after("shop", limit=10_000)}


def opened(folder: Path) -> StoppableLog:
    url = f"sqlite:///{folder / 'log.db'}"
    open_log(url).close()
    return StoppableLog(connect(url))


def wait_until(holds: Callable[[], object], seconds: float = 20) -> None:
    """Until *holds*; fails after *seconds*."""
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.01)


@dataclass
class Running:
    """The replica with its address, and what it told of its swaps."""

    url: str
    replica: Replica
    server: DrainingServer
    log: StoppableLog
    swaps: list[SwapOutcome]
    client: httpx.Client
    thread: threading.Thread

    def infer(self, inputs: list[dict[str, Any]], path: str = "/v2/models/shop/infer", **more: Any) -> httpx.Response:
        return self.client.post(path, json={"inputs": inputs, **more})

    def wait_for(self, number: str, seconds: float = 20) -> None:
        """Until version *number* serves."""
        self.replica.follower.hint()
        until = time.monotonic() + seconds
        while (now := self.replica.follower.now.champion) is None or now.number != number:
            assert time.monotonic() < until, f"version {number} does not serve: {self.replica.follower.trouble}"
            time.sleep(0.01)


@contextmanager
def running(
    served: Served, *, keys: str = "", source: Any = None, how: str = "buffer", **serving: Any
) -> Iterator[Running]:
    """A replica with these keys of `serving:`, once its first version answers."""
    spec = served.spec
    settings = ServingSpec.model_validate({"drain": "0s", "access_log": False, "poll": "0.05s", "log": how, **serving})
    listening = listen("127.0.0.1", 0, shared=False)
    swaps: list[SwapOutcome] = []
    follower = Follower(
        source or RegistryVersions(spec, served.registry, seconds=10, beside=spec.data.id),
        poll=settings.poll.total_seconds(),
        told=swaps.append,
    )
    kept = opened(served.folder)
    recorder = Recorder(kept, spec.model, how=settings.log, buffer=settings.buffer)
    replica = Replica(spec, settings, follower, Keys.read(keys, "the test"), Metrics(spec.model), recorder)
    server = server_of(replica)
    follower.start()
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    with httpx.Client(base_url=url, timeout=30) as client:
        found = Running(url, replica, server, kept, swaps, client, thread)
        try:
            wait_until(lambda: server.started)
            if source is None:
                found.wait_for("1")
            yield found
        finally:
            client.close()
            server.should_exit = True
            thread.join(20)
            replica.close()
            listening.close()
