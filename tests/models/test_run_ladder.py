"""The ladder: cheapest strategy first, stopped by the first that passes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

from ratoon.models.ladder.run import Asked, first
from ratoon.spec.errors import DataError, Refused
from ratoon.spec.keys.gate import Margin

from .ladders import run_ladder


def test_the_warm_strategy_that_passes_stops_the_run(world: dict[str, Any]) -> None:
    """The scratch strategy's rows are not even read."""
    result = run_ladder(**{**world, "scratch": lambda since: pytest.fail("the scratch strategy was reached")})
    assert [a.strategy for a in result.attempts] == ["warm"]
    assert result.winner is not None
    assert result.winner.state.strategy == "warm"
    assert result.winner.state.accepted["mae"].rows == 150
    assert result.cpu_seconds > 0
    assert result.attempts[0].judging_cpu_seconds > 0


def test_a_full_retrain_starts_at_the_scratch_strategy(world: dict[str, Any]) -> None:
    result = run_ladder(**world, full=True)
    assert [a.strategy for a in result.attempts if not a.skipped] == ["scratch"]
    assert result.attempts[-1].rows == 600


def test_a_broken_contract_is_recorded_and_the_next_strategy_is_tried(world: dict[str, Any]) -> None:
    """A new feature cannot be learned warm; from scratch it can, and the reason is kept."""
    extra = {"unlearned": world["unlearned"].assign(extra=1.0), "recent": world["recent"].assign(extra=1.0)}
    scratch = world["scratch"]
    result = run_ladder(**{**world, **extra, "scratch": lambda since: scratch(since).assign(extra=1.0)})
    assert result.attempts[0].error is not None
    assert "feature 'extra' is new" in result.attempts[0].error
    assert result.attempts[-1].strategy == "scratch"


def test_no_new_rows_is_an_attempt_that_says_so(world: dict[str, Any]) -> None:
    result = run_ladder(**{**world, "unlearned": world["unlearned"].iloc[:0]})
    assert result.attempts[0].error == "no labelled rows that the version to continue has not learned"


def test_a_run_without_a_winner_leaves_no_candidate(world: dict[str, Any], make_rows: Any) -> None:
    """The champion of an unchanged relation is not replaced by a model of another one."""
    recent = make_rows(150, "regression", start=700, holdout=True)
    result = run_ladder(**{**world, "recent": recent})
    assert result.winner is None
    assert [a.strategy for a in result.attempts if a.gate] == ["warm", "warm_replay", "shrink_perturb", "scratch"]
    assert not any(a.passed for a in result.attempts)
    assert result.gate is not None


@pytest.fixture(scope="module")
def unproven(world: dict[str, Any], make_rows: Any) -> dict[str, Any]:
    """The world after a run whose holdout was too small to judge: its candidate, and rows that came since."""
    few = make_rows(20, "regression", start=700, shift=0.5, holdout=True)
    result = run_ladder(**{**world, "recent": few})
    assert result.winner is None and result.unproven is not None
    later = make_rows(200, "regression", start=1500, shift=0.5)
    return {**world, "recent": few, "lines": {"warm": replace(result.unproven, version="7")}, "unlearned": later}


def test_a_candidate_that_cannot_be_judged_stops_the_run_and_is_kept(unproven: dict[str, Any]) -> None:
    kept = unproven["lines"]["warm"]
    assert (kept.state.strategy, kept.state.learned_rows) == ("warm", 600)


def test_the_next_run_goes_on_from_it_and_learns_each_row_once(unproven: dict[str, Any]) -> None:
    result = run_ladder(**unproven)
    assert [a.strategy for a in result.attempts] == ["warm"]
    assert result.winner is not None
    assert (result.winner.state.parent, result.winner.state.learned_rows, result.winner.state.updates) == ("7", 800, 2)
    assert result.rows == 200


def test_it_is_proven_by_what_it_said_of_the_rows_before_they_were_learned(unproven: dict[str, Any]) -> None:
    """20 holdout rows are too few; 200 that nobody had learned when it predicted them are not."""
    gate = run_ladder(**unproven).gate
    assert gate is not None and gate.passed
    assert (gate.strata[0].rows, gate.prequential) == (220, 200)


def test_a_candidate_from_scratch_predicted_nothing(unproven: dict[str, Any]) -> None:
    scratch = unproven["scratch"]
    both = lambda since: pd.concat([scratch(since), unproven["unlearned"]])  # noqa: E731
    result = run_ladder(**{**unproven, "scratch": both}, full=True)
    assert [(a.strategy, a.gate.prequential, a.gate.strata[0].rows) for a in result.attempts if a.gate] == [
        ("scratch", 0, 20)
    ]


def test_without_new_rows_the_line_itself_is_judged_and_nothing_replaces_it(unproven: dict[str, Any]) -> None:
    """It has learned them all; a fit from scratch would be judged on the very rows that could not tell."""
    unread = lambda since: pytest.fail("rows were read for a fit from scratch")  # noqa: E731
    result = run_ladder(**{**unproven, "unlearned": unproven["unlearned"].iloc[:0], "scratch": unread})
    assert result.winner is None
    assert result.unproven is not None
    assert result.unproven.estimator is unproven["lines"]["warm"].estimator
    assert all(a.rows == 0 for a in result.attempts)


