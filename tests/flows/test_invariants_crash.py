"""kill -9 at every step of a retrain, and the same retrain again: nothing is lost, doubled or half written.

Each run is a process of its own that runs the real flow against a real Prefect server; see launcher.py.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from processes import Processes, dies, murdered, orphaned
from project import LATE, TRAINED, Project

from ratoon.loop.context import ModelContext

RETRAIN, REGISTRY = "ratoon.flows.retrain", "ratoon.models.registry.mlflow_registry:Registry"
STEPS = {
    "claim": "ratoon.ledger.runs:Runs.claim",
    "find_champion": "ratoon.loop.learn.run:find_champion",
    "run_ladder": f"{RETRAIN}:run_ladder",
    "waiting for the training": "ratoon.models.subprocesses.bounded:_watched",
    "is_claimed": "ratoon.ledger.runs:Runs.is_claimed",
    "register": f"{RETRAIN}:register",
    "logging the model": "ratoon.models.registry.training_runs:TrainingRuns.log",
    "logging the evidence": "ratoon.models.registry.training_runs:TrainingRuns._log_evidence",
    "creating the version": "ratoon.models.registry.registering:Registering.create",
    "the challenger's alias": f"{REGISTRY}.offer",
    "finish": "ratoon.ledger.runs:Runs.finish",
    "promote": f"{RETRAIN}:promote_passed",
    "verifying": f"{REGISTRY}.verify",
    "the champion's alias": f"{REGISTRY}.promote",
    "writing the promotion down": "ratoon.ledger.promotions:Promotions.record",
}
INSIDE = {  # in the training's own process
    "the update itself": "ratoon.models.families.sklearn.partial_fit:continued",
    "the gate": "ratoon.models.ladder.run:judge",
}
MATRIX = [(step, when) for step in STEPS for when in ("before", "after")]
QUICK = [("logging the model", "after")]
TELLING = ("creating the version",)  # the other ones: `long`


@pytest.fixture
def decided(decided: Project) -> Project:
    """As shipped, with a process for each training."""
    decided.trains_apart()
    return decided


def whole(project: Project, *, versions: int) -> ModelContext:
    """The registry as a reviewer needs it: so many versions, each loads and predicts, and exactly one serves."""
    with project.context() as context:
        assert [v.number for v in context.registry.versions()] == [str(n) for n in range(versions, 0, -1)]
        for version in context.registry.versions():
            context.registry.verify(version.number)
        assert context.registry.champion() is not None
    return context


def learned_once(project: Project, version: str) -> None:
    """The version's lineage learned exactly the labelled rows outside the holdout up to its watermark."""
    with project.context() as context:
        state = context.registry.load(version).state
        tally = context.source.as_of(LATE).ledger_of_rows(state.watermark)
        assert (state.learned_rows, state.fingerprint) == (tally.rows, tally.fingerprint)
        assert context.source.as_of(LATE).unlearned_count(state.watermark) == 0


def end_of_the_story(project: Project, decision: str) -> None:
    """One version for the decision, promoted once, written down once; rows learned once."""
    whole(project, versions=2)
    learned_once(project, "2")
    with project.context() as context:
        serving = context.registry.champion()
        assert serving is not None
        assert (serving.number, serving.decision) == ("2", decision)
        assert serving.tags["ratoon.parent"] == "1"
        assert context.registry.challenger() is None
        runs = context.ledger.runs.of("flights")
        assert [(f.decision, f.outcome, f.version) for f in runs] == [(decision, "registered", "2")]
        moves = [(p.version, p.previous, p.kind) for p in context.ledger.promotions.of("flights")]
        assert moves == [("1", None, "first"), ("2", "1", "promotion")]
    assert running_runs(project) == 0


def running_runs(project: Project) -> int:
    with sqlite3.connect(project.folder / ".ratoon" / "mlflow.db") as connection:
        number: int = connection.execute("select count(*) from runs where status = 'RUNNING'").fetchone()[0]
    connection.close()
    return number


def decision_of(project: Project) -> str:
    with project.context() as context:
        (decision,) = context.ledger.decisions.of("flights")
    assert decision.fires
    return decision.id


