"""Closed days go into Parquet exactly once, whenever the process dies."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from ratoon.log import LabelEvent, Log, open_log, seal
from ratoon.log.contents import sealed_days
from ratoon.log.seal import Sealed
from ratoon.log.transactions import read

from .conftest import MODEL, Hands, labels, rows, sqlite_url

FIRST = datetime(2026, 3, 1, 8)
DAY = timedelta(days=1)


class Killed(BaseException):
    """Stands for a kill: nothing of ours catches it."""


@pytest.fixture
def clock() -> Hands:
    return Hands(FIRST)


@pytest.fixture
def log(tmp_path: Path, clock: Hands) -> Iterator[Log]:
    """Three days of five rows each, labelled a day later, and a morning of the fourth."""
    with open_log(sqlite_url(tmp_path), now=clock) as opened:
        for day in range(3):
            clock.at = FIRST + day * DAY
            ids = [f"d{day}r{n}" for n in range(5)]
            opened.append_predictions(MODEL, rows(*ids, time=clock.at, size=day + 0.5, town="Ulm"))
            if day:
                opened.append_labels(MODEL, labels(*(f"d{day - 1}r{n}" for n in range(5))))
        clock.at = FIRST + 3 * DAY
        yield opened


def held(log: Log) -> tuple[list[str], list[str]]:
    """The ids of all rows and of all labels, as a reader of the whole log finds them."""
    found = log.contents(MODEL)
    ids = [*found.rows["row_id"].to_pylist()]
    for each in found.sealed_rows:
        ids += pq.read_table(each)["row_id"].to_pylist()
    events = [*found.labels["row_id"].to_pylist()]
    for each in found.sealed_labels:
        events += pq.read_table(each)["row_id"].to_pylist()
    return sorted(ids), sorted(events)


def test_closed_days_go_into_files_and_nothing_is_lost(log: Log) -> None:
    before = held(log)
    positions = [each.position for each in log.predictions_after(MODEL)]

    sealed = log.seal(MODEL)

    assert [(each.kind, each.day, each.rows) for each in sealed] == [
        ("predictions", "2026-03-01", 5),
        ("predictions", "2026-03-02", 5),
        ("predictions", "2026-03-03", 5),
        ("labels", "2026-03-02", 5),
        ("labels", "2026-03-03", 5),
    ]
    assert held(log) == before
    assert log.contents(MODEL).rows.num_rows == 0
    assert [each.position for each in log.predictions_after(MODEL)] == positions
    assert log.predictions_after(MODEL, position=positions[6], limit=3)[0].position == positions[7]
    assert log.seal(MODEL) == []


def test_a_file_is_what_its_seal_says(log: Log) -> None:
    log.seal(MODEL)

    assert log.folder is not None
    for each in read(log.engine, lambda c: sealed_days(c, MODEL)):
        content = (log.folder / each.file).read_bytes()
        assert hashlib.sha256(content).hexdigest() == each.sha256
        assert pq.read_table(log.folder / each.file).num_rows == each.rows


def test_days_that_may_still_grow_stay(log: Log, clock: Hands) -> None:
    assert {each.day for each in log.seal(MODEL, after=DAY)} == {"2026-03-01", "2026-03-02"}


def test_nothing_is_written_into_a_sealed_day_although_the_clock_steps_back(log: Log, clock: Hands) -> None:
    log.seal(MODEL)
    clock.at = FIRST + timedelta(hours=1)

    log.append_predictions(MODEL, rows("new"))
    log.append_labels(MODEL, labels("new", "d2r0"))

    assert [each.arrival.date().isoformat() for each in log.labels_after(MODEL)][-2:] == ["2026-03-04"] * 2
    assert log.predictions_after(MODEL, limit=100)[-1].arrival.date().isoformat() == "2026-03-04"


def test_sealed_rows_and_labels_are_known(log: Log) -> None:
    log.seal(MODEL)

    assert log.append_predictions(MODEL, rows("d0r0")) == ["repeated"]
    assert log.append_labels(MODEL, labels("d0r0", "d2r0")) == ["repeated", "accepted"]
    assert log.append_labels(MODEL, [LabelEvent("d0r0", 0)]) == ["correction"]


STEPS: dict[str, str] = {
    "before the file": "_written",
    "at the rename": "_sync",
    "before the record": "_record",
    "in the record": "delete",
    "after the record": "Sealed",
}


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("nth", [0, 3])
def test_killed_between_any_two_steps_nothing_is_lost_or_doubled(
    log: Log, monkeypatch: pytest.MonkeyPatch, step: str, nth: int
) -> None:
    before = held(log)
    real: Callable[..., object] = getattr(seal, STEPS[step])
    calls = iter(range(1000))

    def killed(*args: object, **kwargs: object) -> object:
        if next(calls) >= nth:
            raise Killed
        return real(*args, **kwargs)

    monkeypatch.setattr(seal, STEPS[step], killed)
    with pytest.raises(Killed):
        log.seal(MODEL)
        raise Killed  # fewer calls than asked for: all was done
    monkeypatch.undo()

    assert held(log) == before
    log.seal(MODEL)
    assert held(log) == before
    assert log.contents(MODEL).rows.num_rows == 0


def test_two_that_seal_at_once_seal_a_day_once(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    before = held(log)
    real = seal._written
    sealed: list[Sealed] = []

    def slow(*args: object) -> object:
        monkeypatch.setattr(seal, "_written", real)
        sealed.extend(log.seal(MODEL))
        return real(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(seal, "_written", slow)
    sealed.extend(log.seal(MODEL))

    assert len(sealed) == len({(each.kind, each.day) for each in sealed}) == 5
    assert held(log) == before


def test_what_a_killed_process_left_is_swept_away_later(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seal, "_record", lambda *_: (_ for _ in ()).throw(Killed))
    with pytest.raises(Killed):
        log.seal(MODEL)
    monkeypatch.undo()
    assert log.folder is not None
    (log.folder / "old.part").write_text("")
    monkeypatch.setattr(seal, "_LEFT_OVER", -1.0)

    log.seal(MODEL)

    named = {each.file for each in read(log.engine, lambda c: sealed_days(c, MODEL))}
    assert {each.relative_to(log.folder).as_posix() for each in log.folder.rglob("*.*") if each.is_file()} == named


def test_what_is_too_old_is_let_go_and_files_one_prune_later(log: Log, clock: Hands) -> None:
    log.seal(MODEL)
    files = log.contents(MODEL).sealed_rows

    log.prune(MODEL, keep=DAY)

    assert held(log) == (sorted(f"d2r{n}" for n in range(5)), sorted(f"d1r{n}" for n in range(5)))
    assert all(each.exists() for each in files)
    clock.at += timedelta(hours=1)
    log.prune(MODEL, keep=DAY)
    assert [each.exists() for each in files] == [False, False, True]
    assert log.append_predictions(MODEL, rows("d0r0")) == ["accepted"]


def test_a_plain_table_is_pruned(url: str, clock: Hands) -> None:
    with open_log(url, now=clock) as log:
        log.append_predictions(MODEL, rows("a"))
        log.append_labels(MODEL, labels("a", "x"))
        clock.at += 2 * DAY
        log.append_predictions(MODEL, rows("b"))

        assert log.prune(MODEL, keep=DAY) == 3

        assert [each.prediction.row_id for each in log.predictions_after(MODEL)] == ["b"]
        assert log.summary(MODEL).waiting == 0


def test_the_summary_counts_what_is_there(log: Log) -> None:
    log.append_labels(MODEL, labels("d2r0", value=0))
    log.append_labels(MODEL, labels("d2r0", value=1))
    log.append_labels(MODEL, labels("nowhere"))
    log.seal(MODEL)

    found = log.summary(MODEL, waited=timedelta(0) - DAY)

    assert (found.rows, found.labels, found.labelled_rows, found.corrections) == (15, 12, 11, 1)
    assert (found.waiting, found.orphans, found.sealed_days) == (1, 1, 3)
    assert found.sealed_bytes > 0