def test_a_look_that_offers_nothing_lets_the_wanted_strategies_learn_and_asks_no_gate(world: dict[str, Any]) -> None:
    asked = Asked(learn=frozenset({"warm", "scratch"}), offer=False)
    result = run_ladder(**{**world, "asked": asked})
    assert {a.strategy for a in result.attempts} == set(result.learned) == {"warm", "scratch"}
    assert all(a.gate is None for a in result.attempts)
    assert result.candidate is None


def test_a_strategy_that_is_wanted_learns_also_behind_the_one_that_won(world: dict[str, Any]) -> None:
    result = run_ladder(**{**world, "asked": Asked(order=("warm",), learn=frozenset({"scratch"}))})
    assert result.winner is not None and result.winner.state.strategy == "warm"
    assert [(a.strategy, a.gate is not None) for a in result.attempts] == [("warm", True), ("scratch", False)]
    assert result.learned.keys() == {"warm", "scratch"}


def test_a_handful_of_holdout_rows_is_no_level_to_hold_a_version_to(unproven: dict[str, Any]) -> None:
    """The predicted rows proved it; on 20 rows any interval may be far too good."""
    winner = run_ladder(**unproven).winner
    assert winner is not None
    assert winner.state.accepted == {}
    assert winner.state.baseline == unproven["champion"].state.baseline


def test_a_ladder_of_all_strategies_counts_the_rows_of_the_one_that_is_kept(
    world: dict[str, Any], make_rows: Any
) -> None:
    few = make_rows(20, "regression", start=700, shift=0.5, holdout=True)
    spec = world["spec"].model_copy(update={"learner": world["spec"].learner.model_copy(update={"ladder": "all"})})
    result = run_ladder(**{**world, "recent": few, "spec": spec})
    assert result.unproven is not None and result.attempts[-1].rows == 600
    assert (result.unproven.state.strategy, result.rows) == ("warm", 300)


def test_a_candidate_that_is_refuted_is_not_kept(world: dict[str, Any], make_rows: Any) -> None:
    recent = make_rows(150, "regression", start=700, holdout=True)
    result = run_ladder(**{**world, "recent": recent})
    assert result.candidate is None and result.unproven is None


def test_a_holdout_row_among_those_to_learn_stops_everything(world: dict[str, Any]) -> None:
    """Not a matter for the next strategy: something upstream is broken."""
    with pytest.raises(Refused, match="holdout"):
        run_ladder(**{**world, "unlearned": world["recent"]})
    with pytest.raises(Refused, match="holdout"):
        run_ladder(**{**world, "scratch": lambda since: world["recent"]}, full=True)


def test_a_first_training_records_what_it_reached_on_the_holdout(world: dict[str, Any]) -> None:
    accepted = world["champion"].state.accepted["mae"]
    assert accepted.rows == 100
    assert accepted.low <= accepted.value <= accepted.high


def test_a_first_training_without_rows_is_bad_input(world: dict[str, Any], make_rows: Any) -> None:
    with pytest.raises(DataError, match="no labelled rows to learn from"):
        first(world["spec"], make_rows(5, "regression").iloc[:0])


def test_another_share_of_holdout_rows_begins_with_a_fit_from_scratch(world: dict[str, Any]) -> None:
    """Rows that the champion learned would be held against it, and its reservoir would replay what is held out now."""
    spec = world["spec"].model_copy(
        update={"data": world["spec"].data.model_copy(update={"holdout": world["spec"].data.holdout + 0.1})}
    )
    spec._path = world["spec"].path
    result = run_ladder(**world | {"spec": spec})
    first_tried = result.attempts[0]
    assert first_tried.strategy == "warm"
    assert "data.holdout was 0.15 when it learned, is 0.25" in (first_tried.error or "")
    assert {attempt.strategy for attempt in result.attempts if attempt.gate} <= {"scratch", "scratch_recent"}


def test_what_may_be_lost_on_the_anchor_is_tried_on_the_next_strategy(world: dict[str, Any]) -> None:
    """Recent rows become more, older ones do not: waiting would bring no proof, a strategy with old rows may."""
    gates = world["spec"].gate
    (warm,) = run_ladder(**world).attempts
    assert warm.gate is not None
    anchor = warm.gate.strata[1]
    assert anchor.gain is not None and anchor.champion is not None and anchor.gain.value < 0
    margin = Margin(margin=-1.001 * anchor.gain.value / anchor.champion)  # the value keeps to it, the interval does not
    spec = world["spec"].model_copy(update={"gate": gates.model_copy(update={"anchor": margin})})
    spec._path = world["spec"].path
    result = run_ladder(**world | {"spec": spec})
    first_tried = result.attempts[0].gate
    assert first_tried is not None and first_tried.promising and not first_tried.waits
    assert result.attempts[1].strategy == "warm_replay" and result.attempts[1].gate is not None
    assert result.candidate is not None
