"""Learner of MiniBatchKMeans as the model itself (`task: clustering`), alone or behind preprocessing in a Pipeline.

The preprocessing never moves (unit.py says why), the centres follow the new rows (centres.py says how).

Birch is no clustering that goes on, although it has `partial_fit`: each call clusters all of its subclusters anew and
numbers them as they come out, so that a number changes its meaning without a row that says so, and its subclusters
only grow in number, so that they lie ever nearer to any row whether it became better or not.
tests/models/test_clustering.py shows both.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from sklearn.cluster import MiniBatchKMeans

from ....data.columns import CANONICAL
from ....spec.errors import ContractBroken, SpecError
from ....spec.model import Spec
from ....spec.values import Strategy
from ...estimators import Array, Estimator
from ...learning.centres import count_rows, follow, renumber
from ...learning.features import could_not, table
from ...learning.how import FIRST, WARM, How, Origin
from ...learning.lineage import advance_state, continued_error, fits, start_state
from ...learning.order_sensitivity import Splits
from ...learning.passes import passes_over
from ...learning.steps import Passage, innermost
from ...learning.trained import Trained
from ...learning.unit import ANEW, before_last, kept_unit
from .libraries import LIBRARIES

_UNIT = "distances are measured in its unit, which stays the same along the lineage"
_WHY_NOT = {
    "Birch": "its partial_fit numbers the clusters anew and only ever adds subclusters, which lie nearer to any row",
    "KMeans": "it has no partial_fit",
    "BisectingKMeans": "it has no partial_fit",
}


@dataclass(frozen=True)
class SklearnClusters:
    """Continues by `partial_fit`, behind preprocessing that stays as the lineage's first version fitted it."""

    family: str = "sklearn-clusters"

    @property
    def strategies(self) -> frozenset[Strategy]:
        """`warm` alone: the counts stand for the rows learned before, which replay would count twice."""
        return frozenset({"warm"})

    @property
    def splits(self) -> Splits:
        """Each update halves what came before it, so that several forget more than one."""
        return "free"

    def first(self, estimator: Estimator, rows: pd.DataFrame, spec: Spec, origin: Origin = FIRST) -> Trained:
        """Fit *estimator* on all *rows*; where *origin* has a champion, its centres alone, in the champion's unit."""
        notes = []
        if origin.champion is not None:
            rows = _as_learned(origin.champion, rows)
            estimator = kept_unit(origin.champion, estimator)
        last = innermost(estimator)

        def fit(X: pd.DataFrame, y: Array) -> None:
            if origin.champion is None:
                estimator.fit(X, y)  # a clustering passes over y
            else:
                last.fit(before_last(estimator, X))
                notes.append(renumber(last, innermost(origin.champion.estimator).cluster_centers_))
            count_rows(last, len(X))

        trained = start_state(self.family, estimator, rows, spec, origin, libraries=LIBRARIES, fit=fit)
        return replace(trained, state=trained.state.model_copy(update={"notes": (*trained.state.notes, *notes)}))

    def update(self, champion: Trained, rows: pd.DataFrame, spec: Spec, how: How = WARM) -> Trained:
        """Learn *rows* on a deep copy of *champion*; the same rows and state always give the same result."""
        if rows.empty:
            return champion
        if how.strategy != "warm":
            raise continued_error(
                f"{type(innermost(champion.estimator)).__name__} keeps counts, which stand for the rows learned "
                f"before: {how.strategy} has no meaning for it"
            )
        rows, y = fits(champion, rows, LIBRARIES)
        estimator = copy.deepcopy(champion.estimator)
        last = innermost(estimator)
        X = table(rows, champion.state.features)
        passage = Passage(moving=False)
        rng = np.random.default_rng([spec.seed, champion.state.updates])
        passes = passes_over(len(rows), spec.learner)
        try:
            Xt, _ = passage.through(estimator, X, X, y)
            notes = follow(last, Xt, passes=passes, batch=spec.learner.batch, rng=rng)
        except (ValueError, TypeError, IndexError) as error:
            raise ContractBroken(could_not("continue on", X, error)) from error
        return advance_state(
            champion,
            estimator,
            rows,
            spec,
            how,
            epochs=passes,
            batch=spec.learner.batch,
            updated_steps=(type(last).__name__,),
            frozen_steps=tuple(passage.frozen),
            frozen_because=dict.fromkeys(passage.frozen, _UNIT),
            notes=(*passage.notes, *notes),
        )


def clusters_of(estimator: object, spec: Spec) -> SklearnClusters:
    """The learner of a clustering; SpecError naming what *estimator* or *spec* has that it cannot care for."""
    where, last = f"{spec.path}: learner", innermost(estimator)
    name = type(last[0] if isinstance(last, tuple) else last).__name__
    if spec.learner.family not in ("auto", "sklearn"):
        raise SpecError(
            f"{where}.family: {spec.learner.family!r} has no clustering; task 'clustering' takes scikit-learn's "
            "MiniBatchKMeans. Leave the key out. Nothing was changed"
        )
    if not isinstance(last, MiniBatchKMeans):
        reason = _WHY_NOT.get(name) if type(last).__module__.startswith("sklearn.") else None
        why = f" ({reason})" if reason else ""
        raise SpecError(
            f"{where}.build: {spec.learner.build!r} predicts with {name}{why}; task 'clustering' takes scikit-learn's "
            "MiniBatchKMeans, alone or behind preprocessing in a Pipeline. Nothing was changed"
        )
    if spec.learner.rate != 1.0:
        raise SpecError(
            f"{where}.rate: {spec.learner.rate:g} has no meaning: {name} has no learning rate, its centres move by "
            "their counts; leave the key out. Nothing was changed"
        )
    return SklearnClusters()


def _as_learned(champion: Trained, rows: pd.DataFrame) -> pd.DataFrame:
    """*rows* with the champion's features in its order; ContractBroken where they are others, or of another kind."""
    try:
        champion.state.check(rows)
    except ContractBroken as error:
        found = str(error).partition(": ")[0]
        raise ContractBroken(
            f"{found}: the lineage's preprocessing cannot take it, and another would measure in another unit. "
            f"Nothing was learned; {ANEW}"
        ) from error
    ours = [name for name in rows.columns if name in CANONICAL]
    return rows[[*ours, *(feature.name for feature in champion.state.features)]]
