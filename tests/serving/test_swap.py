"""A swap of versions is seen by nobody but in what the answers say."""

from __future__ import annotations

import shutil
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import httpx
import pytest
from local_replica import Running, wait_until
from models_served import VERSIONS, Served, rows

from ratoon.serving.versions.follower import Follower, SwapOutcome
from ratoon.serving.versions.prepared import Here, Prepared, prepare
from ratoon.spec.errors import RegistryError

FRAME = rows(3, seed=11)
BODY = {
    "inputs": [
        {"name": name, "datatype": kind, "shape": [3], "data": FRAME[name].tolist()}
        for name, kind in (("a", "FP64"), ("b", "FP64"), ("c", "BYTES"))
    ]
}


@pytest.mark.parametrize(
    ("swaps", "requests"), [(3, 400), pytest.param(20, 6000, marks=pytest.mark.slow)], ids=["few", "many"]
)
def test_no_request_fails_under_swaps_and_each_is_answered_by_the_version_that_it_names(
    start: Callable[..., Running], served: Served, swaps: int, requests: int
) -> None:
    """Invariants 11 and 12: thousands of requests from several clients while the alias moves."""
    replica = start()
    expected = {number: served.expected(number, FRAME)["_score"].tolist() for number in VERSIONS}
    assert len({tuple(each) for each in expected.values()}) == len(VERSIONS)
    found: Counter[str] = Counter()
    wrong: list[str] = []
    stop = threading.Event()

    def ask() -> None:
        with httpx.Client(base_url=replica.url, timeout=30) as client:
            while not stop.is_set():
                answer = client.post("/v2/models/shop/infer", json=BODY)
                if answer.status_code != 200:
                    wrong.append(answer.text)
                    continue
                said = answer.json()
                version, proba = said["model_version"], said["outputs"][1]["data"][1::2]
                found[version] += 1
                if proba != expected[version] or answer.headers["Ratoon-Version"] != version:
                    wrong.append(version)

    clients = [threading.Thread(target=ask) for _ in range(3)]
    for each in clients:
        each.start()
    for turn in range(1, swaps + 1):
        number = VERSIONS[turn % len(VERSIONS)]
        served.promote(number)
        replica.wait_for(number)
        before = sum(found.values())
        wait_until(lambda before=before: sum(found.values()) >= before + requests // swaps or wrong, 300)
    stop.set()
    for each in clients:
        each.join()
    assert not wrong, wrong[:3]
    assert set(found) == set(VERSIONS) and sum(found.values()) >= requests
    assert [each.done for each in replica.swaps] == ["served"] * (swaps + 1)
    assert len(replica.replica.follower.now.all()) <= 3


def test_a_version_that_does_not_load_leaves_the_old_one_serving_and_is_said(
    start: Callable[..., Running], served: Served
) -> None:
    replica = start()
    shutil.rmtree(served.registry.folder("2") / "model", ignore_errors=True)
    for file in served.registry.folder("2").glob("*.skops"):
        file.unlink()
    served.promote("2")
    replica.replica.follower.hint()
    wait_until(lambda: len(replica.swaps) == 2)
    refused = replica.swaps[-1]
    assert (refused.version, refused.previous, refused.done) == ("2", "1", "refused")
    assert "version 2" in refused.reason
    answer = replica.client.post("/v2/models/shop/infer", json=BODY)
    assert (answer.status_code, answer.json()["model_version"]) == (200, "1")
    assert replica.client.get("/v2/health/ready").status_code == 200


def test_a_version_that_no_gate_passed_does_not_serve(start: Callable[..., Running], served: Served) -> None:
    import sqlite3

    with sqlite3.connect(served.folder / ".ratoon" / "mlflow.db") as database:
        database.execute("update model_version_tags set value = 'unproven' where version = 2 and key = 'ratoon.gate'")
    replica = start()
    served.promote("2")
    replica.replica.follower.hint()
    wait_until(lambda: len(replica.swaps) == 2)
    assert (replica.swaps[-1].done, replica.replica.follower.now.champion.number) == ("refused", "1")


def test_predictions_go_on_while_the_registry_is_away(start: Callable[..., Running], served: Served) -> None:
    replica = start()
    database = served.folder / ".ratoon" / "mlflow.db"
    database.rename(database.with_suffix(".away"))
    wait_until(lambda: replica.replica.follower.poll_failures >= 2)
    assert replica.client.post("/v2/models/shop/infer", json=BODY).status_code == 200
    assert replica.client.get("/v2/health/ready").status_code == 200
    served_again = database.with_suffix(".away").rename(database)
    assert served_again.exists()
    served.promote("3")
    replica.wait_for("3")


def test_a_hint_makes_the_replica_look_at_once(start: Callable[..., Running], served: Served) -> None:
    replica = start(poll="1h")
    served.promote("3")
    assert replica.client.post("/hint").status_code == 202
    replica.wait_for("3")


class Few:
    """A source whose versions are asked for by hand."""

    def __init__(self, prepared: Prepared) -> None:
        self._prepared = prepared
        self.points: dict[str, str] = {"champion": "1"}
        self.broken: set[str] = set()
        self.loads: Counter[str] = Counter()
        self.forgotten: list[str] = []

    def aliases(self) -> Mapping[str, str]:
        return dict(self.points)

    def load(self, number: str) -> Prepared:
        self.loads[number] += 1
        if number in self.broken:
            raise RegistryError(f"version {number} is torn")
        made = self._prepared
        return Prepared(number, made.state, made.contract, made.score_name, made.answering)

    def forget(self, number: str) -> None:
        self.forgotten.append(number)


@pytest.fixture
def few(served: Served) -> Few:
    trained = served.registry.load("1")
    return Few(prepare(trained.state, "1", Here(trained), probabilistic=True))


def follower_of(few: Few) -> tuple[Follower, list[SwapOutcome]]:
    told: list[SwapOutcome] = []
    return Follower(few, poll=60, told=told.append), told


def numbers(follower: Follower) -> tuple[Any, ...]:
    held = follower.now
    return tuple(None if each is None else each.number for each in (held.champion, held.challenger, held.previous))


def test_memory_holds_champion_challenger_and_previous(few: Few) -> None:
    follower, _ = follower_of(few)
    for champion in range(1, 30):
        few.points = {"champion": str(champion), "challenger": str(champion + 1)}
        follower.look()
        assert numbers(follower) == (str(champion), str(champion + 1), str(champion - 1) if champion > 1 else None)
    assert max(few.loads.values()) == 1  # a challenger that is promoted is not loaded again
    assert set(few.forgotten) == {str(each) for each in range(1, 28)}


def test_a_broken_version_is_not_tried_at_each_look_but_after_a_hint(few: Few) -> None:
    follower, told = follower_of(few)
    follower.look()
    few.points, few.broken = {"champion": "2"}, {"2"}
    for _ in range(5):
        follower.look()
    assert (few.loads["2"], numbers(follower)) == (1, ("1", None, None))
    few.broken = set()
    follower.hint()
    follower.look()
    assert numbers(follower) == ("2", None, "1")
    assert [each.done for each in told] == ["served", "refused", "served"]


def test_an_alias_that_is_gone_leaves_the_version_serving(few: Few) -> None:
    follower, _ = follower_of(few)
    follower.look()
    few.points = {}
    follower.look()
    assert numbers(follower)[0] == "1"


def test_a_roll_back_takes_the_version_that_is_held(few: Few) -> None:
    follower, _ = follower_of(few)
    for champion in ("1", "2", "1"):
        few.points = {"champion": champion}
        follower.look()
    assert numbers(follower) == ("1", None, "2")
    assert few.loads == {"1": 1, "2": 1}
