"""Strategies that are passed over: because the rule bars them, or by what may still be spent."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from ratoon.models.gate import Gain, GateResult, Stratum
from ratoon.models.ladder.asked import Asked
from ratoon.models.ladder.attempt import Attempt
from ratoon.models.ladder.run import first
from ratoon.models.ladder.skipped import SkippedStrategies, expected, rows_to_learn

from .ladders import run_ladder


def judged(
    strategy: Any, verdict: Any, *, gain: float = -1.0, rows: int = 100, cpu: float = 1.0, anchor: Any = "passed"
) -> Attempt:
    recent = Stratum(
        name="recent",
        rows=50,
        gain=Gain(value=gain, low=gain - 1, high=gain + 1),
        needed="better",
        verdict=verdict,
        reason="because",
        refuted=gain < 0,
    )
    older = Stratum(name="anchor", rows=50, needed="margin", verdict=anchor, reason="because", refuted=False)
    gate = GateResult(metric="mae", confidence=0.95, strata=(recent, older))
    return Attempt(strategy=strategy, rows=rows, cpu_seconds=cpu, gate=gate)


def test_what_a_strategy_should_take_is_what_a_row_took_last_time() -> None:
    runs = [[judged("scratch", "refused", rows=100, cpu=9.0)], [judged("scratch", "refused", rows=200, cpu=4.0)]]
    assert expected(runs, {"scratch": 1000, "warm": 10}) == {"scratch": 20.0}


def test_the_budget_forbids_the_strategy_that_would_pass_it() -> None:
    skipped = SkippedStrategies(expected={"scratch": 20.0}, budget=10.0)
    assert skipped.over("warm", 1.0) is None
    assert "about 20.00 CPU s, and 9.00 are left" in (skipped.over("scratch", 1.0) or "")
    assert "budget is spent" in (skipped.over("warm", 10.0) or "")


def test_a_strategy_that_is_barred_is_recorded_with_the_reason_and_costs_nothing(
    make_spec: Any, make_rows: Any
) -> None:
    spec = make_spec("sgd_regression", "regression", learner={"epochs": 20}, gate={"anchor": {"margin": 50.0}})
    old, new = make_rows(300, "regression"), make_rows(300, "regression", start=300, shift=0.5)
    result = run_ladder(
        first(spec, old)[0],
        spec,
        unlearned=new,
        scratch=lambda since: pd.concat([old, new]),
        recent=make_rows(150, "regression", start=700, shift=0.5, holdout=True),
        anchor=make_rows(150, "regression", start=8000, holdout=True),
        skipped=SkippedStrategies(resting={"warm": "the rule that fired does not try it"}),
    )
    assert result.attempts[0].skipped
    assert (result.attempts[0].rows, result.attempts[0].cpu_seconds) == (0, 0.0)
    assert result.attempts[1].strategy == "warm_replay"
    assert result.winner is not None
    assert result.winner.state.strategy == "warm_replay"


def test_a_ladder_for_study_runs_every_strategy_and_takes_the_cheapest_that_passed(
    make_spec: Any, make_rows: Any
) -> None:
    spec = make_spec(
        "sgd_regression", "regression", learner={"epochs": 20, "ladder": "all"}, gate={"anchor": {"margin": 50.0}}
    )
    old, new = make_rows(300, "regression"), make_rows(300, "regression", start=300, shift=0.5)
    result = run_ladder(
        first(spec, old)[0],
        spec,
        unlearned=new,
        scratch=lambda since: pd.concat([old, new]),
        recent=make_rows(150, "regression", start=700, shift=0.5, holdout=True),
        anchor=make_rows(150, "regression", start=8000, holdout=True),
    )
    assert {"warm", "warm_replay", "scratch"} <= {a.strategy for a in result.attempts if a.gate}
    assert result.winner is not None
    assert result.winner.state.strategy == "warm"
    assert result.rows == 300  # the winner's, not those of the last strategy that ran


@pytest.mark.parametrize(
    ("build", "learner"),
    [
        ("sgd_regression", {"replay": {"ratio": 3.0}}),
        ("sgd_regression", {"replay": {"ratio": 0.2, "rows": 100, "recent": 50}}),
        ("sgd_regression", {"replay": {"rows": 0}}),
        ("xgb_scaled_regression", {"replay": {"ratio": 2.0}, "blocks": {"rows": 200, "recent": 0.5}}),
    ],
)
def test_the_forecast_counts_the_rows_that_each_strategy_then_learns(
    make_spec: Any, make_rows: Any, build: str, learner: dict[str, Any]
) -> None:
    """Replay with its ratio, blocks, and the candidate in the background from which a strategy goes on."""
    spec = make_spec(build, "regression", learner={"epochs": 5, "ladder": "all"} | learner)
    champion = first(spec, make_rows(300, "regression"))[0]
    one, two = make_rows(60, "regression", start=300), make_rows(40, "regression", start=360)
    learned = run_ladder(
        champion, spec, unlearned=one, scratch=lambda since: one, recent=one[:0], anchor=one[:0],
        asked=Asked(learn=frozenset({"warm"}), offer=False),
    ).learned  # fmt: skip
    unlearned = pd.concat([one, two])

    expected_rows = rows_to_learn(champion, learned, unlearned, spec.learner)
    result = run_ladder(
        champion, spec, unlearned=unlearned, scratch=lambda since: unlearned, lines=learned,
        recent=make_rows(60, "regression", start=700, holdout=True),
        anchor=make_rows(60, "regression", start=8000, holdout=True),
    )  # fmt: skip

    took = {each.strategy: each.rows for each in result.attempts if each.strategy in expected_rows and each.rows}
    assert took
    assert {strategy: expected_rows[strategy] for strategy in took} == took


def test_what_a_strategy_took_in_the_background_tells_what_it_takes() -> None:
    background = Attempt(strategy="warm", rows=100, cpu_seconds=2.0)
    broken = Attempt(strategy="warm", rows=100, cpu_seconds=9.0, error="it broke its contract")
    assert expected([[background], [broken]], {"warm": 50}) == {"warm": 1.0}
