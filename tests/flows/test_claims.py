"""One decision, one run, one version, on any number of machines: three folders, one ledger, one registry."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from machines import copied_ledger, database, decision_of, machine, shared_project, trained_and_decided
from processes import Ended, Processes, dies, meets, waits
from project import LATE, Project

LEASE = 3.0  # seconds
CLAIM = "ratoon.ledger.runs:Runs.claim"


@dataclass(frozen=True)
class Team:
    """Machines that share one ledger and one registry, with a decision to train."""

    processes: Processes
    first: Project
    others: tuple[Project, ...]
    decision: str

    @property
    def all(self) -> tuple[Project, ...]:
        return (self.first, *self.others)

    def retrain(self, at: Project) -> tuple[str, list[dict], dict[str, str]]:
        return ("retrain", [], {"spec": at.path, "decision": self.decision})

    def one_version(self, made: str = "2") -> None:
        """The decision has one version, which serves, was learned once and is written down once."""
        with self.first.context() as context:
            mine = [v.number for v in context.registry.versions() if v.decision == self.decision]
            assert mine == [made]
            champion = context.registry.champion()
            assert champion is not None and champion.number == made
            assert context.registry.challenger() is None
            registered = [u.version for u in context.ledger.runs.of("flights") if u.version]
            assert registered == [made]
            assert context.ledger.offers.of("flights")[self.decision] == made
            assert [p.version for p in context.ledger.promotions.of("flights")] == ["1", made]
            state = context.registry.load(made).state
            tally = context.source.as_of(LATE).ledger_of_rows(state.watermark)
            assert (state.learned_rows, state.fingerprint) == (tally.rows, tally.fingerprint)


@contextmanager
def working(processes: Processes, first: Project, number: int) -> Iterator[Team]:
    """*number* machines that work at the first's decision, with short leases."""
    others = tuple(machine(first, first.folder.with_name(f"machine{n}")) for n in range(2, number + 1))
    processes.lease = LEASE
    yield Team(processes, first, others, decision_of(first))
    processes.lease = None


@pytest.fixture
def team(processes: Processes, postgres_url: str, shared: tuple[Project, str], tmp_path: Path) -> Iterator[Team]:
    """Three machines."""
    with (
        copied_ledger(postgres_url, shared, tmp_path / "machine1") as first,
        working(processes, first, 3) as team,
    ):
        yield team


@pytest.fixture
def crowd(processes: Processes, postgres_url: str, tmp_path: Path) -> Iterator[Team]:
    """Twenty machines whose registry is in PostgreSQL too."""
    with database(postgres_url) as ledger, database(postgres_url) as mlflow:
        first = shared_project(tmp_path / "machine1", ledger, mlflow)
        trained_and_decided(processes, first)
        with working(processes, first, 20) as team:
            yield team


def outcomes(ended: list[Ended]) -> list[str]:
    assert all(each.error is None for each in ended), [each.trace for each in ended]
    return sorted(each.result["outcome"] for each in ended)


def until(path: Path) -> None:
    end = time.monotonic() + 120
    while not path.exists():
        assert time.monotonic() < end, f"{path} did not come"
        time.sleep(0.02)


@pytest.mark.slow
def test_three_machines_train_one_decision_once(team: Team, tmp_path: Path) -> None:
    """They ask at the same moment; the claim is one machine's, and the others say so, or how it ended."""
    team.processes.lease = None  # as shipped: a busy machine may keep the holder from its heartbeat for seconds
    mine = meets(tmp_path / "meet", 3, CLAIM)
    jobs = [("retrain", [mine], {"spec": each.path, "decision": team.decision}) for each in team.all]
    ended = team.processes.run_all(*jobs, at_once=3)
    found = outcomes(ended)  # who still asks when the holder has ended hears how it ended
    assert "registered" in found and set(found) <= {"in_flight", "registered"}
    team.one_version()


@pytest.mark.long
def test_a_machine_that_died_is_taken_over_when_its_lease_has_ended(team: Team) -> None:
    other = team.others[0]
    killed = team.processes.run(
        "retrain",
        dies("ratoon.models.registry.training_runs:TrainingRuns.log", "after"),
        spec=team.first.path,
        decision=team.decision,
    )
    assert killed.killed
    time.sleep(LEASE)
    assert outcomes([team.processes.run("retrain", spec=other.path, decision=team.decision)]) == ["registered"]
    team.one_version()


def overtaken(team: Team, asleep: tuple[int, Path], folder: Path) -> Ended:
    """Stop the process that waits in *folder*, let another machine go on once its lease has ended, and wake it."""
    until(folder / "here")
    team.processes.sleep(asleep)
    time.sleep(LEASE + 1)
    taken_over = team.processes.run("retrain", spec=team.others[0].path, decision=team.decision)
    (folder / "go").touch()
    team.processes.wake(asleep)
    return taken_over


