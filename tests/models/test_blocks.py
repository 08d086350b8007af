"""Boosted trees as the average of blocks: each update trains one afresh, the oldest goes, and one booster serves."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from ratoon.models.build import build
from ratoon.models.evidence import Evidence
from ratoon.models.features import table
from ratoon.models.how import How
from ratoon.models.learner import learner_for
from ratoon.models.race import climb
from ratoon.models.reservoir import beside
from ratoon.models.steps import innermost
from ratoon.models.trained import Trained
from ratoon.spec.errors import ContractBroken

MODELS = [
    ("lgbm_bare_binary", "binary"),
    ("lgbm_multiclass", "multiclass"),
    ("lgbm_alone_regression", "regression"),
    ("xgb_bare_binary", "binary"),
    ("xgb_multiclass", "multiclass"),
    ("xgb_alone_regression", "regression"),
    ("xgb_scaled_regression", "regression"),
]
ONE_EACH = [("lgbm_bare_binary", "binary"), ("xgb_bare_binary", "binary")]


class World:
    """One model with its rows and its learner; updates by `warm_blocks`."""

    def __init__(self, make_spec: Any, make_rows: Any, name: str, task: str, **learner: Any) -> None:
        pytest.importorskip({"lgbm": "lightgbm", "xgb": "xgboost"}[name.split("_")[0]])
        self.spec = make_spec(name, task, learner=learner)
        self._make, self._name, self._task = make_rows, name, task
        self.learner = learner_for(build(self.spec), self.spec)

    def first(self, n: int = 400, **params: Any) -> Trained:
        return self.learner.first(self.built(**params), self.rows(n), self.spec)

    def built(self, **params: Any) -> Any:
        estimator = build(self.spec)
        innermost(estimator).set_params(**params)
        return estimator

    def rows(self, n: int, start: int = 0, shift: float = 0.0) -> pd.DataFrame:
        rows: pd.DataFrame = self._make(n, self._task, start=start, shift=shift)
        if "multiclass" in self._name and "xgb" in self._name:
            rows["_target"] = rows["_target"].map({"low": 0, "mid": 1, "high": 2})
        return rows.drop(columns="c") if "alone" in self._name else rows

    def update(self, version: Trained, n: int = 200, start: int = 400, shift: float = 0.5) -> Trained:
        how = How("warm_blocks", beside(version.reservoir, n, self.spec.learner.replay, self.spec.learner.blocks))
        return self.learner.update(version, self.rows(n, start, shift), self.spec, how)


def raw(version: Trained, rows: pd.DataFrame) -> np.ndarray:
    """Raw scores, before any link, of shape (n,) or (n, classes)."""
    X = table(rows, version.state.features)
    estimator = version.estimator
    if hasattr(estimator, "steps"):
        X = estimator[:-1].transform(X)
    last = innermost(estimator)
    if hasattr(last, "booster_"):
        return np.asarray(last.booster_.predict(X, raw_score=True))
    return np.asarray(last.predict(X, output_margin=True))


@pytest.mark.parametrize(("name", "task"), MODELS)
def test_what_is_served_is_the_mean_of_the_blocks(make_spec: Any, make_rows: Any, name: str, task: str) -> None:
    """Two blocks at most: the first fit is one, and each later model is the mean of the two newest blocks."""
    two, one = (World(make_spec, make_rows, name, task, blocks={"count": count, "rounds": 6}) for count in (2, 1))
    version = two.first()
    judged = two.rows(300, 5000)
    newest, blocks = raw(version, judged), version.state.blocks
    assert blocks == ()
    for n in range(3):
        alone = one.update(version, start=400 + 200 * n, shift=1.0 + n)
        version = two.update(version, start=400 + 200 * n, shift=1.0 + n)
        assert alone.state.blocks == (6,)
        assert version.state.blocks == ((10, 6) if n == 0 else (6, 6))
        np.testing.assert_allclose(raw(version, judged), (newest + raw(alone, judged)) / 2, rtol=1e-4, atol=1e-5)
        newest = raw(alone, judged)


@pytest.mark.parametrize(("name", "task"), MODELS)
@pytest.mark.parametrize("tilted", [False, True])
def test_a_block_is_what_the_library_itself_would_train(
    make_spec: Any, make_rows: Any, name: str, task: str, tilted: bool
) -> None:
    """On the same rows, from the start: the level is the rows' own, and so are the weights that the user set."""
    if tilted and task != "binary":
        pytest.skip("scale_pos_weight is for two classes")
    params: dict[str, Any] = {"subsample": 1.0} | ({"scale_pos_weight": 3.0} if tilted else {})
    world = World(make_spec, make_rows, name, task, blocks={"count": 1, "rounds": 10}, replay={"rows": 0})
    champion = world.first(**params)
    updated = world.update(champion, 300, shift=2.0)
    rows, judged = world.rows(300, 400, 2.0), world.rows(200, 5000, 2.0)

    fresh = clone(innermost(champion.estimator)).set_params(random_state=world.spec.seed + 1)
    X, Z = (table(each, champion.state.features) for each in (rows, judged))
    if hasattr(champion.estimator, "steps"):
        X, Z = (champion.estimator[:-1].transform(each) for each in (X, Z))
    y = rows["_target"].to_numpy()
    if name == "xgb_scaled_regression":
        y = champion.estimator[-1].transformer_.transform(y.reshape(-1, 1))[:, 0]
    fresh.fit(X, y)
    expected = fresh.predict(Z, raw_score=True) if "lgbm" in name else fresh.predict(Z, output_margin=True)
    np.testing.assert_allclose(raw(updated, judged), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("name", "task"), MODELS)
