"""Learner of LightGBM's scikit-learn estimators, alone or behind frozen preprocessing in a Pipeline.

`boosting: continue` adds `learner.rounds` trees fitted to what the new rows leave unexplained;
`boosting: refit` keeps the trees and re-estimates their leaves (Booster.refit, decay 0.9). The update works
on the booster, not through `fit(init_model=…)`: that would learn its classes anew from the batch, and
break where a class is absent from it.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.compose import TransformedTargetRegressor
from sklearn.pipeline import Pipeline
from sklearn.utils.class_weight import compute_sample_weight

from ...spec.errors import ContractBroken, SpecError
from ...spec.model import LadderRung, Spec
from ...spec.values import Rung
from ..features import could_not, table
from ..how import WARM, How
from ..lineage import begin, carry_on, continued_error, fits, mix
from ..splits import Splits
from ..steps import innermost, leaves
from ..trained import Trained

DECAY = 0.9  # share of a leaf's old value that a refit keeps: LightGBM's default


def is_lightgbm(estimator: Any) -> bool:
    """Whether *estimator* is LightGBM's, judged without importing it."""
    return any(cls.__module__.startswith("lightgbm.") for cls in type(estimator).__mro__)


def import_lightgbm() -> Any:
    """The lightgbm module; SpecError with the install line where it is missing."""
    try:
        import lightgbm
    except ImportError as error:
        raise SpecError(
            "the model is LightGBM's, but lightgbm is not installed here: pip install 'ratoon[lightgbm]'"
        ) from error
    return lightgbm


@dataclass(frozen=True)
class LightGBMBoost:
    """Continues by more trees, or by refitted leaves."""

    family: str = "lightgbm"

    @property
    def splits(self) -> Splits:
        """Each update adds `rounds` trees, on its own rows."""
        return "grows"

    @property
    def rungs(self) -> frozenset[LadderRung]:
        """The rungs, beside those from scratch, that this family has."""
        return frozenset({"warm", "warm_replay"})

    def first(
        self,
        estimator: Any,
        rows: pd.DataFrame,
        spec: Spec,
        *,
        rung: Rung = "first",
        parent: str | None = None,
        since: datetime | None = None,
    ) -> Trained:
        """Fit *estimator* on all *rows*, deterministic and with `learner.threads` threads."""
        import_lightgbm()
        innermost(estimator).set_params(n_jobs=spec.learner.threads, **_repeatable(innermost(estimator)))
        return begin(self.family, estimator, rows, spec, rung=rung, parent=parent, since=since)

    def update(self, champion: Trained, rows: pd.DataFrame, spec: Spec, how: How = WARM) -> Trained:
        """Learn *rows* on a deep copy of *champion*."""
        if rows.empty:
            return champion
        import_lightgbm()
        last = innermost(champion.estimator)
        if callable(last.objective):
            raise continued_error("LightGBM with an objective function of your own cannot continue after a reload")
        rows, y = fits(champion, rows)
        mixed, y = mix(champion, rows, y, how)
        estimator = copy.deepcopy(champion.estimator)
        X = table(mixed, champion.state.features)
        frozen: list[str] = []
        try:
            Xt, yt = _through(estimator, X, y, frozen)
            booster = _continue(innermost(estimator), Xt, yt, spec, champion.state.updates)
        except (ValueError, TypeError, import_lightgbm().basic.LightGBMError) as error:
            raise ContractBroken(could_not("continue on", X, error)) from error
        innermost(estimator)._Booster = booster
        return carry_on(
            champion,
            estimator,
            rows,
            spec,
            how,
            rounds=spec.learner.rounds if spec.learner.boosting == "continue" else 0,
            updated_steps=(f"{type(last).__name__} ({spec.learner.boosting})",),
            frozen_steps=tuple(frozen),
            notes=(f"{booster.num_trees()} trees",),
        )


def _through(estimator: Any, X: Any, y: NDArray[Any], frozen: list[str]) -> tuple[Any, NDArray[Any]]:
    """*X* and *y* as the booster sees them; fills the names of the frozen steps."""
    if isinstance(estimator, Pipeline):
        for name, step in estimator.steps[:-1]:
            if step is not None and not isinstance(step, str):
                frozen += [leaf for leaf, _ in leaves(step, name)]
                X = step.transform(X)
        return _through(estimator.steps[-1][1], X, y, frozen)
    if isinstance(estimator, TransformedTargetRegressor):
        frozen.append("target")
        y = np.asarray(estimator.transformer_.transform(y.reshape(-1, 1))).reshape(len(y))
        return _through(estimator.regressor_, X, y, frozen)
    return X, y


def _continue(last: Any, X: Any, y: NDArray[Any], spec: Spec, updates: int) -> Any:
    """A new booster that has also learned (X, y)."""
    lgb = import_lightgbm()
    old = last.booster_
    # Through text: a copy that shares nothing with the champion, cut where early stopping found its best.
    old = lgb.Booster(model_str=old.model_to_string(num_iteration=last.best_iteration_ or -1))
    weight = compute_sample_weight(last.class_weight, y) if getattr(last, "class_weight", None) is not None else None
    label = np.searchsorted(last.classes_, y) if hasattr(last, "classes_") else y
    params = {
        **last._process_params(stage="fit"),  # as LightGBM itself would train: objective, number of classes
        **_repeatable(last),
        "num_threads": spec.learner.threads,
        "verbosity": -1,
    }
    if spec.learner.boosting == "refit":
        quiet = {
            key: params[key] for key in ("num_threads", "deterministic", "force_row_wise", "verbosity") if key in params
        }
        refitted = old.refit(X, label, decay_rate=DECAY, weight=weight, dataset_params=quiet)
        return lgb.Booster(model_str=refitted.model_to_string())
    params["seed"] = spec.seed + updates + 1  # row and column sampling must not repeat itself update by update
    params.pop("random_state", None)
    train_set = lgb.Dataset(X, label=label, weight=weight, params=params)
    return lgb.train(params, train_set, num_boost_round=spec.learner.rounds, init_model=old)


def _repeatable(estimator: Any) -> dict[str, Any]:
    """Parameters that make training repeatable on one machine, where the user did not choose them."""
    own = estimator.get_params()
    if own.get("force_col_wise"):
        return {"deterministic": True}
    return {"deterministic": True, "force_row_wise": True}
