"""Many callers, one commit."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest
from sqlalchemy import text

from ratoon.log import GroupCommit, LabelEvent, Log, QueueFull, open_log
from ratoon.log.prepared import HandIn
from ratoon.spec.errors import BadInput, Unavailable

from .conftest import MODEL, labels, rows, sqlite_url


def test_many_threads_share_commits(log: Log) -> None:
    with GroupCommit(log) as group, ThreadPoolExecutor(16) as pool:
        group.predictions(MODEL, rows(*(f"r{n}" for n in range(200)))).result()
        said = list(pool.map(lambda n: group.labels(MODEL, labels(f"r{n}")).result(), range(200)))

    assert said == [["accepted"]] * 200
    assert group.commits < 150
    assert len(log.labels_after(MODEL)) == 200


def test_tasks_of_an_event_loop_share_commits(log: Log) -> None:
    async def all_of_them(group: GroupCommit) -> list[list[str]]:
        await group.write_predictions(MODEL, rows(*(f"r{n}" for n in range(100))))
        return await asyncio.gather(*(group.write_labels(MODEL, labels(f"r{n}")) for n in range(100)))  # type: ignore[return-value]

    with GroupCommit(log) as group:
        said = asyncio.run(all_of_them(group))

    assert said == [["accepted"]] * 100
    assert group.commits < 20


def test_what_is_no_label_is_refused_at_once(log: Log) -> None:
    with GroupCommit(log) as group, pytest.raises(BadInput):
        group.labels(MODEL, [LabelEvent("a", None)])


class Held:
    """A log that writes only when it is let."""

    def __init__(self, log: Log) -> None:
        self.log, self.free, self.inside = log, Event(), Event()

    def append(self, hand_ins: list[HandIn]) -> list[list[str]]:
        self.inside.set()
        self.free.wait(10)
        return self.log.append(hand_ins)  # type: ignore[return-value]


def test_a_full_queue_refuses_at_once_and_what_is_dropped_is_counted(tmp_path: Path) -> None:
    with open_log(sqlite_url(tmp_path)) as log:
        held = Held(log)
        group = GroupCommit(held, queued=3)  # type: ignore[arg-type]
        first = group.predictions(MODEL, rows("a"))
        held.inside.wait(10)
        taken = group.predictions(MODEL, rows("b", "c"))
        with pytest.raises(QueueFull):
            group.predictions(MODEL, rows("d", "e"))
        assert not group.buffer_predictions(MODEL, rows("f", "g"))
        assert group.buffer_predictions(MODEL, rows("h"))
        held.free.set()
        group.close()

        assert group.dropped == 2
        assert (first.result(), taken.result()) == (["accepted"], ["accepted"] * 2)
        assert [each.prediction.row_id for each in log.predictions_after(MODEL)] == ["a", "b", "c", "h"]
        with pytest.raises(Unavailable):
            group.labels(MODEL, labels("a"))


def test_one_that_the_database_refuses_takes_no_other_with_it(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    with log.engine.connect() as connection:
        connection.execute(text("SELECT 1"))
    held = Held(log)
    append: Callable[..., list[list[str]]] = held.append

    def choosy(hand_ins: list[HandIn]) -> list[list[str]]:
        if any(row.row_id == "bad" for each in hand_ins for row in each.rows):
            held.inside.set()
            held.free.wait(10)
            raise ValueError("not this one")
        return append(hand_ins)

    monkeypatch.setattr(held, "append", choosy)
    with GroupCommit(held) as group:  # type: ignore[arg-type]
        first = group.predictions(MODEL, rows("one"))
        held.inside.wait(10)
        bad, good = group.predictions(MODEL, rows("bad")), group.predictions(MODEL, rows("good"))
        held.free.set()

    assert first.result() == good.result() == ["accepted"]
    with pytest.raises(ValueError, match="not this one"):
        bad.result()
