"""What is lost on older rows counts by how likely they are to come back, as the stream itself shows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestClassifier

from ratoon.models.gate import Circumstances, Earlier, GateResult, judge
from ratoon.models.gate.returns import look_back
from ratoon.spec.keys.gate import GateSpec

OLD, NEW = 1200, 400


def frame(holdout: Any, target: Any, first: int, **features: Any) -> pd.DataFrame:
    """Holdout rows whose numbers start at *first*, an hour apart."""
    rows = holdout(target)
    number = np.arange(first, first + len(target))
    moved = pd.Timestamp("2026-01-01") + pd.to_timedelta(number, unit="h")
    ids = pd.Series([f"row{i:06d}" for i in number], dtype=object)
    return rows.assign(_id=ids, _time=moved.astype("datetime64[us]"), a=number.astype(float), **features)


def judged(told: Any, rows: pd.DataFrame, before: Any, after: Any, old: int, **more: Any) -> GateResult:
    """The gate's answer on binary rows: the first *old* of them are the anchor."""
    gate = GateSpec.model_validate({"resamples": 200, **more.pop("gate", {})})
    models = [told(each, (0, 1)) for each in (before, after)]
    return judge(
        gate, "accuracy", *models, rows[old:], rows[:old], seed=0, beside=Circumstances(older_rows=old, **more)
    )


def sure(labels: Any, right: Any) -> Any:
    """Probabilities of class 1 that lie on the label's side where *right* is."""
    return np.where(np.asarray(right) == (np.asarray(labels) == 1), 0.8, 0.2)


@pytest.fixture(scope="module")
def moved(holdout: Any) -> Any:
    """A world that moved for good: the champion is right of the old, the candidate of the new. Features are alike."""
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 2, OLD + NEW)
    now = np.arange(OLD + NEW) >= OLD
    before = sure(labels, rng.uniform(size=OLD + NEW) < np.where(now, 0.75, 0.85))
    after = sure(labels, rng.uniform(size=OLD + NEW) < np.where(now, 0.85, 0.72))
    return frame(holdout, labels, 0, b=rng.normal(size=OLD + NEW)), before, after