def kill_and_repeat(processes: Processes, project: Project, mine: dict[str, Any]) -> None:
    """*mine* kills the flow; the same decision carried out again ends once."""
    decision = decision_of(project)
    killed = processes.run("retrain", mine, spec=project.path, decision=decision)
    assert killed.killed, killed
    with project.context() as context:  # the champion serves right after the crash, whichever it is
        frame = context.source.as_of(TRAINED).holdout(None, limit=5)
        assert len(context.registry.load().predict_frame(frame)) == len(frame)
        made = [v for v in context.registry.versions() if v.decision == decision]
        assert len(made) <= 1
        assert all({"ratoon.parent", "ratoon.watermark", "ratoon.gate"} <= set(v.tags) for v in made)
    again = processes.run("retrain", spec=project.path, decision=decision)
    assert again.error is None, again.trace
    assert again.result == {
        "decision": decision,
        "outcome": "registered",
        "version": "2",
        "candidate": None,
        "promoted": True,
    }
    end_of_the_story(project, decision)


@pytest.mark.parametrize(("step", "when"), QUICK, ids=lambda each: str(each).replace(" ", "-"))
def test_a_killed_retrain_is_taken_up_and_ends_once(
    processes: Processes, decided: Project, step: str, when: str
) -> None:
    """Invariants 1 and 5: one version for the decision, rows learned once, a champion that predicts throughout."""
    kill_and_repeat(processes, decided, dies(STEPS[step], when))


@pytest.mark.parametrize(
    ("step", "when"),
    [
        pytest.param(step, when, marks=pytest.mark.slow if when == "after" and step in TELLING else pytest.mark.long)
        for step, when in MATRIX
        if (step, when) not in QUICK
    ],
    ids=lambda each: str(each).replace(" ", "-"),
)
def test_killed_at_any_other_step_it_ends_once_too(
    processes: Processes, decided: Project, step: str, when: str
) -> None:
    kill_and_repeat(processes, decided, dies(STEPS[step], when))


@pytest.mark.parametrize(
    ("step", "when"),
    [
        ("the update itself", "before"),
        pytest.param("the update itself", "after", marks=pytest.mark.long),
        pytest.param("the gate", "before", marks=pytest.mark.long),
        pytest.param("the gate", "after", marks=pytest.mark.slow),
    ],
)
def test_a_flow_killed_while_its_training_runs_takes_it_along(
    processes: Processes, decided: Project, step: str, when: str
) -> None:
    """Two trainings of a decision never run at the same time: the orphan is gone before the repeat has begun."""
    kill_and_repeat(processes, decided, orphaned(decided.folder, INSIDE[step], when))
    pid = int((decided.folder / "training.pid").read_text())
    status = Path(f"/proc/{pid}/stat")
    assert not status.exists() or ") Z " in status.read_text()


def test_a_training_that_is_killed_leaves_nothing_but_a_row_in_the_ledger(
    processes: Processes, decided: Project
) -> None:
    """The row says how it ended and what it took; the champion serves; repeating the decision changes nothing."""
    decision = decision_of(decided)
    ended = processes.run(
        "retrain", murdered(INSIDE["the update itself"], "after"), spec=decided.path, decision=decision
    )
    assert ended.error is not None and "killed by signal 9" in ended.error
    again = processes.run("retrain", spec=decided.path, decision=decision)
    assert again.result == {
        "decision": decision,
        "outcome": "failed",
        "version": None,
        "candidate": None,
        "promoted": False,
    }
    whole(decided, versions=1)
    with decided.context() as context:
        (run,) = context.ledger.runs.of("flights")
        assert (run.outcome, run.version, run.rows) == ("failed", None, 0)
        assert "killed by signal 9" in run.evidence.reason
        assert run.cpu_seconds == run.evidence.process.cpu_seconds > 0
        assert run.evidence.process.peak_memory_bytes > 50e6
        assert context.registry.challenger() is None
    assert running_runs(decided) == 0


@pytest.mark.slow
def test_a_version_whose_process_died_before_it_was_offered_is_offered_by_the_repeat(
    processes: Processes, decided: Project
) -> None:
    """With `review: required` nobody would find it otherwise."""
    decided.write("review: automatic", "review: required")
    decision = decision_of(decided)
    assert processes.run(
        "retrain", dies(STEPS["creating the version"], "after"), spec=decided.path, decision=decision
    ).killed
    again = processes.run("retrain", spec=decided.path, decision=decision)
    assert again.error is None, again.trace
    whole(decided, versions=2)
    with decided.context() as context:
        champion, challenger = context.registry.champion(), context.registry.challenger()
        assert champion is not None and champion.number == "1"
        assert challenger is not None and challenger.decision == decision
