"""Boosted trees as a weighted mean of blocks: updates train new ones afresh, old ones go, and one booster serves."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from ratoon.models.families.boosting.block_shares import shares_of
from ratoon.models.families.choose import build, learner_for
from ratoon.models.learning.features import table
from ratoon.models.learning.how import How
from ratoon.models.learning.reservoir import beside
from ratoon.models.learning.steps import innermost
from ratoon.models.learning.trained import Trained
from ratoon.models.registry.evidence import Evidence
from ratoon.spec.errors import ContractBroken

from .ladders import run_ladder

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

    def update(self, version: Trained, n: int = 150, start: int = 400, shift: float = 0.5) -> Trained:
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
        assert version.state.shares == (0.5, 0.5)
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
    updated = world.update(champion, 190, shift=2.0)
    rows, judged = world.rows(190, 400, 2.0), world.rows(200, 5000, 2.0)

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


@pytest.mark.parametrize(("name", "task"), MODELS)
def test_after_an_abrupt_change_the_newest_rows_decide(make_spec: Any, make_rows: Any, name: str, task: str) -> None:
    """Of the first fit, a block of all rows and one of the newest, the last counts most; without a change none does."""
    world = World(make_spec, make_rows, name, task, blocks={"rows": 800, "recent": 0.5, "rounds": 10})
    champion, judged = world.first(800), world.rows(500, 5000)
    calm = world.update(champion, 400, 800, shift=0.0)

    def turned(rows: pd.DataFrame) -> pd.DataFrame:
        codes = np.unique(champion.predict(judged).target)
        if task == "regression":
            return rows.assign(_target=60 - 3 * rows["_target"])
        return rows.assign(_target=rows["_target"].map(dict(zip(codes, np.roll(codes, 1), strict=True))))

    how = How("warm_blocks", beside(champion.reservoir, 400, world.spec.learner.replay, world.spec.learner.blocks))
    moved = world.learner.update(champion, turned(world.rows(400, 800)), world.spec, how)
    assert moved.state.shares[-1] > 0.8
    assert sum(moved.state.shares) == pytest.approx(1)
    assert max(calm.state.shares) < 0.8
    error = {
        label: np.mean(np.asarray(version.predict(turned(judged)).prediction) != turned(judged)["_target"])
        if task != "regression"
        else np.mean(np.abs(version.predict(turned(judged)).prediction - turned(judged)["_target"]))
        for label, version in (("before", champion), ("after", moved))
    }
    assert error["after"] < 0.6 * error["before"]


@pytest.mark.parametrize(("name", "task"), ONE_EACH)
def test_what_is_served_is_the_blocks_by_their_shares(make_spec: Any, make_rows: Any, name: str, task: str) -> None:
    """Through several updates, with blocks that go and shares that change, the leaves are what the state says."""
    world = World(make_spec, make_rows, name, task, blocks={"count": 4, "rounds": 5, "rows": 400})
    version = world.first()
    for n in range(5):
        version = world.update(version, 300, 400 + 300 * n, shift=0.3 * n)
        last = innermost(version.estimator)
        held = last.booster_.num_trees() if "lgbm" in name else last.get_booster().num_boosted_rounds()
        assert len(version.state.blocks) == len(version.state.shares) <= 4
        assert held == sum(version.state.blocks) == version.state.base_rounds
        assert sum(version.state.shares) == pytest.approx(1)
        assert np.isfinite(raw(version, world.rows(100, 5000))).all()


@pytest.mark.parametrize(("name", "task"), ONE_EACH)
def test_what_another_strategy_changed_is_one_block(make_spec: Any, make_rows: Any, name: str, task: str) -> None:
    """Leaves moved for the whole belong to no block, and no order of strategies lets a model grow for ever."""
    world = World(make_spec, make_rows, name, task, blocks={"count": 3, "rounds": 6}, replay={"recent": 300})
    version = world.learner.update(world.first(), world.rows(150, 400), world.spec)
    assert (version.state.blocks, version.state.shares) == ((), ())
    for n in range(12):
        version = world.update(version, start=600 + 400 * n)
        assert version.state.blocks[-1] == 6
        assert sum(version.state.blocks) <= 36
        version = world.learner.update(version, world.rows(150, 800 + 400 * n), world.spec)
        assert version.state.blocks == ()


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
    assert (one.state.strategy, one.state.learned_rows, one.state.updates) == ("warm_blocks", 700, 2)


def test_linear_trees_are_refused(make_spec: Any, make_rows: Any) -> None:
    world = World(make_spec, make_rows, "lgbm_bare_binary", "binary")
    champion = world.first(linear_tree=True)
    with pytest.raises(ContractBroken, match=r"linear trees.*`scratch`"):
        world.update(champion)


@pytest.mark.parametrize("name", ["sgd_binary", "torch_binary", "river_linear_binary"])
def test_a_family_without_trees_refuses_it(make_spec: Any, make_rows: Any, name: str) -> None:
    """By the learner itself, and passed over by the ladder with the reason."""
    pytest.importorskip({"torch": "torch", "river": "river"}.get(name.split("_")[0], "sklearn"))
    spec = make_spec(name, "binary", learner={"strategies": ["warm_blocks"], "epochs": 1})
    rows, new = make_rows(300), make_rows(100, start=300)
    if "torch" in name:
        rows, new = rows.drop(columns="c"), new.drop(columns="c")
    learner = learner_for(build(spec), spec)
    champion = learner.first(build(spec), rows, spec)
    with pytest.raises(ContractBroken, match="warm_blocks has no meaning"):
        learner.update(champion, new, spec, How("warm_blocks"))
    result = run_ladder(champion, spec, unlearned=new, scratch=lambda since: rows, recent=new, anchor=rows)
    assert [(each.strategy, each.skipped) for each in result.attempts] == [("warm_blocks", True)]
    assert "does not have this strategy" in str(result.attempts[0].error)


@pytest.mark.parametrize(("name", "task"), ONE_EACH)
def test_the_ladder_draws_the_rows_of_a_block(make_spec: Any, make_rows: Any, name: str, task: str) -> None:
    """New rows, the newest of those kept, and a sample of all the others: so many in all, each once."""
    blocks = {"count": 3, "rows": 300, "recent": 0.6}
    world = World(make_spec, make_rows, name, task, strategies=["warm_blocks"], blocks=blocks)
    champion, new = world.first(), world.rows(100, 400)
    holdout = make_rows(300, task, start=700, holdout=True)
    result = run_ladder(champion, world.spec, unlearned=new, scratch=lambda since: new, recent=holdout, anchor=holdout)
    assert (result.attempts[0].strategy, result.attempts[0].rows) == ("warm_blocks", 300)
    assert result.attempts[0].gate is not None


@pytest.mark.parametrize("loss", ["squared", "logistic", "softmax"])
@pytest.mark.parametrize("weighted", [False, True])
def test_shares_are_those_that_lose_least(loss: Any, weighted: bool) -> None:
    """Of a block that knows, one that says nothing and one that says the opposite, the first counts most by far; and no
    shares nearby are better."""
    rng = np.random.default_rng(0)
    k = 3 if loss == "softmax" else 1
    truth = 2 * rng.standard_normal((800, k))
    y = {
        "squared": truth[:, 0] + rng.standard_normal(800),
        "logistic": (rng.random(800) < 1 / (1 + np.exp(-truth[:, 0]))).astype(int),
        "softmax": (truth + rng.gumbel(size=truth.shape)).argmax(axis=1),
    }[loss]
    weight = rng.random(800) if weighted else None
    found = shares_of(loss, np.stack([truth, 0 * truth, -truth]), y, weight)
    assert found.sum() == pytest.approx(1)
    assert found[0] > 0.9 and found[2] < found[1]
    alike = shares_of(loss, np.stack([truth, truth, truth]), y, weight)
    np.testing.assert_allclose(alike, 1 / 3, atol=1e-3)
