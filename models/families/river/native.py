"""Learner of River's classifiers and regressors, alone or in a pipeline: row by row, in label-arrival order.

That is what River promises: the same rows give the same model, learned in one update or in many. With
`learner.per: batch` a model whose every part has `learn_many` learns `learner.batch` rows in one step: faster,
but another model, and one that depends on where the batches are cut.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal, Protocol, cast

import numpy as np
import pandas as pd

from ....spec.errors import ContractBroken, SpecError
from ....spec.model import Spec
from ....spec.values import Strategy
from ...estimators import Array
from ...learning.features import could_not, table
from ...learning.how import FIRST, WARM, How, Origin
from ...learning.lineage import advance_state, prepare_update, refuse_blocks, start_state
from ...learning.order_sensitivity import Splits
from ...learning.trained import Trained
from .model import OnlineModel, RiverModel, in_words, last_of

LIBRARIES = ("river",)


def is_river(estimator: object) -> bool:
    """Whether *estimator* learns as River's do, judged without importing River."""
    return isinstance(estimator, RiverModel) or (
        not isinstance(estimator, type)
        and callable(getattr(estimator, "learn_one", None))
        and callable(getattr(estimator, "predict_one", None))
    )


class BatchModel(OnlineModel, Protocol):
    """One that also learns many rows in one step."""

    def learn_many(self, X: pd.DataFrame, y: pd.Series) -> object:
        """Learn all rows of X, shape (n, k)."""


@dataclass(frozen=True)
class RiverNative:
    """Continues by `learn_one`, or by `learn_many` where the spec says so and every part has it."""

    per: Literal["row", "batch"] = "row"
    family: str = "river"

    @property
    def splits(self) -> Splits:
        """Row by row, cuts make no difference; in mini-batches they do."""
        return "exact" if self.per == "row" else "free"

    @property
    def strategies(self) -> frozenset[Strategy]:
        """The strategies, beside those from scratch, that this family has."""
        return frozenset({"warm", "warm_replay"})

    def first(self, estimator: object, rows: pd.DataFrame, spec: Spec, origin: Origin = FIRST) -> Trained:
        """Let the unfitted River model *estimator* learn all *rows*, the one whose label came first first."""
        model = estimator.model if isinstance(estimator, RiverModel) else cast(OnlineModel, estimator)
        _check_task(model, spec)
        learned = RiverModel(copy.deepcopy(model))
        notes: list[str] = []

        def fit(X: pd.DataFrame, y: Array) -> None:
            learned.classes = () if spec.task == "regression" else tuple(np.unique(y).tolist())
            notes.extend(learn(learned, X, y, spec))

        trained = start_state(self.family, learned, rows, spec, origin, libraries=LIBRARIES, fit=fit)
        state = trained.state.model_copy(update={"notes": (*trained.state.notes, *notes)})
        return replace(trained, state=state)

    def update(self, champion: Trained, rows: pd.DataFrame, spec: Spec, how: How = WARM) -> Trained:
        """Learn *rows* on a deep copy of *champion*; rows to be replayed come before them."""
        if rows.empty:
            return champion
        refuse_blocks("a River model", how)
        rows, mixed, y = prepare_update(champion, rows, how, LIBRARIES)
        estimator = copy.deepcopy(cast(RiverModel, champion.estimator))
        X = table(mixed, champion.state.features)
        try:
            notes = learn(estimator, X, y, spec)
        except (ValueError, TypeError) as error:
            raise ContractBroken(could_not("continue on", X, error)) from error
        return advance_state(
            champion,
            estimator,
            rows,
            spec,
            how,
            epochs=1,
            batch=spec.learner.batch if spec.learner.per == "batch" else 1,
            updated_steps=tuple(type(part).__name__ for part in _parts(estimator.model)),
            notes=notes,
        )


def learn(estimator: RiverModel, X: pd.DataFrame, y: Array, spec: Spec) -> tuple[str, ...]:
    """Let *estimator* learn X, shape (n, k), and y, length n, in their order; what should be noted of it.

    Raises ValueError with River's own error: a row that it cannot take leaves the model half learned.
    """
    try:
        if spec.learner.per == "row":
            estimator.learn(X, y)
            return ()
        slow = [type(part).__name__ for part in _parts(estimator.model) if not _takes_many(part)]
        if slow:
            estimator.learn(X, y)
            return (f"learned row by row: {slow[0]} has no learn_many",)
        return _learn_many(estimator, X, y, spec.learner.batch)
    except Exception as error:  # River raises what its dictionaries and numbers raise: KeyError, OverflowError, …
        raise ValueError(in_words(estimator.model, error)) from error


def _learn_many(estimator: RiverModel, X: pd.DataFrame, y: Array, batch: int) -> tuple[str, ...]:
    """In batches of at least *batch* rows, wide enough that no column is constant in one of them.

    River 0.26's `StandardScaler.learn_many` raises TypeError on a constant column and spreads NaN. Learning only that
    batch by row is no way out: Adam's state after `learn_many` is of a kind that its `learn_one` cannot use.
    """
    ends = _ends(X, batch)
    if not ends:
        estimator.learn(X, y)
        return ("learned row by row: a column is constant or has missing values",)
    for start, end in pairwise([0, *ends]):
        part = X.iloc[start:end]
        cast(BatchModel, estimator.model).learn_many(part, pd.Series(estimator.targets(y[start:end]), index=part.index))
    widened = sum(end - start > batch for start, end in pairwise([0, *ends]))
    return (f"{widened} batches were widened: a column was constant in them",) if widened else ()


def _ends(X: pd.DataFrame, batch: int) -> list[int]:
    """Where batches of X end; none where a column is constant in all of it or has missing values."""
    if X.isna().to_numpy().any() or _constant(X):
        return []
    ends: list[int] = []
    start = 0
    for end in [*range(batch, len(X), batch), len(X)]:
        if not _constant(X.iloc[start:end]):
            ends.append(end)
            start = end
    return [*ends[:-1], len(X)]  # what is left over joins the last batch


def _constant(part: pd.DataFrame) -> bool:
    return any(part[name].nunique() < 2 for name in part.columns if part[name].dtype.kind == "f")


def _parts(model: object) -> Iterator[object]:
    """The steps of a pipeline and the branches of a union, else *model* itself."""
    named = getattr(model, "steps", None) or getattr(model, "transformers", None)
    if named is None:
        yield model
        return
    for part in named.values():
        yield from _parts(part)


def _takes_many(part: object) -> bool:
    inner = next((getattr(part, name) for name in ("classifier", "regressor", "model") if hasattr(part, name)), None)
    own = hasattr(part, "learn_many") or (hasattr(part, "transform_many") and not hasattr(part, "predict_one"))
    return own and (inner is None or all(_takes_many(each) for each in _parts(inner)))


def _check_task(model: object, spec: Spec) -> None:
    """SpecError where *model* is no learner of the spec's task."""
    from river import base

    last = last_of(model)
    wanted = base.Regressor if spec.task == "regression" else base.Classifier
    many = spec.task == "multiclass" and isinstance(last, base.Classifier) and not last._multiclass
    if not isinstance(last, wanted) or many:
        expected = {
            "regression": "a regressor",
            "binary": "a classifier",
            "multiclass": "a classifier of several classes, such as river.multiclass.OneVsRestClassifier around it",
        }[spec.task]
        raise SpecError(
            f"{spec.path}: learner.build: {spec.learner.build!r} returned River's {type(last).__name__}; task "
            f"{spec.task!r} expects {expected}. Nothing was changed"
        )