SLEEPS = {
    "before the version is made": ("ratoon.models.registry.registering:Registering.create", "before"),
    "after the version is made": ("ratoon.models.registry.registering:Registering.create", "after"),
    "after the offer": ("ratoon.ledger.offers:Offers.record", "after"),
    "before the aliases": ("ratoon.models.registry.mlflow_versions:MlflowVersions.set_alias", "before"),
    "before it ends": ("ratoon.ledger.runs:Runs.finish", "before"),
}


@pytest.mark.parametrize(
    "when",
    [
        pytest.param(name, marks=pytest.mark.slow if name == "before the version is made" else pytest.mark.long)
        for name in SLEEPS
    ],
)
def test_a_machine_that_slept_past_its_lease_adds_nothing_when_it_wakes(team: Team, tmp_path: Path, when: str) -> None:
    """SIGSTOP in the middle of registering; another machine goes on and ends; then it wakes."""
    asleep = team.processes.start(
        "retrain", waits(tmp_path / "asleep", *SLEEPS[when]), spec=team.first.path, decision=team.decision
    )
    taken_over = overtaken(team, asleep, tmp_path / "asleep")
    woken = team.processes.end(asleep)
    assert outcomes([taken_over]) == ["registered"]
    assert woken.error is not None and "given up" in woken.error
    team.one_version(taken_over.result["version"])


@pytest.mark.long
def test_a_second_version_whose_maker_died_is_found_and_taken_back(team: Team, tmp_path: Path) -> None:
    """It woke, made its version and was killed before it could ask whether that is the decision's."""
    asleep = team.processes.start(
        "retrain",
        waits(tmp_path / "asleep", "ratoon.models.registry.registering:Registering.create"),
        dies("ratoon.ledger.offers:Offers.record"),
        spec=team.first.path,
        decision=team.decision,
    )
    taken_over = overtaken(team, asleep, tmp_path / "asleep")
    assert team.processes.end(asleep).killed
    with team.first.context() as context:
        assert len([v for v in context.registry.versions() if v.decision == team.decision]) == 2
    swept = team.processes.run("review", spec=team.others[1].path)
    assert swept.error is None, swept.trace
    team.one_version(taken_over.result["version"])


@pytest.mark.long
def test_three_machines_make_the_first_version_once(processes: Processes, postgres_url: str, tmp_path: Path) -> None:
    """`ratoon train` on all of them at the same moment, on stores that nobody has used yet."""
    with database(postgres_url) as ledger:
        first = shared_project(tmp_path / "machine1", ledger, f"sqlite:///{tmp_path / 'mlflow.db'}")
        all_three = [first, *(machine(first, tmp_path / f"machine{n}") for n in (2, 3))]
        mine = meets(tmp_path / "meet", 3, "ratoon.loop.learn.first:first_claim")
        ended = processes.run_all(
            *[("train", [mine], {"spec": each.path, "at": LATE}) for each in all_three], at_once=3
        )
        assert [each.result for each in ended if each.error is None] == ["1"]
        assert all("first version" in each.error or "champion v1" in each.error for each in ended if each.error)
        with first.context() as context:
            assert [v.number for v in context.registry.versions()] == ["1"]
            assert [p.version for p in context.ledger.promotions.of("flights")] == ["1"]


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_twenty_machines_on_postgresql_while_some_die_and_some_sleep(crowd: Team, tmp_path: Path) -> None:
    """All ask for one decision at once; holders are killed and stopped until one ends."""
    team, points = crowd, list(SLEEPS.values())
    killed = asleep = 0
    sleeping = []
    for turn, at in enumerate(team.all[:4]):
        if turn % 2:
            folder = tmp_path / f"asleep{turn}"
            one = team.processes.start(
                "retrain", waits(folder, *points[turn % 5]), spec=at.path, decision=team.decision
            )
            until(folder / "here")
            team.processes.sleep(one)
            sleeping.append((one, folder))
            asleep += 1
        else:
            point, when = points[turn % 3]
            killed += team.processes.run("retrain", dies(point, when), spec=at.path, decision=team.decision).killed
        time.sleep(LEASE + 1)
    jobs = [team.retrain(each) for each in team.all]
    ended = team.processes.run_all(*jobs, at_once=20)
    for one, folder in sleeping:
        (folder / "go").touch()
        team.processes.wake(one)
        team.processes.end(one)
    assert team.processes.run("review", spec=team.first.path).error is None
    found = outcomes(ended)
    print(f"20 machines: {killed} killed, {asleep} asleep, then { ({o: found.count(o) for o in set(found)}) }")
    assert found.count("registered") >= 1
    with team.first.context() as context:
        (version,) = {u.version for u in context.ledger.runs.of("flights") if u.version}
    team.one_version(version)
