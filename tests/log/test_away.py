"""The log's disk is full or its database goes away: said, and never half."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, text

from ratoon.log import GroupCommit, Log, Prediction, open_log
from ratoon.log import log as log_module
from ratoon.spec import waiting
from ratoon.spec.errors import Unavailable

from .conftest import MODEL, NOW, labels, rows, sqlite_url


def full(connection: Any, _record: object) -> None:
    """A disk that takes two pages more."""
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages + 2}")


def test_a_full_disk_is_said_and_nothing_is_half_written(tmp_path: Path) -> None:
    with open_log(sqlite_url(tmp_path)) as log:
        log.append_predictions(MODEL, rows("a"))
        event.listen(log.engine, "connect", full)
        log.engine.dispose()
        big = [Prediction(f"b{n}", NOW, "1", {"text": "x" * 5_000}) for n in range(50)]

        with pytest.raises(Unavailable, match=r"the log sqlite.*full"):
            log.append_predictions(MODEL, big)
        with GroupCommit(log) as group:
            assert isinstance(group.predictions(MODEL, big).exception(), Unavailable)
            assert group.buffer_predictions(MODEL, big)
        assert group.dropped == 50

        assert [each.prediction.row_id for each in log.predictions_after(MODEL)] == ["a"]
        assert log.append_labels(MODEL, labels("a")) == ["accepted"]


@pytest.fixture
def lost(url: str, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Let the server end the connection so many times, just before a commit."""
    if not url.startswith("postgres"):
        pytest.skip("a file does not go away")
    monkeypatch.setattr(waiting, "PAUSES", (0.0, 0.0))
    real = log_module.append

    def times(number: int) -> None:
        left = [number]

        def losing(connection: Any, *args: Any) -> Any:
            found = real(connection, *args)
            if left[0]:
                left[0] -= 1
                connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
            return found

        monkeypatch.setattr(log_module, "append", losing)

    return times


def test_a_server_that_comes_back_is_waited_for(log: Log, lost: Callable[[int], None]) -> None:
    log.append_predictions(MODEL, rows("a"))
    lost(2)

    assert log.append_labels(MODEL, labels("a")) == ["accepted"]
    assert len(log.labels_after(MODEL)) == 1


def test_a_server_that_stays_away_is_named_and_the_label_is_not_acknowledged(
    log: Log, lost: Callable[[int], None]
) -> None:
    log.append_predictions(MODEL, rows("a"))
    lost(99)

    with pytest.raises(Unavailable, match="the log postgresql"):
        log.append_labels(MODEL, labels("a"))
    assert log.labels_after(MODEL) == []
