"""Real processes share a ledger: they open it together, race for the claim, and die during a run."""

from __future__ import annotations

import multiprocessing
import os
from datetime import datetime, timedelta
from multiprocessing.synchronize import Barrier
from typing import Any

import pytest

from ratoon.ledger.ledger import Ledger, TrainingRun
from ratoon.spec.values import Decision, Triage

AT = datetime(2026, 3, 1)
SPAWN = multiprocessing.get_context("spawn")


@pytest.fixture(autouse=True)
def _importable(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A spawned process imports this file by its name, which plain `pytest` leaves off the path."""
    monkeypatch.syspath_prepend(request.config.rootpath)


def _record(ledger: Ledger, decision: str) -> None:
    made = Decision(id=decision, model="price", at=AT, action="warm_start", triage=Triage(verdict="harm"))
    ledger.decisions.record(made, (), live=True)


def _claim(ledger: Ledger, decision: str, **more: Any) -> TrainingRun | None:
    return ledger.runs.claim(
        model="price", decision=decision, at=AT, run=None, abandon_after=timedelta(hours=2), **more
    )


def _open_together(url: str, name: str, together: Barrier, said: Any) -> None:
    together.wait(60)
    with Ledger.open(url) as ledger:
        _record(ledger, name)
    said.put(name)


def _race(url: str, name: str, together: Barrier, said: Any) -> None:
    with Ledger.open(url) as ledger:
        _record(ledger, name)
        together.wait(60)
        said.put((name, _claim(ledger, name) is not None))


def _die(url: str, name: str) -> None:
    ledger = Ledger.open(url)
    _record(ledger, name)
    os._exit(9 if _claim(ledger, name) is not None else 1)


def _together(task: Any, url: str, names: list[str]) -> list[Any]:
    """Run *task* in one process per name, all released at the same moment; what each said."""
    together, said = SPAWN.Barrier(len(names)), SPAWN.Queue()
    processes = [SPAWN.Process(target=task, args=(url, name, together, said)) for name in names]
    for process in processes:
        process.start()
    answers = [said.get(timeout=90) for _ in names]
    for process in processes:
        process.join(30)
        assert process.exitcode == 0
    return answers


def test_processes_that_open_a_new_ledger_at_the_same_moment_all_can_write(url):
    names = ["a", "b", "c", "d"]

    assert sorted(_together(_open_together, url, names)) == names
    with Ledger.open(url) as ledger:
        assert sorted(d.id for d in ledger.decisions.of("price")) == names


def test_of_processes_racing_for_the_claim_exactly_one_gets_it(url):
    answers = _together(_race, url, ["a", "b", "c"])
    claimed_by = [name for name, claimed in answers if claimed]

    assert len(claimed_by) == 1
    with Ledger.open(url) as ledger:
        assert [u.decision for u in ledger.runs.of("price")] == claimed_by


def test_the_same_decision_twice_at_the_same_moment_is_one_run(url):
    answers = _together(_race, url, ["a", "a"])

    assert sorted(answers) == [("a", False), ("a", True)]
    with Ledger.open(url) as ledger:
        assert len(ledger.runs.of("price")) == 1
        assert len(ledger.decisions.of("price")) == 1


def test_a_process_killed_during_a_run_is_resumed_by_its_decision_and_blocks_others(url):
    process = SPAWN.Process(target=_die, args=(url, "a"))
    process.start()
    process.join(60)
    assert process.exitcode == 9

    with Ledger.open(url) as ledger:
        _record(ledger, "b")
        assert _claim(ledger, "b") is None
        assert _claim(ledger, "a") is None  # it may live: only its lease, or who knows it dead, says otherwise
        resumed = _claim(ledger, "a", dead={ledger.claims.find("price").holder})
        assert resumed is not None
        ledger.runs.finish(resumed, outcome="registered", version="2", ended_at=AT)
        assert [(u.number, u.outcome) for u in ledger.runs.of("price")] == [(1, "registered")]
