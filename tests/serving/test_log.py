"""What was served goes into the log, and labels come through the same door."""

from __future__ import annotations

import threading
from collections.abc import Callable

import httpx
import pytest
from local_replica import Running, wait_until
from models_served import rows

ROWS = {"dataframe_records": rows(2)[["a", "b", "c"]].to_dict(orient="records")}
LABELS = "/v2/models/shop/labels"


@pytest.fixture
def awaiting(start: Callable[..., Running]) -> Running:
    return start(how="await")


def test_an_awaited_answer_is_in_the_log_before_it_is_given(awaiting: Running) -> None:
    answer = awaiting.client.post("/invocations", json=ROWS)
    name = answer.headers["Ratoon-Request-Id"]
    assert set(awaiting.log.rows) == {f"{name}/0", f"{name}/1"}
    kept = awaiting.log.rows[f"{name}/0"]
    assert (kept.version, kept.arm) == ("1", "champion")
    assert (kept.prediction >= 0.5) == answer.json()["predictions"][0]  # the probability of the last class
    assert kept.features == ROWS["dataframe_records"][0]
    assert kept.watermark is not None and kept.watermark.isoformat() == answer.headers["Ratoon-Watermark"]


def test_awaiting_a_log_that_is_away_there_is_no_answer(awaiting: Running) -> None:
    awaiting.log.stopped = True
    assert awaiting.client.post("/invocations", json=ROWS).status_code == 503
    awaiting.log.stopped = False
    assert awaiting.client.post("/invocations", json=ROWS).status_code == 200


def test_buffered_predictions_go_on_without_a_log_and_what_is_dropped_is_counted(
    start: Callable[..., Running],
) -> None:
    replica = start(how="buffer", buffer=6)
    replica.log.stopped = True
    for _ in range(5):
        assert replica.client.post("/invocations", json=ROWS).status_code == 200
    wait_until(lambda: replica.replica.recorder.dropped == 10)
    assert 'ratoon_serving_log_dropped_rows_total{model="shop"} 10.0' in replica.client.get("/metrics").text
    replica.log.stopped = False
    assert replica.client.post("/invocations", json=ROWS).status_code == 200
    wait_until(lambda: len(replica.log.rows) == 2)


def test_without_a_log_predictions_are_not_kept(start: Callable[..., Running]) -> None:
    replica = start(how="off")
    assert replica.client.post("/invocations", json=ROWS).status_code == 200
    assert replica.client.post(LABELS, json={"id": "r", "value": 1}).status_code == 200
    assert not replica.log.rows


@pytest.mark.parametrize(
    "body",
    [
        {"id": "r1", "value": 1},
        [{"id": "r1", "value": 1}, {"id": "r2", "value": "late"}],
        {"labels": [{"id": 7, "value": 0.5, "event_id": "e7"}]},
    ],
)
def test_labels_come_by_one_or_many_and_200_means_durable(start: Callable[..., Running], body: object) -> None:
    replica = start()
    answer = replica.client.post(LABELS, json=body)
    assert answer.status_code == 200
    said = answer.json()["labels"]
    assert {each["outcome"] for each in said} == {"waiting"}  # for their predictions
    again = replica.client.post(LABELS, json=body)
    assert {each["outcome"] for each in again.json()["labels"]} == {"repeated"}


def test_labels_are_refused_while_the_log_is_away(start: Callable[..., Running]) -> None:
    replica = start()
    replica.log.stopped = True
    answer = replica.client.post(LABELS, json={"id": "r1", "value": 1})
    assert answer.status_code == 503 and "Retry-After" in answer.headers
    assert replica.client.post("/invocations", json=ROWS).status_code == 200


@pytest.mark.parametrize(
    "body",
    [{"id": "r"}, {"value": 1}, [1], {"id": "r", "value": None}, {"id": "", "value": 1}, {"id": "r", "value": [1]},
     {"id": "r", "value": 1, "more": 2}, {"id": "r\x00", "value": 1}, {"id": "r" * 999, "value": 1}],
)  # fmt: skip
def test_what_is_no_label_is_400_and_nothing_is_kept(start: Callable[..., Running], body: object) -> None:
    replica = start()
    many = [{"id": "ok", "value": 1}, *(body if isinstance(body, list) else [body])]
    assert replica.client.post(LABELS, json=many).status_code == 400
    assert replica.client.post(LABELS, json={"id": "ok", "value": 1}).json()["labels"][0]["outcome"] == "waiting"


def test_a_label_of_a_served_row_is_accepted_and_another_value_is_a_correction(awaiting: Running) -> None:
    """The row is known by the id of its request."""
    answer = awaiting.client.post("/invocations", json=ROWS)
    row = f"{answer.headers['Ratoon-Request-Id']}/0"
    outcomes = [
        awaiting.client.post(LABELS, json={"id": row, "value": value}).json()["labels"][0]["outcome"]
        for value in (1, 1, 0)
    ]
    assert outcomes == ["accepted", "repeated", "correction"]
    assert [each.event.value for each in awaiting.log.labels_after("shop")] == [1, 0]


def test_many_clients_send_labels_at_once_and_each_is_kept(start: Callable[..., Running]) -> None:
    replica = start()
    statuses: list[int] = []

    def send(worker: int) -> None:
        with httpx.Client(base_url=replica.url, timeout=30) as client:
            for at in range(5):
                statuses.append(client.post(LABELS, json={"id": f"{worker}-{at}", "value": 1}).status_code)

    senders = [threading.Thread(target=send, args=(each,)) for each in range(8)]
    for each in senders:
        each.start()
    for each in senders:
        each.join()
    assert statuses == [200] * 40
    assert replica.replica.recorder._labels.commits <= 40