@pytest.fixture(scope="module")
def recurring(holdout: Any) -> Any:
    """Four regimes in turn: the candidate is right of the one that is now, which was there before, as was the other."""
    rng = np.random.default_rng(2)
    n = OLD + NEW
    other = (np.arange(n) // 200) % 2 == 0
    other[OLD:] = False
    labels = rng.integers(0, 2, n)
    before = sure(labels, rng.uniform(size=n) < 0.8)
    after = sure(labels, rng.uniform(size=n) < np.where(other, 0.6, 0.88))
    return frame(holdout, labels, 0, b=rng.normal(size=n) + 3 * other), before, after


def test_a_world_that_moved_for_good_is_followed(told: Any, moved: Any) -> None:
    """A fixed margin would have frozen the model, and the result says so."""
    rows, before, after = moved
    result = judged(told, rows, before, after, OLD)
    fixed = judged(told, rows, before, after, OLD, gate={"anchor": {"margin": 0.01}})
    anchor = result.strata[1]
    assert (result.passed, fixed.passed) == (True, False)
    assert anchor.gain == fixed.strata[1].gain
    assert anchor.priced is not None
    assert anchor.priced.chance < 0.35
    assert anchor.priced.expected.low >= -anchor.priced.margin
    assert "a fixed margin would forbid" in anchor.reason
    assert GateResult.model_validate_json(result.model_dump_json()) == result


def test_a_world_that_recurs_is_not_forgotten(told: Any, recurring: Any) -> None:
    rows, before, after = recurring
    result = judged(told, rows, before, after, OLD)
    assert result.strata[0].passed
    assert result.strata[1].verdict == "refused"
    assert result.strata[1].priced is not None
    assert result.strata[1].priced.back >= 2
    assert result.strata[1].priced.chance > 0.4


def test_earlier_champions_that_would_have_served_better_later_make_a_return_likelier(told: Any, moved: Any) -> None:
    rows, before, after = moved
    chances = []
    for earlier in (Earlier((0.0,) * 20), Earlier(), Earlier((0.9,) * 12 + (0.0,) * 8)):
        result = judged(told, rows, before, after, OLD, earlier=earlier)
        assert result.strata[1].priced is not None
        chances.append(result.strata[1].priced.chance)
    assert chances == sorted(chances)
    assert chances[2] > chances[0] + 0.2
    assert not judged(told, rows, before, after, OLD, earlier=Earlier((0.9,) * 20)).passed
    slightly = judged(told, rows, before, after, OLD, earlier=Earlier((0.01,) * 20)).strata[1].priced
    assert slightly is not None
    assert slightly.chance == chances[0], "less than half of the loss is no return of it"


def test_a_model_broken_on_the_old_is_refused_while_such_rows_still_come(told: Any, holdout: Any) -> None:
    """Half of the recent rows are as all were; there the candidate is worse than a constant."""
    rng = np.random.default_rng(3)
    n = OLD + 800
    fresh = (np.arange(n) >= OLD) & (rng.uniform(size=n) < 0.5)
    labels = rng.integers(0, 2, n)
    before = sure(labels, rng.uniform(size=n) < np.where(fresh, 0.2, 0.7))
    after = sure(labels, rng.uniform(size=n) < np.where(fresh, 0.95, 0.3))
    rows = frame(holdout, labels, 0, b=rng.normal(size=n) + 3 * fresh)
    result = judged(told, rows, before, after, OLD)
    anchor = result.strata[1]
    assert result.strata[0].passed, "on the recent rows as a whole it gains"
    assert anchor.verdict == "refused" and anchor.refuted
    assert anchor.priced is not None and anchor.priced.alike > 0.3 and anchor.priced.still > 0.7


def test_a_blind_retrain_on_one_season_is_refused_where_seasons_return(told: Any, holdout: Any) -> None:
    """Three years of seasons, real models: one learned on all of it, one on the last season alone."""
    rng = np.random.default_rng(4)
    year, n = 400, 1300
    season = 2 * np.pi * np.arange(n) / year
    warm, wind = np.sin(season) + 0.3 * rng.normal(size=n), rng.normal(size=n)
    chance = 1 / (1 + np.exp(-3 * wind * np.sin(season)))
    labels = (rng.uniform(size=n) < chance).astype(int)
    X = np.column_stack([warm, wind])
    learned = rng.uniform(size=n) < 0.5
    old = n - 150
    late = np.arange(n) >= old
    forest = {"n_estimators": 30, "min_samples_leaf": 5, "random_state": 0}
    wide = RandomForestClassifier(**forest).fit(X[learned & ~late], labels[learned & ~late])
    blind = RandomForestClassifier(**forest).fit(X[learned & late], labels[learned & late])
    before, after = (np.clip(model.predict_proba(X)[:, 1], 0.01, 0.99) for model in (wide, blind))
    rows = frame(holdout, labels, 0, b=warm, d=wind)[~learned]
    held = int((~learned & ~late).sum())
    result = judged(told, rows, before, after, held, gate={"recent": {"margin": 0.5}})
    assert result.strata[0].passed
    assert result.strata[1].verdict == "refused" and result.strata[1].refuted


def test_what_loses_nothing_has_no_price(told: Any, holdout: Any) -> None:
    rng = np.random.default_rng(5)
    labels = rng.integers(0, 2, 900)
    before, after = (sure(labels, rng.uniform(size=900) < right) for right in (0.6, 0.9))
    result = judged(told, frame(holdout, labels, 0), before, after, 600)
    assert result.passed
    assert result.strata[1].priced is None


def test_an_absent_anchor_stays_absent(told: Any, holdout: Any) -> None:
    labels = np.arange(200) % 2
    models = [told(sure(labels, right), (0, 1)) for right in (labels > 2, labels < 2)]
    rows = frame(holdout, labels, 0)
    result = judge(GateSpec(), "accuracy", *models, rows, rows[:0], seed=0, beside=Circumstances(older_rows=0))
    assert (result.strata[1].verdict, result.passed) == ("absent", True)


def test_returns_are_counted_in_the_order_of_time() -> None:
    rng = np.random.default_rng(0)

    def found(*levels: float) -> tuple[int, int]:
        each = np.concatenate([rng.normal(level, 0.3, 50) for level in levels])
        order = rng.permutation(len(each))
        past = look_back(each[order], order, 1.0)
        return past.left, past.back

    assert found(-1, -1, -1, -1) == (1, 0)
    assert found(1, 1, -1, -1) == (1, 0)
    assert found(-1, 0, -1, 0, -1) == (3, 2)
    assert found(1, 1, 1) == (0, 0)


def test_priced_is_the_default_and_can_look_back_only_so_far() -> None:
    assert GateSpec().anchor == GateSpec.model_validate({"anchor": "priced"}).anchor
    bounded = GateSpec.model_validate({"anchor": {"within": "30d"}}).anchor
    assert (bounded.margin, bounded.within is not None) == (None, True)
    assert GateSpec.model_validate({"anchor": {"margin": 0.02}}).anchor.margin == 0.02