def test_a_class_that_the_rows_lack_keeps_a_chance(make_spec: Any, make_rows: Any, name: str, task: str) -> None:
    """Its block says little of it, not that it never comes."""
    if task == "regression":
        pytest.skip("a regression has no classes")
    world = World(make_spec, make_rows, name, task, blocks={"count": 2}, replay={"rows": 0})
    champion, rows = world.first(), world.rows(300, 400)
    one = rows[rows["_target"] == rows["_target"].iloc[0]]
    updated = world.learner.update(champion, one, world.spec, How("warm_blocks"))
    score = np.asarray(updated.predict(rows).score)

    assert updated.predict(rows).classes == champion.state.classes
    assert score.min() > 1e-4
    assert np.isfinite(score).all()


@pytest.mark.parametrize(("name", "task"), ONE_EACH)
def test_trees_that_other_updates_add_belong_to_the_newest_block(
    make_spec: Any, make_rows: Any, name: str, task: str
) -> None:
    """Whatever the order of the strategies, the blocks are all of the booster, and the oldest goes whole."""
    world = World(make_spec, make_rows, name, task, blocks={"count": 2, "rounds": 6}, rounds=2, replay={"recent": 300})
    version = world.learner.update(world.first(), world.rows(200, 400), world.spec)
    assert version.state.blocks == ()
    version = world.update(version, start=600)
    assert (version.state.blocks, version.state.base_rounds) == ((12, 6), 18)
    version = world.learner.update(version, world.rows(200, 800), world.spec)
    assert version.state.blocks == (12, 8)
    version = world.update(version, start=1000)
    assert version.state.blocks == (8, 6)
    last = innermost(version.estimator)
    assert (last.booster_.num_trees() if "lgbm" in name else last.get_booster().num_boosted_rounds()) == 14


