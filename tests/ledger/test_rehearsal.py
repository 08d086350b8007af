"""A ledger for a rehearsal: in memory, or in a file that does not wait for the disk; otherwise the same."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import IntegrityError

from ratoon.ledger.engine import connect
from ratoon.ledger.ledger import Ledger


def test_a_ledger_in_memory_keeps_all_while_it_is_open_and_nothing_after(made):
    with Ledger.open("sqlite://") as ledger, Ledger.open("sqlite://") as other:
        ledger.decisions.record(made.decided(), [made.measured()], live=True)
        run = made.claim(ledger)
        ledger.runs.finish(run, outcome="refused", ended_at=made.NOW)

        assert ledger.decisions.of("price") == [made.decided()]
        assert ledger.decisions.signals("d1") == [made.measured()]
        assert [u.outcome for u in ledger.history("price", made.NOW).updates] == ["refused"]
        assert other.decisions.of("price") == []
    with Ledger.open("sqlite://") as again:
        assert again.decisions.of("price") == []


def test_a_ledger_in_memory_is_append_only_as_well(made):
    with Ledger.open("sqlite://") as ledger:
        ledger.decisions.record(made.decided(), [], live=True)
        with pytest.raises(IntegrityError, match="append-only"), ledger._engine.begin() as connection:
            connection.execute(text("DELETE FROM decisions"))
        assert ledger.decisions.of("price") == [made.decided()]


def test_threads_of_one_process_share_a_ledger_in_memory(made):
    """One connection is the database: a thread waits until the other's transaction has ended."""
    with Ledger.open("sqlite://") as ledger, ThreadPoolExecutor(4) as pool:

        def record(number: int) -> int:
            ledger.decisions.record(made.decided(f"d{number}", hours=number), [made.measured()] * 3, live=True)
            return len(ledger.history("price", made.NOW + timedelta(days=9)).decisions)

        seen = list(pool.map(record, range(40)))
        assert len(ledger.decisions.of("price")) == 40
    assert max(seen) == 40


def test_a_failed_write_in_memory_leaves_nothing_and_the_ledger_goes_on(made):
    with Ledger.open("sqlite://") as ledger:
        with pytest.raises(ValueError, match="names policy"):
            ledger.decisions.record(made.decided(), [], policy=made.policy(), live=True)
        assert ledger.decisions.of("price") == []
        assert ledger.decisions.record(made.decided(), [], live=True)[1]


def test_only_a_ledger_that_was_asked_to_be_hasty_does_not_wait_for_the_disk(url, made):
    asked = (
        ("PRAGMA synchronous", {True: 2, False: 0})
        if url.startswith("sqlite")
        else ("SHOW synchronous_commit", {True: "on", False: "off"})
    )
    with Ledger.open(url, durable=False) as ledger:
        ledger.decisions.record(made.decided(), [], live=True)
    for durable in (True, False):
        engine = connect(url, durable=durable)
        with engine.connect() as connection:
            assert connection.execute(text(asked[0])).scalar() == asked[1][durable]
        engine.dispose()
    with Ledger.open(url) as ledger:
        assert ledger.decisions.of("price") == [made.decided()]


@contextmanager
def _counted(ledger: Ledger) -> Iterator[list[str]]:
    said: list[str] = []

    def keep(*given: object) -> None:
        said.append(str(given[2]))

    event.listen(ledger._engine, "before_cursor_execute", keep)
    yield said
    event.remove(ledger._engine, "before_cursor_execute", keep)


def test_a_long_past_is_read_with_as_few_questions_as_a_short_one(made):
    """A backtest asks at each of hundreds of moments."""
    asked: dict[int, list[int]] = {}
    for count in (5, 60):
        with Ledger.open("sqlite://") as ledger:
            for hours in range(count):
                ledger.decisions.record(made.decided(f"d{hours}", hours=hours), [], live=True)
                ledger.runs.finish(made.claim(ledger, f"d{hours}"), outcome="refused", ended_at=made.NOW)
                ledger.scores.record(made.scored(f"d{hours}"), "price")
            late = made.NOW + timedelta(days=9)
            asked[count] = []
            for _ in ("cold", "warm"):
                with _counted(ledger) as said:
                    ledger.history("price", late)
                asked[count].append(len([each for each in said if each.startswith("SELECT")]))
            with _counted(ledger) as said:
                ledger.runs.of("price")
                ledger.promotions.of("price")
            assert len([each for each in said if each.startswith("SELECT")]) == 2
    assert asked[5] == asked[60] == [6, 3]
