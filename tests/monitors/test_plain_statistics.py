"""What monitors compute by themselves, because it runs hundreds of times a window, is what libraries say."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from scipy.special import rel_entr
from sklearn.metrics import roc_auc_score

from ratoon.monitors.columnar import quantiles_of, runs_of
from ratoon.monitors.columns.alignment import _variance
from ratoon.monitors.columns.psi import _PRIOR, psi
from ratoon.monitors.labels.groups import _area
from ratoon.monitors.labels.said import Said
from ratoon.monitors.performance.confidence import _area as expected_area

SEEDS = pytest.mark.parametrize("seed", range(20))


@SEEDS
def test_quantiles_of_what_is_in_order_already(seed: int) -> None:
    """`np.quantile` would sort again."""
    rng = np.random.default_rng(seed)
    values = np.sort(rng.normal(size=int(rng.integers(1, 200))).round(int(rng.integers(0, 6))))
    places = rng.uniform(size=7)
    distinct, counts = runs_of(values)

    assert quantiles_of(values, places).tolist() == np.quantile(values, places).tolist()
    assert pd.Series(values).value_counts().sort_index().to_list() == counts.tolist()
    assert distinct.tolist() == np.unique(values).tolist()


@SEEDS
def test_the_area_under_the_curve_of_a_group(seed: int) -> None:
    """By ranks: ten to twenty times faster than scikit-learn's, and asked of every group."""
    rng = np.random.default_rng(seed)
    label, score = (rng.random((400, 1)) < 0.4).astype(float), rng.random((400, 1)).round(2)
    found = _area(Said(pd.DataFrame(), label, score, label[:, 0].astype(np.intp), (0, 1)), 0)

    assert found is not None and found[0] == pytest.approx(roc_auc_score(label[:, 0], score[:, 0]), rel=1e-12)


@SEEDS
def test_the_area_that_probabilities_promise(seed: int) -> None:
    """Each row counts as a hit and as a miss, by its probability: a hundred times faster than weights for sklearn."""
    rng = np.random.default_rng(seed)
    score, p = rng.random(300).round(2), rng.random(300)
    rows = np.repeat([1, 0], 300), np.r_[score, score]

    assert expected_area(score, p) == pytest.approx(roc_auc_score(*rows, sample_weight=np.r_[p, 1 - p]), rel=1e-12)


@SEEDS
def test_psi_is_the_symmetric_relative_entropy(seed: int) -> None:
    rng = np.random.default_rng(seed)
    was, now = rng.integers(0, 50, 10), rng.integers(0, 50, (4, 10))
    p = (now + _PRIOR) / (now + _PRIOR).sum(axis=-1, keepdims=True)
    q = (was + _PRIOR) / (was + _PRIOR).sum()

    assert psi(was, now) == pytest.approx((rel_entr(p, q) + rel_entr(q, p)).sum(axis=-1), rel=1e-12)


@SEEDS
def test_a_variance_by_weights_over_columns_with_gaps(seed: int) -> None:
    """`np.cov` knows weights, but no gap."""
    rng = np.random.default_rng(seed)
    values, weights = rng.normal(size=(40, 3)), rng.integers(1, 9, (40, 1))
    values[rng.random((40, 3)) < 0.2] = math.nan
    whole = ~np.isnan(values)

    for column in range(3):
        known = values[whole[:, column], column]
        counted = np.cov(known, fweights=weights[whole[:, column], 0])
        assert _variance(values)[column] == pytest.approx(np.var(known, ddof=1), rel=1e-12)
        assert _variance(values, np.where(whole, weights, 0))[column] == pytest.approx(float(counted), rel=1e-12)
