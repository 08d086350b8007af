"""Two hundred kills at random steps, over SQLite and over PostgreSQL: every story still ends with one version."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from machines import copied_ledger, decision_of
from processes import Processes, dies
from project import Project
from test_invariants_crash import MATRIX, STEPS, end_of_the_story

KILLS = 100  # over each kind of ledger
MOST = 6  # in one story


@contextmanager
def _fresh(kind: str, request: pytest.FixtureRequest, folder: Path) -> Iterator[Project]:
    """A project with a decision to train, its ledger in a file or in PostgreSQL."""
    if kind == "sqlite":
        project = request.getfixturevalue("decided_project").copy(folder)
        project.trains_apart()
        yield project
        return
    shared = request.getfixturevalue("shared")
    with copied_ledger(request.getfixturevalue("postgres_url"), shared, folder) as project:
        yield project


@pytest.mark.long
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_hundred_kills_lose_and_double_nothing(
    processes: Processes,
    kind: str,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Each story is killed again and again until it ends; a kill's step is drawn, also one that a repeat passes by."""
    drawn = random.Random(7)
    by_step: dict[str, int] = {}
    stories = 0
    while sum(by_step.values()) < KILLS:
        stories += 1
        with _fresh(kind, request, tmp_path / f"story{stories}") as project:
            decision = decision_of(project)
            for _ in range(MOST):
                step, when = drawn.choice(MATRIX)
                ended = processes.run("retrain", dies(STEPS[step], when), spec=project.path, decision=decision)
                assert ended.killed or ended.error is None, ended.trace
                if ended.killed:
                    by_step[step] = by_step.get(step, 0) + 1
            last = processes.run("retrain", spec=project.path, decision=decision)
            assert last.error is None, last.trace
            assert last.result["version"] == "2"
            end_of_the_story(project, decision)
    with capsys.disabled():
        print(f"\n{kind}: {sum(by_step.values())} kills in {stories} stories, each of which ended with one version:")
        for step in sorted(by_step, key=lambda each: -by_step[each]):
            print(f"  {by_step[step]:3} at {step}")
