"""A user's own learner: by file or entry point, and a class to inherit that leaves only the learning to write.

    from ratoon.models.families.custom.own import OwnLearner

    class Averages(OwnLearner):
        family = "averages"

        def learn(self, estimator, X, y, spec):
            estimator.add(X, y)

How its versions are saved: as those of the family that the estimator belongs to (skops for what is neither River's
nor PyTorch's), or by three members of its own: `save(estimator, folder)`, `load(folder)`, and `serve`, the path beside
the spec of a Python file that serves what `save` wrote without Ratoon: an MLflow "model from code", which finds the
folder as `context.artifacts["model"]`.
"""

from __future__ import annotations

import copy
from importlib.metadata import entry_points
from typing import Any, ClassVar, cast

import pandas as pd

from ....spec.errors import ContractBroken, SpecError
from ....spec.family import LEARNERS, is_file
from ....spec.model import Spec
from ....spec.unexpected import users_code, worded
from ....spec.user_code import named_file
from ....spec.values import Strategy
from ...estimators import Array
from ...learning.features import could_not, table
from ...learning.how import FIRST, WARM, How, Origin
from ...learning.learner import Learner, with_strategies
from ...learning.lineage import advance_state, prepare_update, start_state
from ...learning.order_sensitivity import Splits
from ...learning.trained import Trained
from ...subprocesses.user_files import load_file
from .. import libraries

METHODS = ("first", "update")
STORAGE = ("save", "load", "serve")


class OwnLearner:
    """Inherit this and write `learn`; state, refusals, replay and the untouched champion are taken care of."""

    family: ClassVar[str] = "own"
    strategies: ClassVar[frozenset[Strategy]] = frozenset({"warm", "warm_replay"})
    splits: ClassVar[Splits] = "free"

    def learn(self, estimator: Any, X: pd.DataFrame, y: Array, spec: Spec) -> None:
        """Let *estimator* learn X, shape (n, k), and y, shape (n,), in place; ValueError where it cannot."""
        raise NotImplementedError(f"{type(self).__name__}.learn")

    def fit(self, estimator: Any, X: pd.DataFrame, y: Array, spec: Spec) -> None:
        """Fit the unfitted *estimator* in place. Left out: its own `fit` where it has one, else `learn`."""
        if hasattr(estimator, "fit"):
            estimator.fit(X, y)
        else:
            self.learn(estimator, X, y, spec)

    def first(self, estimator: Any, rows: pd.DataFrame, spec: Spec, origin: Origin = FIRST) -> Trained:
        """As `Learner.first`."""

        def fit(X: pd.DataFrame, y: Array) -> None:
            self.fit(estimator, X, y, spec)

        # Nobody knows which of them it uses.
        return start_state(self.family, estimator, rows, spec, origin, libraries=libraries(), fit=fit)

    def update(self, champion: Trained, rows: pd.DataFrame, spec: Spec, how: How = WARM) -> Trained:
        """As `Learner.update`; `learn` gets a deep copy of the champion's estimator."""
        if rows.empty:
            return champion
        rows, mixed, y = prepare_update(champion, rows, how)
        estimator = copy.deepcopy(champion.estimator)
        X = table(mixed, champion.state.features)
        try:
            self.learn(estimator, X, y, spec)
        except (ValueError, TypeError) as error:
            raise ContractBroken(could_not("continue on", X, error)) from error
        return advance_state(champion, estimator, rows, spec, how, updated_steps=(type(estimator).__name__,))


def own_learner(spec: Spec) -> Learner:
    """The learner that `learner.family` names; SpecError naming what it lacks."""
    name = spec.learner.family
    where = f"{spec.path}: learner.family: {name!r}"
    kind = _from_file(spec, name, where) if is_file(name) else _from_entry_point(name, where)
    try:
        with users_code():
            learner = with_strategies(kind() if callable(kind) else kind)
    except Exception as error:
        raise SpecError(f"{where}: making it raised {worded(error)} Nothing was changed") from error
    lacks = [each for each in METHODS if not callable(getattr(learner, each, None))]
    lacks += [each for each in ("family", "strategies", "splits") if not hasattr(learner, each)]
    if lacks:
        raise SpecError(
            f"{where}: {type(learner).__name__} has no {' and no '.join(repr(each) for each in lacks)}; a learner "
            "needs family, strategies, splits, first and update. Inherit "
            "ratoon.models.families.custom.own.OwnLearner and write `learn` only. Nothing was changed"
        )
    there = [each for each in STORAGE if hasattr(learner, each)]
    if there and len(there) < len(STORAGE):
        raise SpecError(
            f"{where}: {type(learner).__name__} has {' and '.join(there)}, but saving in its own way takes all of "
            f"{', '.join(STORAGE)}. Nothing was changed"
        )
    if isinstance(learner, OwnLearner) and type(learner).learn is OwnLearner.learn:
        raise SpecError(f"{where}: {type(learner).__name__} has no 'learn'. Nothing was changed")
    return cast(Learner, learner)


def _from_file(spec: Spec, name: str, where: str) -> object:
    path, kind = named_file(name, spec.folder, where), name.rpartition(":")[2]
    module = load_file(path, where)
    found = getattr(module, kind, None)
    if found is None:
        classes = [n for n, value in vars(module).items() if isinstance(value, type) and value is not OwnLearner]
        raise SpecError(
            f"{where}: {path.name} has no class {kind!r}; found {', '.join(classes) or 'none'}. Nothing was changed"
        )
    return found


def _from_entry_point(name: str, where: str) -> object:
    (point, *_) = entry_points(group=LEARNERS, name=name)
    try:
        with users_code():
            return point.load()
    except Exception as error:
        raise SpecError(
            f"{where}: the entry point {point.value!r} cannot be loaded: {worded(error)} Nothing was changed"
        ) from error
