"""Backtest, shadow and replay are one engine: on the same data they decide alike, window by window."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from processes import Processes
from project import Project, timeless, write_project

from ratoon.backtest.deciders import ByPolicy
from ratoon.backtest.jobs import Job, carry_out
from ratoon.data.source import open_source
from ratoon.ledger.ledger import Ledger
from ratoon.loop.plan import plan
from ratoon.spec.load import load_spec
from ratoon.spec.stores import stores_of

START, END, STEP = datetime(2026, 2, 3), datetime(2026, 2, 23), timedelta(days=4)


def backtested(project: Project) -> list[dict[str, Any]]:
    """The decisions of the policy's arm."""
    with open_source(project.spec) as source:
        planned = plan(source, "spec.yaml", START, END, STEP)
    found = carry_out(Job("policy", project.spec, planned, decider=ByPolicy()), lambda done, total: None)
    return [timeless(decision) for decision in found.decisions]


def without_gain(decision: dict[str, Any]) -> dict[str, Any]:
    """*decision* without background learning, its runs and what they say: in shadow mode none learns."""
    facts = {name: known for name, known in decision["facts"].items() if name != "gain"}
    return decision | {"facts": facts, "basis": decision["basis"] | {"trials": [], "leader": None, "marks": None}}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("agrees")


@pytest.fixture(scope="module")
def replayed(processes: Processes, folder: Path) -> tuple[Project, list[dict[str, Any]]]:
    """A replay with Prefect, MLflow and Evidently, with the default persistence of harm."""
    project = write_project(folder / "project", rows=4000)
    project.write(r"persist: 1 of 1", "persist: 2 of 3")
    ended = processes.run("replay", spec=project.path, every="4d", start=START, end=END, into=str(folder / "replay"))
    assert ended.error is None, ended.trace
    with Ledger.open(stores_of(load_spec(ended.result["spec"])).ledger) as ledger:
        return project, [timeless(decision) for decision in ledger.decisions.of("flights")]


@pytest.mark.slow
def test_backtest_and_replay_decide_alike(replayed: tuple[Project, list[dict[str, Any]]]) -> None:
    """Verdicts, reasons, guards, facts and champions are equal in each of the five windows; some fire, some do not."""
    project, decisions = replayed
    assert {each["action"] for each in decisions} >= {"hold", "warm_start"}
    assert backtested(project) == decisions


@pytest.mark.slow
def test_shadow_and_its_backtest_decide_alike_and_nothing_trains(
    processes: Processes, replayed: tuple[Project, list[dict[str, Any]]], folder: Path
) -> None:
    """Monitors in shadow mode record what live decides, up to the first run, which only live starts."""
    project, live = replayed
    shadow = project.copy(folder / "shadow")
    shadow.write(r"^mode: live", "mode: shadow")
    first = processes.run("train", spec=shadow.path, at=START)
    assert first.result == "1", first.trace
    for step in range(1, 6):
        ended = processes.run("monitor", spec=shadow.path, at=START + step * STEP)
        assert ended.error is None, ended.trace

    with shadow.context() as context:
        watched = [timeless(decision) for decision in context.ledger.decisions.of("flights")]
        assert context.ledger.runs.of("flights") == []
        assert [version.number for version in context.registry.versions()] == ["1"]

    assert backtested(shadow) == watched
    fired = next(number for number, each in enumerate(live) if each["action"] == "warm_start")
    assert [without_gain(each) for each in watched[: fired + 1]] == [without_gain(each) for each in live[: fired + 1]]
    assert any(each["basis"]["trials"] for each in live[: fired + 1])
    assert not any(each["basis"]["trials"] for each in watched)
