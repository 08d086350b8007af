"""Boosted trees that continue: they stay within their budget, and stay true to what they had learned."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ratoon.models.families.boosting.leaf_steps import move_leaves, slope_of
from ratoon.models.families.choose import build, learner_for
from ratoon.models.learning.features import table
from ratoon.models.learning.how import How
from ratoon.models.learning.steps import innermost
from ratoon.models.learning.trained import Trained
from ratoon.models.registry.evidence import Evidence
from ratoon.spec.errors import ContractBroken, DataError

LIBRARIES = ["lgbm", "xgb"]


def champion_of(make_spec: Any, make_rows: Any, name: str, task: str = "binary", **learner: Any) -> Any:
    """(spec, learner, first version) with ten rounds of trees."""
    pytest.importorskip({"lgbm": "lightgbm", "xgb": "xgboost"}[name.split("_")[0]])
    spec = make_spec(name, task, learner=learner)
    estimator = build(spec)
    rows = make_rows(400, task)
    if task == "regression":
        rows = rows.drop(columns="c")
    return spec, learner_for(estimator, spec), learner_for(estimator, spec).first(estimator, rows, spec)


def rounds(version: Trained) -> int:
    """The boosting rounds that *version* holds."""
    last = innermost(version.estimator)
    if hasattr(last, "booster_"):
        booster = last.booster_
        return int(booster.num_trees() // booster.num_model_per_iteration())
    return int(last.get_booster().num_boosted_rounds())


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("boosting", ["adapt", "continue"])
def test_many_updates_never_pass_the_size_budget(make_spec: Any, make_rows: Any, library: str, boosting: str) -> None:
    """The record says what was dropped, and the model is as good as one that may grow."""
    losses = {}
    for most in (14, 1000):
        name = f"{library}_bare_binary"
        spec, learner, version = champion_of(
            make_spec, make_rows, name, boosting=boosting, rounds=2, trees=most, replay={"rows": 0}
        )
        for n in range(12):
            version = learner.update(version, make_rows(100, start=400 + 100 * n, shift=0.3), spec)
            assert rounds(version) <= most
        judged = version.predict(make_rows(500, start=5000, shift=0.3))
        losses[most] = float(np.mean((np.asarray(judged.score) - judged.target) ** 2))
        expected = "14 rounds of trees before, 14 after (2 dropped)" if most == 14 else "34 after (0 dropped)"
        assert expected in version.state.notes[0]
        assert version.state.base_rounds == 10

    assert losses[14] < losses[1000] + 0.02


@pytest.mark.parametrize("library", LIBRARIES)
def test_left_alone_the_budget_is_half_as_many_rounds_again_as_the_first_fit(
    make_spec: Any, make_rows: Any, library: str
) -> None:
    spec, learner, version = champion_of(make_spec, make_rows, f"{library}_bare_binary")
    for n in range(8):
        version = learner.update(version, make_rows(60, start=400 + 60 * n), spec)
    assert rounds(version) == 15


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_budget_that_the_first_fit_uses_up_is_refused_with_what_can_work(
    make_spec: Any, make_rows: Any, library: str
) -> None:
    spec, learner, version = champion_of(make_spec, make_rows, f"{library}_bare_binary", trees=10)
    with pytest.raises(ContractBroken, match=r"learner\.trees: 10 .* at least 11.*raise learner\.trees.*`refit`"):
        learner.update(version, make_rows(60, start=400), spec)


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_refit_follows_a_new_level_and_adds_no_tree(make_spec: Any, make_rows: Any, library: str) -> None:
    """A regression's level lives in the first tree or the base score; it must move, and not towards zero."""
    name = f"{library}_alone_regression"
    spec, learner, version = champion_of(make_spec, make_rows, name, "regression", boosting="refit")
    for n in range(6):
        rows = make_rows(200, "regression", start=400 + 200 * n).drop(columns="c")
        version = learner.update(version, rows.assign(_target=rows["_target"] + 100), spec)
    rows = make_rows(200, "regression", start=4000).drop(columns="c")

    assert rounds(version) == 10
    assert version.predict_frame(rows)["_prediction"].mean() == pytest.approx(rows["_target"].mean() + 100, abs=1)


