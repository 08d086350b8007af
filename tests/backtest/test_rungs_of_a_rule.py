"""A rule may leave rungs out: no training from scratch where its harm does not ask for it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from small_project import write_spec

from ratoon.backtest.jobs import Job, carry_out
from ratoon.backtest.strategies import ByPolicy
from ratoon.data.source import open_source
from ratoon.loop.context import ModelContext
from ratoon.loop.learn import run as runs
from ratoon.loop.plan import plan
from ratoon.models.ladder.race import Race
from ratoon.spec.values import Decision

START, END = datetime(2026, 1, 31), datetime(2026, 2, 24)


HARM = '  - when: triage == "harm"\n'


def races_of(folder: Path, rungs: str, monkeypatch: pytest.MonkeyPatch, *, before: str = "") -> list[Race]:
    """The climbs of a policy whose rule has these *rungs*; `race: all`, so that none is left out for another.

    *before*: a rule that stands before it.
    """
    spec = write_spec(
        folder,
        (r"rungs: \[warm\]", "rungs: [warm, scratch]\n  race: all\n  unproven: drop"),  # so that scratch is due
        (r"do: warm_start", f"do: warm_start\n    {rungs}".rstrip()),
        (HARM, before + HARM),
    )
    races: list[Race] = []
    real = runs.ladder

    def climbed(context: ModelContext, champion: Any, fired: Decision, **options: Any) -> Race:
        race = real(context, champion, fired, **options)
        if fired.rule in {rule.when for rule in spec.policy}:  # a schedule has no rule
            races.append(race)
        return race

    monkeypatch.setattr(runs, "ladder", climbed)
    with open_source(spec) as source:
        planned = plan(source, spec.path.name, START, END, spec.monitors.every)
    carry_out(Job("policy", spec, planned, strategy=ByPolicy(), hindsight=False), lambda done, total: None)
    return races


def test_only_the_rungs_of_the_rule_are_climbed_and_the_record_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    races = races_of(tmp_path / "p", "rungs: [warm]", monkeypatch)
    warms = [race.attempts[0] for race in races]
    assert warms and all(warm.rung == "warm" and warm.gate is not None and not warm.skipped for warm in warms)
    others = [each for race in races for each in race.attempts[1:]]  # of a run at whose moment it is due
    assert others
    for scratch in others:
        assert scratch.skipped and scratch.cpu_seconds == 0
        assert scratch.error == "the rule that fired climbs only warm (its key `rungs`)"


@pytest.mark.slow
def test_without_the_key_the_whole_ladder_is_climbed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    races = races_of(tmp_path / "p", "", monkeypatch)
    assert races and races[0].attempts[1].gate is not None


@pytest.mark.slow
@pytest.mark.parametrize("do", ["full_retrain", "warm_start"])
def test_a_rule_on_the_same_condition_that_was_held_back_lends_no_rungs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, do: str
) -> None:
    never = f"{HARM}    do: {do}\n    budget: {{runs: 0, per: 1d}}\n"
    races = races_of(tmp_path / "p", "rungs: [warm]", monkeypatch, before=never)
    assert races and all(race.attempts[1].skipped for race in races)
