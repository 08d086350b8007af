"""A family of models that Ratoon does not know: one file, and one entry (see test_toy_family.py)."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

from ratoon.models.families.family import Example, Family
from ratoon.models.families.skops_format import SkopsFormat
from ratoon.models.learning.features import table
from ratoon.models.learning.how import FIRST, WARM
from ratoon.models.learning.lineage import advance_state, prepare_update, refuse_blocks, start_state

LIBRARIES = ("toy-library",)


class NearestMean(ClassifierMixin, BaseEstimator):
    """Predicts the class whose mean is nearest, over the columns of numbers."""

    def fit(self, X: Any, y: Any) -> NearestMean:
        self.classes_ = np.unique(y)
        width = X.select_dtypes("number").shape[1]
        self.sums_, self.counts_ = np.zeros((len(self.classes_), width)), np.zeros(len(self.classes_))
        return self.add(X, y)

    def add(self, X: Any, y: Any) -> NearestMean:
        values = X.select_dtypes("number").to_numpy()
        for i, label in enumerate(self.classes_):
            rows = values[np.asarray(y) == label]
            self.sums_[i] += np.nansum(rows, axis=0)
            self.counts_[i] += len(rows)
        return self

    def predict_proba(self, X: Any) -> Any:
        means = self.sums_ / np.maximum(self.counts_, 1)[:, None]
        values = X.select_dtypes("number").to_numpy()
        near = np.exp(-np.square(values[:, None, :] - means[None]).sum(axis=2))
        return (near + 1e-12) / (near + 1e-12).sum(axis=1, keepdims=True)

    def predict(self, X: Any) -> Any:
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


@dataclass(frozen=True)
class Means:
    family: str = "toy"
    splits: str = "exact"
    strategies: frozenset[str] = frozenset({"warm", "warm_replay"})

    def first(self, estimator: Any, rows: Any, spec: Any, origin: Any = FIRST) -> Any:
        return start_state(self.family, estimator, rows, spec, origin, libraries=LIBRARIES)

    def update(self, champion: Any, rows: Any, spec: Any, how: Any = WARM) -> Any:
        if rows.empty:
            return champion
        refuse_blocks("a nearest mean", how)
        rows, mixed, y = prepare_update(champion, rows, how, LIBRARIES)
        estimator = copy.deepcopy(champion.estimator).add(table(mixed, champion.state.features), y)
        return advance_state(champion, estimator, rows, spec, how, updated_steps=("NearestMean",))


def small() -> NearestMean:
    return NearestMean()


FAMILY = Family(
    name="toy",
    libraries=LIBRARIES,
    modules=("toy_family",),
    described="a NearestMean",
    matches=lambda last: type(last).__name__ == "NearestMean",
    learner=lambda last, spec: Means(),
    saved_as=SkopsFormat(),
    requirements=("scikit-learn", "numpy", "pandas", "skops", "toy-library"),
    reviewed_types={"NearestMean": ("toy_family.NearestMean",)},
    tasks=frozenset({"binary", "multiclass"}),
    examples=(Example("toy_binary", "binary", "toy_family:small"),),
)
