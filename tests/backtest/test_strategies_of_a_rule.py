"""A rule may leave strategies out: no training from scratch where its harm does not ask for it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from small_project import write_spec

from ratoon.backtest.deciders import ByPolicy
from ratoon.backtest.jobs import Job, carry_out
from ratoon.data.source import open_source
from ratoon.loop.context import ModelContext
from ratoon.loop.learn import run as runs
from ratoon.loop.plan import plan
from ratoon.models.ladder.run import LadderResult
from ratoon.spec.values import Decision

START, END = datetime(2026, 1, 31), datetime(2026, 2, 24)


HARM = '  - when: triage == "harm"\n'


def results_of(
    folder: Path, strategies: str, monkeypatch: pytest.MonkeyPatch, *, before: str = ""
) -> list[LadderResult]:
    """The runs of a policy whose rule has these *strategies*; `ladder: all`, so that none is left out for another.

    *before*: a rule that stands before it.
    """
    spec = write_spec(
        folder,
        (
            r"strategies: \[warm\]",
            "strategies: [warm, scratch]\n  ladder: all\n  unproven: drop",
        ),  # so that scratch is due
        (r"do: warm_start", f"do: warm_start\n    {strategies}".rstrip()),
        (HARM, before + HARM),
    )
    results: list[LadderResult] = []
    real = runs.ladder

    def recorded(context: ModelContext, champion: Any, fired: Decision, **options: Any) -> LadderResult:
        result = real(context, champion, fired, **options)
        if fired.rule in {rule.when for rule in spec.policy}:  # a schedule has no rule
            results.append(result)
        return result

    monkeypatch.setattr(runs, "ladder", recorded)
    with open_source(spec) as source:
        planned = plan(source, spec.path.name, START, END, spec.monitors.every)
    carry_out(Job("policy", spec, planned, decider=ByPolicy(), hindsight=False), lambda done, total: None)
    return results


def test_only_the_strategies_of_the_rule_are_tried_and_the_record_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = results_of(tmp_path / "p", "strategies: [warm]", monkeypatch)
    warms = [result.attempts[0] for result in results]
    assert warms and all(warm.strategy == "warm" and warm.gate is not None and not warm.skipped for warm in warms)
    others = [each for result in results for each in result.attempts[1:]]  # of a run at whose moment it is due
    assert others
    for scratch in others:
        assert scratch.skipped and scratch.cpu_seconds == 0
        assert scratch.error == "the rule that fired tries only warm (its key `strategies`)"


@pytest.mark.slow
def test_without_the_key_the_whole_ladder_is_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    results = results_of(tmp_path / "p", "", monkeypatch)
    assert results and results[0].attempts[1].gate is not None


@pytest.mark.slow
@pytest.mark.parametrize("do", ["full_retrain", "warm_start"])
def test_a_rule_on_the_same_condition_that_was_held_back_lends_no_strategies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, do: str
) -> None:
    never = f"{HARM}    do: {do}\n    budget: {{runs: 0, per: 1d}}\n"
    results = results_of(tmp_path / "p", "strategies: [warm]", monkeypatch, before=never)
    assert results and all(result.attempts[1].skipped for result in results)