@pytest.mark.parametrize("library", LIBRARIES)
def test_rows_of_one_class_do_not_undo_the_other(make_spec: Any, make_rows: Any, library: str) -> None:
    """The other class keeps its code and a chance, where the library alone would give it none."""
    for boosting in ("adapt", "continue"):
        spec, learner, version = champion_of(make_spec, make_rows, f"{library}_bare_binary", boosting=boosting)
        rows = make_rows(300, start=400)
        updated = learner.update(version, rows[rows["_target"] == 1], spec)
        before, after = version.predict(rows), updated.predict(rows)

        assert after.classes == (0, 1)
        assert np.asarray(after.score).mean() >= np.asarray(before.score).mean()
        assert np.asarray(after.score).min() > 1e-4
        zeros, ones = (np.asarray(after.score)[rows["_target"] == each] for each in (0, 1))
        assert zeros.mean() < ones.mean() - 0.1


@pytest.mark.parametrize("library", LIBRARIES)
def test_updates_after_a_registry_round_trip_stay_in_the_budget(
    make_spec: Any, make_rows: Any, registry_of: Any, library: str
) -> None:
    """The size of the first fit is part of the state: a loaded version drops what a held one would."""
    spec, learner, version = champion_of(make_spec, make_rows, f"{library}_bare_binary", trees=11)
    held = learner.update(version, make_rows(60, start=400), spec)
    registry = registry_of(f"growth-{library}", f"{library}_bare_binary")
    evidence = Evidence(decision="d1", at=datetime(2026, 2, 1), example=make_rows(5))
    loaded = registry.load(registry.register(held, evidence).number)

    rows = make_rows(60, start=460)
    one, two = learner.update(held, rows, spec), learner.update(loaded, rows, spec)
    assert rounds(two) == 11
    assert two.state.notes == one.state.notes
    np.testing.assert_array_equal(one.predict_frame(rows)["_score"], two.predict_frame(rows)["_score"])


@pytest.mark.parametrize("library", LIBRARIES)
def test_replayed_rows_are_learned_beside_the_new_ones(make_spec: Any, make_rows: Any, library: str) -> None:
    spec, learner, version = champion_of(make_spec, make_rows, f"{library}_bare_binary")
    rows = make_rows(100, start=400, shift=1.0)
    warm = learner.update(version, rows, spec)
    mixed = learner.update(version, rows, spec, How("warm_replay", version.reservoir))
    old = make_rows(300, seed=7)

    assert (mixed.state.strategy, mixed.state.learned_rows) == ("warm_replay", 500)
    assert (mixed.predict(old).prediction == old["_target"]).mean() > (
        warm.predict(old).prediction == old["_target"]
    ).mean()


def test_xgboost_names_the_classes_that_it_takes(make_spec: Any, make_rows: Any) -> None:
    pytest.importorskip("xgboost")
    spec = make_spec("xgb_multiclass", "multiclass")
    estimator = build(spec)
    with pytest.raises(DataError, match=r"classes 0 to k - 1 only; .* holds high, low, mid"):
        learner_for(estimator, spec).first(estimator, make_rows(100, "multiclass"), spec)


def test_an_objective_whose_leaves_cannot_be_moved_says_so(make_spec: Any, make_rows: Any) -> None:
    """`adapt` adds trees all the same and notes it; `refit` is refused by name."""
    spec, learner, version = champion_of(make_spec, make_rows, "lgbm_alone_regression", "regression")
    estimator = innermost(build(spec)).set_params(objective="quantile", alpha=0.5)
    version = learner.first(estimator, make_rows(300, "regression").drop(columns="c"), spec)
    rows = make_rows(100, "regression", start=400).drop(columns="c")
    updated = learner.update(version, rows, spec)
    assert rounds(updated) == 11
    assert "leaves were not moved" in updated.state.notes[1]

    refit = spec.model_copy(update={"learner": spec.learner.model_copy(update={"boosting": "refit"})})
    with pytest.raises(ContractBroken, match="cannot be re-estimated"):
        learner.update(replace(version, version="1"), rows, refit)


def test_a_leaf_without_rows_keeps_its_value() -> None:
    """Two trees of two leaves; all rows fall into the first leaves."""
    values = [np.array([0.0, 5.0]), np.array([0.0, 7.0])]
    leaf, output = np.zeros((50, 2), dtype=int), np.zeros(2, dtype=int)
    moved, score = move_leaves(values, leaf, output, np.zeros((50, 1)), slope_of("squared", np.ones(50), None))

    assert [each[1] for each in moved] == [5.0, 7.0]
    assert 0.5 < score[0, 0] <= 1.0
    assert values[0][0] == 0.0


