"""A history that was kept elsewhere comes in with its own times, once, and goes out again."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from ratoon.log import Log, Prediction, history, open_log
from ratoon.spec.errors import BadInput

from .conftest import MODEL, NOW, Hands, labels, rows

HOUR = timedelta(hours=1)


def past(number: int) -> tuple[list[Prediction], list[datetime]]:
    """A row an hour before NOW and earlier, and when its label came: five at a time."""
    times = [NOW - (number - n) * HOUR for n in range(number)]
    found = [Prediction(f"h{n}", time, "0", {"size": n}) for n, time in enumerate(times)]
    return found, [times[n - n % 5] + 10 * HOUR for n in range(number)]


def test_rows_and_labels_keep_their_times(url: str) -> None:
    found, arrivals = past(20)
    with open_log(url, now=Hands(NOW + 20 * HOUR)) as log:
        log.import_predictions(MODEL, found)
        log.import_labels(MODEL, labels(*(each.row_id for each in found)), arrivals)

        assert [each.prediction.time for each in log.predictions_after(MODEL)] == [each.time for each in found]
        assert [each.arrival for each in log.labels_after(MODEL)] == arrivals
        log.append_predictions(MODEL, rows("new"))
        log.append_labels(MODEL, labels("new"))
        assert log.labels_after(MODEL)[-1].arrival > NOW + 20 * HOUR


def test_an_import_that_broke_off_is_done_again(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "AT_ONCE", 7)
    found, arrivals = past(20)
    events = labels(*(each.row_id for each in found))
    with open_log(url) as log:
        log.import_predictions(MODEL, found)
        log.import_labels(MODEL, events[:10], arrivals[:10])

        assert log.import_predictions(MODEL, found) == ["repeated"] * 20
        assert log.import_labels(MODEL, events, arrivals) == ["repeated"] * 10 + ["accepted"] * 10
        assert [each.arrival for each in log.labels_after(MODEL)] == arrivals


def test_labels_of_one_moment_are_committed_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "AT_ONCE", 7)
    found, arrivals = past(20)
    hand_in = history.HandIn(MODEL, "", (), tuple(history.Event(each.row_id, each.row_id, "1") for each in found))

    cut = [set(times) for _, times in history.parts(hand_in, arrivals)]

    assert all(not one & other for n, one in enumerate(cut) for other in cut[n + 1 :])
    assert set().union(*cut) == set(arrivals)


def test_a_history_behind_what_was_read_is_refused_whole(log: Log) -> None:
    found, arrivals = past(5)
    log.append_predictions(MODEL, rows("live"))
    log.append_labels(MODEL, labels("live"))
    log.import_predictions(MODEL, found)

    with pytest.raises(BadInput, match="h0"):
        log.import_labels(MODEL, labels(*(each.row_id for each in found)), arrivals)

    assert [each.event.row_id for each in log.labels_after(MODEL)] == ["live"]


@pytest.mark.parametrize("partition", ["", "north"])
def test_an_older_history_after_a_newer_one_is_refused(url: str, partition: str) -> None:
    """Into another partition too: they are read together."""
    found, arrivals = past(20)
    events = labels(*(each.row_id for each in found))
    with open_log(url) as log:
        log.import_predictions(MODEL, found[10:])
        log.import_labels(MODEL, events[10:], arrivals[10:])
        log.import_predictions(MODEL, found[:10], partition)

        with pytest.raises(BadInput, match="h0"):
            log.import_labels(MODEL, events[:10], arrivals[:10], partition)

        assert len(log.labels_after(MODEL)) == 10
