"""The ledger's database goes away in the middle of a step, or its disk is full: waited for, or said; never half."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.orm import Session

from ratoon.ledger import decisions, runs
from ratoon.ledger.ledger import Ledger
from ratoon.spec import waiting
from ratoon.spec.errors import BadInput, Unavailable
from ratoon.system import databases


@pytest.fixture
def restarts(url: str, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[int]]:
    """Make a function of the ledger's lose its connection (as at a restart) the first *times* it has done its work."""
    if not url.startswith("postgres"):
        pytest.skip("SQLite has no server")
    monkeypatch.setattr(waiting, "PAUSES", (0.0, 0.0))

    def lose(module: Any, name: str, times: int) -> list[int]:
        real, calls = getattr(module, name), [0]

        def losing(session: Session, *args: Any, **more: Any) -> Any:
            found = real(session, *args, **more)
            calls[0] += 1
            if calls[0] <= times:
                session.flush()
                session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
            return found

        monkeypatch.setattr(module, name, losing)
        return calls

    return lose


def test_a_read_that_is_cut_off_is_done_again(ledger: Ledger, made, restarts) -> None:
    ledger.decisions.record(made.decided("d1"), [], live=True)
    calls = restarts(decisions, "find", 2)

    assert ledger.decisions.find("d1") == made.decided("d1")
    assert calls == [3]


def test_a_write_that_is_cut_off_is_done_again_and_once(ledger: Ledger, made, restarts) -> None:
    calls = restarts(decisions, "find", 1)  # within the write

    assert ledger.decisions.record(made.decided("d1"), [made.measured()], live=True) == (made.decided("d1"), True)
    assert calls == [2]
    assert len(ledger.decisions.of("price")) == len(ledger.decisions.signals("d1")) == 1


def test_a_claim_that_is_cut_off_is_one_run(ledger: Ledger, made, restarts) -> None:
    ledger.decisions.record(made.decided("d1"), [], live=True)
    restarts(runs, "_claim", 1)

    run = made.claim(ledger)
    assert run is not None and ledger.runs.is_claimed(run)
    assert len(ledger.runs.of("price")) == 1


def test_a_database_that_stays_away_is_named_and_nothing_was_written(ledger: Ledger, made, restarts) -> None:
    restarts(decisions, "find", 99)

    with pytest.raises(Unavailable, match=r"the ledger postgresql.*Nothing was written"):
        ledger.decisions.record(made.decided("d1"), [], live=True)
    assert ledger.decisions.of("price") == []


def test_a_process_that_sleeps_in_the_middle_of_a_write_does_not_keep_others_from_writing(
    url: str, made, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Suspended with the write lock: the server ends its transaction, and on waking it writes again."""
    if not url.startswith("postgres"):
        pytest.skip("on one machine, whoever stopped a process can wake or kill it")
    monkeypatch.setattr(databases, "IDLE_MS", 300)
    real, asleep = decisions.find, threading.Event()

    def slow(*args: Any, **more: Any) -> Any:
        found = real(*args, **more)
        if not asleep.is_set():
            asleep.set()
            time.sleep(1.5)
        return found

    monkeypatch.setattr(decisions, "find", slow)
    with Ledger.open(url) as one, Ledger.open(url) as other:
        sleeper = threading.Thread(target=lambda: one.decisions.record(made.decided("d1"), [], live=True))
        sleeper.start()
        asleep.wait(30)
        assert other.decisions.record(made.decided("d2", hours=1), [], live=True)[1]
        assert [d.id for d in other.decisions.of("price")] == ["d2"]
        sleeper.join(60)
        assert {d.id for d in other.decisions.of("price")} == {"d1", "d2"}


def test_a_full_disk_is_said_and_nothing_is_half_written(url: str, made) -> None:
    if not url.startswith("sqlite"):
        pytest.skip("only SQLite lets a test limit its file")
    with Ledger.open(url) as ledger:
        ledger.decisions.record(made.decided("d1"), [made.measured()], live=True)

        def full(connection: Any, _record: Any) -> None:
            connection.execute("PRAGMA max_page_count = 1")  # SQLite takes the present size for the least

        event.listen(ledger._engine, "connect", full)
        ledger._engine.dispose()
        many = [made.measured(metric=f"m{n}", note="x" * 500) for n in range(400)]
        with pytest.raises(Unavailable, match=r"full.*Make room"):
            ledger.decisions.record(made.decided("d2", hours=1), many, live=True)
        assert [d.id for d in ledger.decisions.of("price")] == ["d1"]
        assert len(ledger.decisions.signals("d1")) == 1 and ledger.decisions.signals("d2") == []


@pytest.mark.parametrize("write", [False, True])
def test_a_torn_file_is_said_with_what_to_do(url: str, made, write: bool) -> None:
    """A disk lost pages in the middle: it opens as ever, and breaks at the first question."""
    if not url.startswith("sqlite"):
        pytest.skip("PostgreSQL keeps its own files")
    with Ledger.open(url) as ledger:
        ledger.decisions.record(made.decided("d1"), [made.measured()], live=True)
    file = Path(url.removeprefix("sqlite:///"))
    held = bytearray(file.read_bytes())
    held[2 * 4096 :] = bytes(len(held) - 2 * 4096)
    file.write_bytes(held)
    with pytest.raises((Unavailable, BadInput), match=r"ledger.*malformed"), Ledger.open(url) as ledger:
        if write:
            ledger.decisions.record(made.decided("d2", hours=1), [], live=True)
        ledger.decisions.of("price")
