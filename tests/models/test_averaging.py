"""SGD that serves averaged weights: an update moves what is served, however long the lineage has learned."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import SGDClassifier, SGDRegressor
from sklearn.multiclass import OneVsRestClassifier

from ratoon.models.families.sklearn.partial_fit import SklearnPartial
from ratoon.models.learning.passes import parts


def frame(rows: int, slope: float, *, start: int, task: str) -> pd.DataFrame:
    """*rows* with one feature, labelled by the line of that *slope* (or its sign)."""
    a = np.random.default_rng(start).normal(size=rows)
    target: Any = slope * a if task == "regression" else np.where(slope * a > 0, "up", "down")
    if task == "multiclass":
        target = np.where(np.abs(a) < 0.3, "flat", target)
    times = pd.Timestamp("2026-01-01") + pd.to_timedelta(np.arange(start, start + rows), unit="min")
    ids = [f"r{number}" for number in range(start, start + rows)]
    return pd.DataFrame(
        {"_id": ids, "_time": times, "_label_time": times, "_target": target, "_holdout": False, "a": a}
    )


@pytest.mark.parametrize(
    ("task", "estimator"),
    [
        ("regression", SGDRegressor(average=True, random_state=0)),
        ("binary", SGDClassifier(average=True, loss="log_loss", random_state=0)),
        ("binary", SGDClassifier(average=50, loss="log_loss", random_state=0)),
        ("multiclass", SGDClassifier(average=True, loss="log_loss", random_state=0)),
        ("multiclass", OneVsRestClassifier(SGDClassifier(average=True, loss="log_loss", random_state=0))),
    ],
    ids=["regression", "binary", "binary-from-50", "multiclass", "one-vs-rest"],
)
def test_an_update_follows_a_world_that_turned(task: str, estimator: Any, make_spec: Any) -> None:
    """The mean over the whole lineage would hardly move: 20,000 rows stand against 600."""
    spec = make_spec(task=task)
    old, new = frame(20_000, 2.0, start=0, task=task), frame(600, -2.0, start=20_000, task=task)
    later = frame(400, -2.0, start=30_000, task=task)
    learner = SklearnPartial()
    champion = learner.first(estimator, old, spec)
    before = [(each.coef_.copy(), each.average) for each in parts(champion.estimator)]

    updated = champion
    for number in range(3):
        rows = new.iloc[number * 200 : (number + 1) * 200]
        updated = learner.update(updated, rows, spec)

    was, now = champion.predict(later), updated.predict(later)
    if task == "regression":
        wrong, less = (float(np.mean(np.abs(each.prediction - each.target))) for each in (was, now))
        assert less < 0.6 * wrong
    else:
        assert np.mean(now.prediction == now.target) > 0.7 > np.mean(was.prediction == was.target)
    for (coef, average), each, after in zip(before, parts(champion.estimator), parts(updated.estimator), strict=True):
        np.testing.assert_array_equal(each.coef_, coef)
        assert (each.average, after.average) == (average, average), "the parameter stays the user's"
    assert "its weights are averaged over this update's steps and as many before" in updated.state.notes
