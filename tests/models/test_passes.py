"""How often an update passes over its rows where the spec does not say, and in which order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ratoon.models.families.choose import build, learner_for
from ratoon.models.learning.passes import MOST_PASSES, VISITS, passes_over
from ratoon.models.learning.steps import innermost


@pytest.mark.parametrize("rows", [400, 1_000, 2_500, 10_000, 20_000])
def test_an_update_costs_as_many_steps_whatever_the_length_of_its_window(make_spec: Any, rows: int) -> None:
    assert passes_over(rows, make_spec().learner) * rows == pytest.approx(VISITS, rel=0.05)


def test_a_long_window_is_learned_once_and_a_short_one_not_by_heart(make_spec: Any) -> None:
    auto = make_spec().learner
    assert [passes_over(rows, auto) for rows in (1, 60, 50_000, 1_000_000)] == [MOST_PASSES, MOST_PASSES, 1, 1]


def test_the_spec_may_say_how_often(make_spec: Any) -> None:
    assert passes_over(5, make_spec(learner={"epochs": 3}).learner) == 3


@pytest.mark.parametrize(("name", "task"), [("sgd_binary", "binary"), ("mlp_regression", "regression")])
def test_the_record_says_how_often_it_was(name: str, task: str, make_spec: Any, make_rows: Any) -> None:
    spec = make_spec(name, task)
    learner = learner_for(build(spec), spec)
    champion = learner.first(build(spec), make_rows(300, task), spec)
    updated = learner.update(champion, make_rows(800, task, start=300), spec)
    assert updated.state.epochs == 25
    steps = innermost(updated.estimator).t_ - innermost(champion.estimator).t_
    assert steps == 25 * 800


def test_a_network_keeps_its_own_shuffle_for_who_fits_it_later(make_spec: Any, make_rows: Any) -> None:
    """The update takes rows in an order of its own; the parameter that its user set is as it was."""
    spec = make_spec("mlp_regression", "regression", learner={"epochs": 2})
    learner = learner_for(build(spec), spec)
    champion = learner.first(build(spec), make_rows(300, "regression"), spec)
    one = learner.update(champion, make_rows(80, "regression", start=300), spec)
    two = learner.update(champion, make_rows(80, "regression", start=300), spec)
    assert innermost(one.estimator).shuffle is True
    for mine, other in zip(innermost(one.estimator).coefs_, innermost(two.estimator).coefs_, strict=True):
        np.testing.assert_array_equal(mine, other)
