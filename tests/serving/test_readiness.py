"""Live from the first moment, ready once a version is loaded; what cannot be told stops nobody."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from importlib.resources import files
from types import SimpleNamespace
from typing import Any

import pytest
from local_replica import Running, wait_until
from models_served import Served

from ratoon.loop.context import open_stores
from ratoon.loop.events import Swapped
from ratoon.serving.metrics import Metrics
from ratoon.serving.serve import Told
from ratoon.serving.versions.follower import SwapOutcome
from ratoon.serving.versions.prepared import Prepared
from ratoon.spec.errors import Unavailable

ONE = {"dataframe_records": [{"a": 1.0, "b": 2.0, "c": "x"}]}


class NoChampion:
    """A registry before the first promotion."""

    def aliases(self) -> Mapping[str, str]:
        return {}

    def load(self, number: str) -> Prepared:
        raise AssertionError(number)

    def forget(self, number: str) -> None:
        raise AssertionError(number)


def test_without_a_champion_it_is_live_and_not_ready(start: Callable[..., Running]) -> None:
    replica = start(source=NoChampion())
    client = replica.client
    wait_until(lambda: "champion" in replica.replica.follower.trouble)
    assert client.get("/v2/health/live").json() == {"live": True}
    ready = client.get("/v2/health/ready")
    assert (ready.status_code, ready.json()["ready"]) == (503, False)
    assert client.get("/ping").status_code == client.get("/v2/models/shop/ready").status_code == 503
    asked = client.post("/invocations", json=ONE)
    assert (asked.status_code, "Retry-After" in asked.headers) == (503, True)
    assert 'ratoon_serving_version{model="shop"} NaN' in client.get("/metrics").text


def test_a_drain_turns_ready_off_and_answers_on(start: Callable[..., Running]) -> None:
    replica = start(drain="1m")
    replica.server.drain()
    assert replica.client.get("/v2/health/ready").status_code == 503
    answer = replica.client.post("/invocations", json=ONE)
    assert (answer.status_code, answer.headers["connection"]) == (200, "close")


def test_a_swap_is_told_to_ledger_metrics_and_whoever_listens(served: Served) -> None:
    heard: list[Swapped] = []
    metrics = Metrics("shop")
    outcome = SwapOutcome("2", "1", datetime(2026, 2, 1), "refused", "torn")
    with open_stores(served.spec) as stores:
        Told(stores, "host:1", metrics, heard.append)(outcome)
        (kept,) = stores.ledger.swaps.of("shop")
    assert (kept.version, kept.previous, kept.done, kept.reason, kept.replica) == (
        "2",
        "1",
        "refused",
        "torn",
        "host:1",
    )
    assert [(each.version, each.done, each.event) for each in heard] == [("2", "refused", "ratoon.swapped")]
    assert b'ratoon_serving_swaps_total{model="shop",outcome="refused"} 1.0' in metrics.text()


def test_a_ledger_that_is_away_keeps_nobody_from_serving(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    heard: list[Swapped] = []

    class Away:
        def record(self, swap: Any) -> None:
            raise Unavailable("the ledger does not answer")

    stores: Any = SimpleNamespace(spec=served.spec, ledger=SimpleNamespace(swaps=Away()))
    with caplog.at_level(logging.ERROR, logger="ratoon.serving"):
        Told(stores, "host:1", Metrics("shop"), heard.append)(SwapOutcome("2", "1", datetime(2026, 2, 1), "served"))
    assert len(heard) == 1 and "ledger" in caplog.text


def test_the_dashboard_asks_for_metrics_that_there_are(start: Callable[..., Running]) -> None:
    replica = start()
    replica.client.post("/invocations", json=ONE)
    replica.client.post("/v2/models/shop/labels", json={"id": "r", "value": 1})
    replica.replica.metrics.count(replica.replica.metrics.swaps, "served")
    text = replica.client.get("/metrics").text
    dashboard = json.loads(files("ratoon.serving").joinpath("grafana.json").read_text())
    asked = {
        name
        for panel in dashboard["panels"]
        for target in panel["targets"]
        for name in re.findall(r"ratoon_serving_\w+", target["expr"])
    }
    assert len(asked) > 8
    for name in asked:
        assert f"\n{name}{{" in text, name


def test_the_page_of_the_interface_asks_no_other_machine(start: Callable[..., Running]) -> None:
    replica = start()
    page = replica.client.get("/")
    assert page.headers["content-type"].startswith("text/html")
    assert not re.findall(r"https?://", page.text)
    paths = replica.client.get("/openapi.json").json()["paths"]
    assert {"/v2/models/{model}/infer", "/v2/models/{model}/labels", "/invocations", "/metrics"} <= set(paths)
    infer = paths["/v2/models/{model}/infer"]["post"]
    assert "application/json" in infer["requestBody"]["content"]
