"""The whole loop on the starter's stream, whose evenings turn from punctual to late after day 40 (2026-02-10)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from processes import Ended, Processes
from project import LATE, Project, timeless, write_project

from ratoon.cli.commands.recompute import recompute
from ratoon.ledger.ledger import Ledger
from ratoon.loop.context import open_context
from ratoon.spec.load import load_spec
from ratoon.spec.stores import stores_of

CHANGE = datetime(2026, 2, 10)
START = datetime(2026, 2, 3)
END = datetime(2026, 2, 23)


@pytest.fixture(scope="module")
def replays(
    processes: Processes, tmp_path_factory: pytest.TempPathFactory, empty_mlflow: Callable[[Path], None]
) -> tuple[Ended, Ended]:
    """Two replays of the same project, each into stores of its own, at the same time."""
    folder: Path = tmp_path_factory.mktemp("replay")
    project = write_project(folder / "project")
    for name in ("one", "two"):
        empty_mlflow(folder / name)
    jobs = [
        ("replay", [], {"spec": project.path, "every": "4d", "start": START, "end": END, "into": folder / name})
        for name in ("one", "two")
    ]
    one, two = processes.run_all(*jobs)
    assert one.error is None and two.error is None, (one.trace, two.trace)
    return one, two


def test_a_replay_finds_the_change_trains_and_beats_never(replays: tuple[Ended, Ended]) -> None:
    """No training before the change, at least one after it, and a better composite model than the first version."""
    replayed = replays[0].result
    with Ledger.open(stores_of(load_spec(replayed["spec"])).ledger) as ledger:
        decisions = ledger.decisions.of("flights")
        champions = ledger.promotions.of("flights")
    assert len(decisions) == replayed["windows"] == 5
    assert all(not d.fires for d in decisions if d.at <= CHANGE)
    assert all(d.triage.verdict in ("healthy", "unsure", "harmless_shift") for d in decisions if d.at <= CHANGE)
    assert any(d.triage.verdict == "harm" and d.fires for d in decisions if d.at > CHANGE)
    assert replayed["trainings"] >= 1
    assert replayed["promoted"] == len(champions) - 1 >= 1
    assert replayed["composite"]["value"] < replayed["never"]["value"]  # the Brier score: less is better
    assert replayed["composite"]["rows"] == replayed["never"]["rows"]


def test_two_replays_decide_alike(replays: tuple[Ended, Ended]) -> None:
    """Decisions, signals, gates and what was learned; only wall time and measured CPU differ."""

    def told(ended: Ended) -> list[Any]:
        with open_context(load_spec(ended.result["spec"])) as context:
            decisions = context.ledger.decisions.of("flights")
            runs = context.ledger.runs.of("flights")
            return [
                [timeless(d) for d in decisions],
                [[s.model_dump() for s in context.ledger.decisions.signals(d.id)] for d in decisions],
                [[a.gate for a in f.evidence.attempts] for f in runs],
                [(f.at, f.outcome, f.version, f.rows, f.watermark) for f in runs],
                [context.registry.load(v.number).state.model_dump() for v in context.registry.versions()],
                [p.model_dump() for p in context.ledger.promotions.of("flights")],
            ]

    one, two = (told(each) for each in replays)
    assert one == two


def test_every_decision_can_be_computed_again_from_the_ledger(replays: tuple[Ended, Ended]) -> None:
    """Invariant 7: from the ledger alone, each decision comes out equal, with its facts, guards and reasons."""
    found = recompute(load_spec(replays[0].result["spec"]))
    assert len(found) == 5
    assert all(each.same for each in found), found


def test_each_decision_was_written_before_its_training_began(replays: tuple[Ended, Ended]) -> None:
    """In the ledger's own order of writing: a run refers to a decision that is there."""
    import sqlite3

    database = stores_of(load_spec(replays[0].result["spec"])).ledger.removeprefix("sqlite:///")
    with sqlite3.connect(database) as connection:
        fired = connection.execute("select count(*) from decisions where action = 'warm_start'").fetchone()[0]
        joined = "select count(*) from training_runs r join decisions d on d.id = r.decision"
        run_of_fired = connection.execute(f"{joined} where d.action = 'warm_start'").fetchone()[0]
        all_run = connection.execute(joined).fetchone()[0]
        runs = connection.execute("select count(*) from training_runs").fetchone()[0]
    connection.close()
    assert fired == run_of_fired >= 1
    assert all_run == runs, "background learning too"


def test_the_decision_is_in_the_ledger_when_its_action_dies_at_once(decided_project: Project) -> None:
    """The monitor was killed before its first step towards training: the decision stands, nothing else happened."""
    with decided_project.context() as context:
        (decision,) = context.ledger.decisions.of("flights")
        assert decision.fires
        assert decision.reasons
        assert context.ledger.decisions.signals(decision.id)
        assert context.ledger.runs.of("flights") == []


def test_a_required_review_leaves_the_champion_and_a_waiting_challenger(processes: Processes, waiting: Project) -> None:
    """Then a person moves the alias in MLflow; the next monitor sees it; a rollback puts version 1 back."""
    from mlflow import MlflowClient

    with waiting.context() as context:
        (decision,) = context.ledger.decisions.of("flights")
        champion, challenger = context.registry.champion(), context.registry.challenger()
        assert champion is not None and challenger is not None
        assert (champion.number, challenger.number) == ("1", "2")
        assert [p.version for p in context.ledger.promotions.of("flights")] == ["1"]
        MlflowClient(context.registry.uri, context.registry.uri).set_registered_model_alias("flights", "champion", "2")

    seen = processes.run("monitor", spec=waiting.path, at=LATE + timedelta(days=1))
    assert seen.error is None, seen.trace
    assert seen.result["champion"] == "2"
    with waiting.context() as context:
        moved = context.ledger.promotions.of("flights")[-1]
        assert (moved.version, moved.previous, moved.kind, moved.actor) == ("2", "1", "promotion", "registry")
        assert moved.decision == decision.id

    back = processes.run("roll_back", spec=waiting.path, reason="complaints", actor="ada")
    assert back.result == "1", back
    with waiting.context() as context:
        serving = context.registry.champion()
        assert serving is not None and serving.number == "1"
        last = context.ledger.promotions.of("flights")[-1]
        assert (last.version, last.previous, last.kind, last.actor, last.reason) == (
            "1",
            "2",
            "roll_back",
            "ada",
            "complaints",
        )


def test_a_failed_training_leaves_the_registry_as_it_was(processes: Processes, decided: Project) -> None:
    """Invariant 5: the disk is full while it trains; the run ends as failed, and the champion serves."""
    from processes import fails

    with decided.context() as context:
        (decision,) = context.ledger.decisions.of("flights")
    ended = processes.run("retrain", fails("ratoon.loop.learn.run:ladder"), spec=decided.path, decision=decision.id)
    assert ended.error is not None and "no space left" in ended.error
    with decided.context() as context:
        assert [v.number for v in context.registry.versions()] == ["1"]
        assert context.registry.challenger() is None
        context.registry.verify("champion")
        (run,) = context.ledger.runs.of("flights")
        assert run.outcome == "failed"
        assert "no space left" in run.evidence.reason
