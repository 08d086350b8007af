"""What is written to the log, and what is said of it."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta, timezone

import pytest

from ratoon.log import LabelEvent, Log, Prediction, open_log
from ratoon.spec.errors import BadInput

from .conftest import MODEL, NOW, Hands, labels, rows


def test_a_label_is_accepted_once_however_often_it_is_sent(log: Log) -> None:
    log.append_predictions(MODEL, rows("a", "b"))

    assert log.append_labels(MODEL, labels("a", "b", "a")) == ["accepted", "accepted", "repeated"]
    assert log.append_labels(MODEL, labels("a")) == ["repeated"]
    assert [each.event.row_id for each in log.labels_after(MODEL)] == ["a", "b"]


def test_another_value_is_a_correction_and_both_are_kept(log: Log) -> None:
    log.append_predictions(MODEL, rows("a"))
    log.append_labels(MODEL, labels("a", value=0))

    assert log.append_labels(MODEL, labels("a", value=1)) == ["correction"]
    assert log.append_labels(MODEL, labels("a", value=0)) == ["repeated"]  # the first delivery, sent again
    assert [each.event.value for each in log.labels_after(MODEL)] == [0, 1]


def test_a_new_event_of_the_same_value_is_kept_and_says_nothing_new(log: Log) -> None:
    log.append_predictions(MODEL, rows("a"))
    log.append_labels(MODEL, [LabelEvent("a", 1, "e1")])

    assert log.append_labels(MODEL, [LabelEvent("a", 1, "e2")]) == ["repeated"]
    assert log.append_labels(MODEL, [LabelEvent("a", 0, "e3")]) == ["correction"]
    assert log.append_labels(MODEL, [LabelEvent("a", 1, "e2")]) == ["repeated"]
    assert [each.event.event_id for each in log.labels_after(MODEL)] == ["e1", "e2", "e3"]


def test_a_label_before_its_prediction_waits_and_arrives_with_it(log: Log) -> None:
    assert log.append_labels(MODEL, labels("a", "b")) == ["waiting", "waiting"]
    assert log.append_labels(MODEL, labels("a")) == ["repeated"]
    assert log.labels_after(MODEL) == []
    log.append_predictions(MODEL, rows("c"))
    log.append_labels(MODEL, labels("c"))

    log.append_predictions(MODEL, rows("a"))

    assert [each.event.row_id for each in log.labels_after(MODEL)] == ["c", "a"]
    assert log.append_labels(MODEL, labels("a", "b")) == ["repeated", "repeated"]


def test_a_prediction_is_kept_as_it_was_served_first(log: Log) -> None:
    features = {"size": 1, "town": "Köln", "new": True, "gone": math.nan, "none": None}
    east = timezone(timedelta(hours=2))
    row = Prediction("a", NOW.replace(tzinfo=east), "7", features, "late", datetime(2026, 2, 1, tzinfo=UTC), "b")
    log.append_predictions(MODEL, [row])

    assert log.append_predictions(MODEL, rows("a")) == ["repeated"]
    (found,) = log.predictions_after(MODEL)
    expected = {"size": 1, "town": "Köln", "new": True, "gone": None, "none": None}
    moment = NOW - timedelta(hours=2)
    assert found.prediction == Prediction("a", moment, "7", expected, "late", datetime(2026, 2, 1), "b")


def test_arrivals_grow_although_the_clock_steps_back(url: str) -> None:
    clock = Hands(NOW)
    with open_log(url, now=clock) as log:
        log.append_predictions(MODEL, rows("a", "b", "c", "d"))
        log.append_labels(MODEL, labels("a", "b"))
        clock.at -= timedelta(hours=1)
        log.append_labels(MODEL, labels("c"))
        clock.at += timedelta(hours=2)
        log.append_labels(MODEL, labels("d"))

        arrivals = [each.arrival for each in log.labels_after(MODEL)]

    assert arrivals == sorted(set(arrivals))
    assert arrivals[2] - arrivals[1] == timedelta(microseconds=1)
    assert arrivals[3] == clock.at


def test_a_row_is_never_later_than_its_label(url: str) -> None:
    """The clock of the replica that served it may run ahead of the log's."""
    with open_log(url, now=Hands(NOW)) as log:
        log.append_predictions(MODEL, rows("a", time=NOW + timedelta(minutes=1)))
        log.append_labels(MODEL, labels("a"))

        assert log.predictions_after(MODEL)[0].prediction.time < log.labels_after(MODEL)[0].arrival


def test_models_and_partitions_are_logs_of_their_own(log: Log) -> None:
    log.append_predictions(MODEL, rows("a"), partition="north")
    log.append_predictions("other", rows("a"))

    assert log.append_labels(MODEL, labels("a"), partition="south") == ["waiting"]
    assert log.append_labels(MODEL, labels("a"), partition="north") == ["accepted"]
    assert log.append_labels("other", labels("a")) == ["accepted"]
    assert log.partitions(MODEL) == ("north", "south")
    assert [each.event.row_id for each in log.labels_after(MODEL, partition="north")] == ["a"]


@pytest.mark.parametrize("bad", ["", "a\0b", "x" * 501, 7])
def test_an_id_that_names_nothing_is_refused(bad: object) -> None:
    with pytest.raises(BadInput):
        Prediction(bad, NOW, "1")  # type: ignore[arg-type]
    with pytest.raises(BadInput):
        LabelEvent("a", 1, "b\0")


@pytest.mark.parametrize("value", [None, math.nan, math.inf, [1], {"a": 1}])
def test_what_is_no_label_is_refused_and_nothing_written(log: Log, value: object) -> None:
    log.append_predictions(MODEL, rows("a", "b"))

    with pytest.raises(BadInput):
        log.append_labels(MODEL, [LabelEvent("a", 1), LabelEvent("b", value)])

    assert log.labels_after(MODEL) == []


def test_features_that_are_no_scalars_are_refused(log: Log) -> None:
    with pytest.raises(BadInput, match="towns"):
        log.append_predictions(MODEL, rows("a", towns=["Ulm"]))
