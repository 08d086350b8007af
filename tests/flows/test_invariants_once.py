"""Two processes at the same moment, runs that are given up, zombies that come back: one training, one version."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path

import pytest
from processes import Ended, Processes, dies, meets, waits
from project import LATE, Project

RECORD = "ratoon.ledger.decisions:Decisions.record"
CLAIMED = "ratoon.ledger.runs:Runs.is_claimed"


def fine(*ended: Ended) -> None:
    for each in ended:
        assert each.error is None and each.killed_by is None, each


def trainings(project: Project) -> list[tuple[str, str | None]]:
    with project.context() as context:
        return [(run.outcome, run.version) for run in context.ledger.runs.of("flights")]


def versions(project: Project) -> list[str]:
    with project.context() as context:
        return [version.number for version in context.registry.versions()]


def decision_of(project: Project) -> str:
    with project.context() as context:
        return context.ledger.decisions.of("flights")[-1].id


def given_up_soon(project: Project) -> None:
    """After a second, which a training in a process of its own may not outlive."""
    project.write("review:", "abandon_after: 1s\nreview:")


def until(path: Path) -> None:
    end = time.monotonic() + 120
    while not path.exists():
        assert time.monotonic() < end, f"{path} did not come"
        time.sleep(0.02)


def test_two_monitors_of_the_same_moment_fire_once(processes: Processes, trained: Project, tmp_path: Path) -> None:
    """Invariant 4: both have measured the same harm before either wrote it down; one decision, one training."""
    mine = meets(tmp_path / "meet", 2, RECORD)
    one, two = processes.run_all(*[("monitor", [mine], {"spec": trained.path, "at": LATE})] * 2)
    fine(one, two)
    assert one.result["id"] == two.result["id"]
    assert one.result["action"] == "warm_start"
    assert trainings(trained) == [("registered", "2")]
    assert versions(trained) == ["2", "1"]
    with trained.context() as context:
        assert len(context.ledger.decisions.of("flights")) == 1
        assert len(context.ledger.promotions.of("flights")) == 2


@pytest.mark.slow
def test_two_monitors_seconds_apart_train_once(processes: Processes, trained: Project, tmp_path: Path) -> None:
    """Two decisions, neither of which could know of the other, want to train at the same moment: one does."""
    mines = [meets(tmp_path / "decided", 2, RECORD), meets(tmp_path / "start", 2, "ratoon.flows.retrain:holding")]
    moments = (LATE, LATE + timedelta(seconds=5))
    ended = processes.run_all(*[("monitor", mines, {"spec": trained.path, "at": at}) for at in moments])
    fine(*ended)
    assert [each.result["action"] for each in ended] == ["warm_start", "warm_start"]
    assert trainings(trained) == [("registered", "2")]
    assert versions(trained) == ["2", "1"]


@pytest.mark.slow
def test_a_monitor_that_comes_late_finds_nothing_to_train(
    processes: Processes, trained: Project, tmp_path: Path
) -> None:
    """It decided before the other's training began, and starts when that has ended: its rows are learned already."""
    late = processes.start(
        "monitor",
        waits(tmp_path / "late", "ratoon.flows.monitor:start_training"),
        spec=trained.path,
        at=LATE - timedelta(seconds=5),
    )
    until(tmp_path / "late" / "here")
    first = processes.run("retrain", spec=trained.path, reason="by hand, meanwhile", at=LATE)
    (tmp_path / "late" / "go").touch()
    fine(first, processes.end(late))
    assert first.result["version"] == "2"
    assert versions(trained) == ["2", "1"]
    outcomes = trainings(trained)
    assert outcomes[0] == ("registered", "2")
    assert all(version is None for _, version in outcomes[1:])


def test_a_monitor_run_again_trains_no_second_time(processes: Processes, finished: Project) -> None:
    """A scheduled run that is repeated finds its decision carried out."""
    with finished.context() as context:
        (before,) = context.ledger.decisions.of("flights")
    again = processes.run("monitor", spec=finished.path, at=LATE)
    fine(again)
    assert again.result["id"] == before.id
    assert trainings(finished) == [("registered", "2")]
    assert versions(finished) == ["2", "1"]


@pytest.mark.slow
def test_a_second_retrain_does_not_start_beside_a_living_one(
    processes: Processes, decided: Project, tmp_path: Path
) -> None:
    """Neither another decision's nor the same decision's: the model's claim is held."""
    running = processes.start(
        "retrain", waits(tmp_path / "air", CLAIMED), spec=decided.path, decision=decision_of(decided)
    )
    until(tmp_path / "air" / "here")
    same = processes.run("retrain", spec=decided.path, decision=decision_of(decided))
    other = processes.run("retrain", spec=decided.path, reason="impatience", at=LATE)
    (tmp_path / "air" / "go").touch()
    fine(same, other, processes.end(running))
    assert (same.result["outcome"], other.result["outcome"]) == ("in_flight", "in_flight")
    assert trainings(decided) == [("registered", "2")]


@pytest.mark.slow
def test_a_dead_run_is_given_up_after_its_time(processes: Processes, decided: Project) -> None:
    """Until then no other decision trains; afterwards the next does, and the dead one's repeat learns nothing twice."""
    dead = decision_of(decided)
    assert processes.run("retrain", dies(CLAIMED), spec=decided.path, decision=dead).killed
    early = processes.run("retrain", spec=decided.path, reason="too early", at=LATE)
    fine(early)
    assert early.result["outcome"] == "in_flight"
    given_up_soon(decided)
    time.sleep(1)
    next_one = processes.run("retrain", spec=decided.path, reason="now", at=LATE)
    fine(next_one)
    assert next_one.result["version"] == "2"
    repeated = processes.run("retrain", spec=decided.path, decision=dead)
    fine(repeated)
    assert repeated.result["version"] is None
    assert [outcome for outcome, _ in trainings(decided)][:2] == ["abandoned", "registered"]
    assert versions(decided) == ["2", "1"]
    with decided.context() as context:
        state = context.registry.load("champion").state
        tally = context.source.as_of(LATE).ledger_of_rows(state.watermark)
        assert (state.learned_rows, state.fingerprint) == (tally.rows, tally.fingerprint)


@pytest.mark.parametrize(
    "mine",
    [
        (CLAIMED, "before"),
        pytest.param(("ratoon.models.registry.training_runs:TrainingRuns.log", "after"), marks=pytest.mark.slow),
    ],
    ids=["after-training", "after-logging"],
)
def test_a_zombie_registers_nothing(
    processes: Processes, decided: Project, tmp_path: Path, mine: tuple[str, str]
) -> None:
    """It slept on another machine (so that no lock held), was given up, and wakes when the next has ended."""
    given_up_soon(decided)
    zombie = processes.start(
        "retrain", waits(tmp_path / "asleep", *mine), spec=decided.path, decision=decision_of(decided)
    )
    until(tmp_path / "asleep" / "here")
    time.sleep(1)
    (decided.folder / ".ratoon" / "retrain-flights.lock").unlink()
    next_one = processes.run("retrain", spec=decided.path, reason="the other machine is silent", at=LATE)
    (tmp_path / "asleep" / "go").touch()
    woken = processes.end(zombie)
    fine(next_one)
    assert woken.error is not None
    assert "given up" in woken.error
    assert versions(decided) == ["2", "1"]
    with decided.context() as context:
        serving = context.registry.champion()
        assert serving is not None
        assert serving.decision == next_one.result["decision"]
        assert context.registry.challenger() is None
    assert trainings(decided) == [("abandoned", None), ("registered", "2")]