@pytest.mark.parametrize(("name", "task"), ONE_EACH)
def test_it_comes_back_from_the_registry_with_the_same_future(
    make_spec: Any, make_rows: Any, registry_of: Any, name: str, task: str
) -> None:
    """One plain booster of its library; blocks, newest rows and sample are kept beside it."""
    world = World(make_spec, make_rows, name, task, blocks={"count": 2}, replay={"rows": 150, "recent": 120})
    version = world.update(world.first())
    registry = registry_of(f"{name}-blocks", name, task)
    number = registry.register(version, Evidence(decision="d1", at=datetime(2026, 2, 1), example=version.reservoir[:5]))
    again = registry.load(number.number)
    assert again.state == version.state
    assert type(innermost(again.estimator)) is type(innermost(world.built()))
    here, there = (world.update(each, start=600) for each in (version, again))
    np.testing.assert_array_equal(raw(here, world.rows(90, 5000)), raw(there, world.rows(90, 5000)))
    assert here.reservoir is not None and there.reservoir is not None
    assert here.reservoir["_id"].tolist() == there.reservoir["_id"].tolist()


@pytest.mark.parametrize(("name", "task"), MODELS)
def test_the_same_update_gives_the_same_model_and_leaves_the_champion_alone(
    make_spec: Any, make_rows: Any, name: str, task: str
) -> None:
    world = World(make_spec, make_rows, name, task)
    champion = world.update(world.first())
    judged = world.rows(200, 5000)
    before = raw(champion, judged)
    one, two = world.update(champion, start=600), world.update(champion, start=600)
    np.testing.assert_array_equal(raw(one, judged), raw(two, judged))
    np.testing.assert_array_equal(raw(champion, judged), before)
    assert one.state == two.state
    assert (one.state.rung, one.state.learned_rows, one.state.updates) == ("warm_blocks", 800, 2)


def test_linear_trees_are_refused(make_spec: Any, make_rows: Any) -> None:
    world = World(make_spec, make_rows, "lgbm_bare_binary", "binary")
    champion = world.first(linear_tree=True)
    with pytest.raises(ContractBroken, match=r"linear trees.*`scratch`"):
        world.update(champion)


@pytest.mark.parametrize("name", ["sgd_binary", "torch_binary", "river_linear_binary"])
def test_a_family_without_trees_refuses_it(make_spec: Any, make_rows: Any, name: str) -> None:
    """By the learner itself, and passed over by the ladder with the reason."""
    pytest.importorskip({"torch": "torch", "river": "river"}.get(name.split("_")[0], "sklearn"))
    spec = make_spec(name, "binary", learner={"rungs": ["warm_blocks"], "epochs": 1})
    rows, new = make_rows(300), make_rows(100, start=300)
    if "torch" in name:
        rows, new = rows.drop(columns="c"), new.drop(columns="c")
    learner = learner_for(build(spec), spec)
    champion = learner.first(build(spec), rows, spec)
    with pytest.raises(ContractBroken, match="warm_blocks has no meaning"):
        learner.update(champion, new, spec, How("warm_blocks"))
    race = climb(champion, spec, unlearned=new, scratch=lambda since: rows, recent=new, anchor=rows)
    assert [(each.rung, each.skipped) for each in race.attempts] == [("warm_blocks", True)]
    assert "does not have this rung" in str(race.attempts[0].error)


@pytest.mark.parametrize(("name", "task"), ONE_EACH)
def test_the_ladder_draws_the_rows_of_a_block(make_spec: Any, make_rows: Any, name: str, task: str) -> None:
    """New rows, the newest of those kept, and a sample of all the others: so many in all, each once."""
    blocks = {"count": 3, "rows": 300, "recent": 0.6}
    world = World(make_spec, make_rows, name, task, rungs=["warm_blocks"], blocks=blocks)
    champion, new = world.first(), world.rows(100, 400)
    holdout = make_rows(300, task, start=700, holdout=True)
    race = climb(champion, world.spec, unlearned=new, scratch=lambda since: new, recent=holdout, anchor=holdout)
    assert (race.attempts[0].rung, race.attempts[0].rows) == ("warm_blocks", 300)
    assert race.attempts[0].gate is not None