@pytest.mark.parametrize("library", LIBRARIES)
def test_monotone_constraints_hold_after_any_number_of_updates(make_spec: Any, make_rows: Any, library: str) -> None:
    """Leaves that move one by one would not stay in order; the gate looks at the metric alone."""
    name = f"{library}_alone_regression"
    spec, learner, _ = champion_of(make_spec, make_rows, name, "regression", trees=14, replay={"rows": 0})
    estimator = build(spec)
    innermost(estimator).set_params(monotone_constraints=(1, 0))
    version = learner.first(estimator, make_rows(400, "regression").drop(columns="c"), spec)
    for n in range(3):
        against = make_rows(200, "regression", start=400 + 200 * n, shift=1.0).drop(columns="c")  # it falls by now
        version = learner.update(version, against, spec)
    assert any("monotone constraints bind them" in note for note in version.state.notes)
    grid = make_rows(300, "regression").drop(columns="c").assign(a=np.linspace(-3, 3, 300), b=0.0)
    assert (np.diff(version.predict_frame(grid)["_prediction"]) >= -1e-9).all()
    full = make_rows(200, "regression", start=1000).drop(columns="c")
    with pytest.raises(ContractBroken, match=r"1 rounds of old trees would have to go.*Raise learner.trees"):
        for n in range(9):
            version = learner.update(
                version, full.assign(_label_time=full["_label_time"] + timedelta(days=30 * n)), spec
            )


def test_new_trees_read_categories_as_the_first_ones_did() -> None:
    """LightGBM numbers the categories of each Dataset anew; those of a window that lacks one would be others."""
    lightgbm = pytest.importorskip("lightgbm")
    from ratoon.models.families.boosting.engine import Batch
    from ratoon.models.families.boosting.lightgbm_trees import LightGBMForest

    kinds, worth = ["a", "b", "c", "d"], {"a": 0.0, "b": 1.0, "c": 5.0, "d": -5.0, "e": 3.0}

    def rows(of: list[str], dtype: Any = "category") -> tuple[pd.DataFrame, Any]:
        chosen = np.random.default_rng(0).choice(of, 400)
        return pd.DataFrame({"k": pd.Series(chosen, dtype=dtype)}), np.array([worth[each] for each in chosen])

    X, _ = rows(kinds)
    params = {"objective": "regression", "verbosity": -1, "num_threads": 1, "min_data_per_group": 1, "cat_smooth": 1.0}
    booster = lightgbm.train(params, lightgbm.Dataset(X, label=np.zeros(400)), 1)
    forest = LightGBMForest(booster, params)
    new, y = rows(["b", "c", "d", "e"])
    forest.grow(Batch(new, y), np.zeros((400, 1)), 60, 0)
    seen = new["k"] != "e"  # one that the first fit did not know is missing to all trees
    assert np.abs(forest.closed().predict(new) - y)[seen.to_numpy()].max() < 0.5


@pytest.mark.parametrize("name", ["lgbm_bare_binary", "lgbm_multiclass", "xgb_bare_binary"])
def test_answers_are_those_of_the_library(make_spec: Any, make_rows: Any, name: str) -> None:
    """Trees are asked once, for scores: what follows from them is what `predict` says, in its type."""
    task = name.split("_")[-1]
    _, _, version = champion_of(make_spec, make_rows, name, task)
    rows = make_rows(700, task, start=900)
    theirs = version.estimator.predict(table(rows, version.state.features))
    said = version.predict(rows).prediction
    assert np.array_equal(said, theirs)
    assert said.dtype == theirs.dtype


def test_a_subclass_that_answers_otherwise_is_heard(make_spec: Any, make_rows: Any) -> None:
    """Somebody's own `predict`, such as one with another threshold, is what serves."""
    _, _, version = champion_of(make_spec, make_rows, "lgbm_bare_binary")
    last = innermost(version.estimator)
    last.__class__ = type(
        "Cautious", (type(last),), {"predict": lambda self, X, **_: np.repeat(self.classes_[1], len(X))}
    )
    assert set(version.predict(make_rows(50, start=900)).prediction) == {last.classes_[1]}


def test_what_stands_for_an_estimator_elsewhere_is_asked_for_its_own_answer(make_spec: Any, make_rows: Any) -> None:
    """A booster that carries code predicts in a process of its own: its heads are found by asking, not on the class."""
    _, _, version = champion_of(make_spec, make_rows, "lgbm_bare_binary")

    class Elsewhere:
        def predict(self, X: Any) -> Any:
            return version.estimator.predict(X)

        def __getattr__(self, name: str) -> Any:
            if name == "predict_proba":
                return version.estimator.predict_proba
            raise AttributeError(name)

    rows = make_rows(50, start=900)
    apart = replace(version, estimator=Elsewhere())
    assert apart.state.likeliest
    assert (apart.predict(rows).prediction == version.predict(rows).prediction).all()
