"""XGBoost's trees, opened as the UBJSON that `Booster.save_raw` writes (model schema of XGBoost 3).

A node is a leaf where its left child is -1; its value stands in `split_conditions`, and once more in `base_weights`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import ModuleType
from typing import TYPE_CHECKING, Literal, TypedDict

import numpy as np
from numpy.typing import NDArray

from ....spec.errors import SpecError
from ...estimators import Array, rows_at
from ...learning.lineage import continued_error
from . import ubjson
from .engine import Batch
from .leaf_steps import Loss, added, bound_together

if TYPE_CHECKING:
    from xgboost import Booster, DMatrix

_LOSS: dict[str, Loss] = {
    "reg:squarederror": "squared",
    "binary:logistic": "logistic",
    "reg:logistic": "logistic",
    "multi:softprob": "softmax",
    "multi:softmax": "softmax",
}


class _Tree(TypedDict):
    """What is read and written of a tree; an entry for each node."""

    id: int
    left_children: Array
    split_conditions: Array
    base_weights: Array


_WITH_VALUES: tuple[Literal["split_conditions", "base_weights"], ...] = ("split_conditions", "base_weights")


def import_xgboost() -> ModuleType:
    """The xgboost module; SpecError with the install line where it is missing."""
    try:
        import xgboost
    except ImportError as error:
        raise SpecError(
            "the model is XGBoost's, but xgboost is not installed here: pip install 'ratoon[xgboost]'"
        ) from error
    return xgboost


@dataclass
class XGBoostForest:
    """The trees of *booster*, whose own are never changed; *params* are those that it trains with.

    *values* are those of all nodes of a tree, inner ones too, so that a node's number is its place.
    """

    booster: Booster
    params: dict[str, object]
    missing: float
    base_score: float | list[float] | None = None  # the user's own, where it was set
    values: list[Array] = field(init=False)
    output: NDArray[np.intp] = field(init=False)
    width: int = field(init=False)
    loss: Loss | None = field(init=False)
    monotone: bool = field(init=False)  # whether leaves are bound to each other by constraints

    def __post_init__(self) -> None:
        self._model = ubjson.loads(self.booster.save_raw("ubj"))
        learner = self._model["learner"]
        if learner["gradient_booster"]["name"] != "gbtree":
            name = learner["gradient_booster"]["name"]
            raise continued_error(f"XGBoost's booster {name!r} cannot continue within a size budget, only 'gbtree' can")
        if "c" in learner["feature_types"]:
            raise continued_error("XGBoost with categorical columns of its own (enable_categorical) cannot continue")
        parameters = learner["learner_model_param"]
        if int(parameters["num_target"]) > 1:
            raise continued_error("XGBoost with several targets cannot continue")
        self._forest = learner["gradient_booster"]["model"]
        objective = learner["objective"]["name"]
        self.params |= {"objective": objective, "num_class": int(parameters["num_class"])}
        parallel = int(self._forest["gbtree_model_param"]["num_parallel_tree"])
        self.width = max(1, int(parameters["num_class"])) * max(1, parallel)
        self.loss = _LOSS.get(objective)
        self.values = _values(self._forest["trees"])
        self.monotone = bound_together(self.params.get("monotone_constraints"))
        self._count()

    def _count(self) -> None:
        self.output = np.array(self._forest["tree_info"], dtype=np.intp)

    def leaves(self, batch: Batch) -> tuple[Array, Array]:
        """Node of each row in each tree, shape (n, trees), and score of each row, shape (n, outputs)."""
        n, data = len(batch.label), self._data(batch)
        leaf = np.asarray(self.booster.predict(data, pred_leaf=True))
        score = np.asarray(self.booster.predict(data, output_margin=True), dtype=np.float64)
        return leaf.reshape(n, -1).astype(np.intp), score.reshape(n, -1)

    def drop(self, first: int, last: int) -> None:
        """Take out the trees from *first* up to, not including, *last*."""
        del self._forest["trees"][first:last], self._forest["tree_info"][first:last], self.values[first:last]
        self._count()

    def grow(self, batch: Batch, score: Array, rounds: int, seed: int) -> None:
        """Add *rounds* of trees fitted to what *score*, shape (n, outputs), leaves over."""
        data = self._data(batch, score)
        grown = import_xgboost().train({**self.params, "seed": seed}, data, num_boost_round=rounds)
        new = ubjson.loads(grown.save_raw("ubj"))["learner"]["gradient_booster"]["model"]
        self._forest["trees"] += new["trees"]
        self._forest["tree_info"] += new["tree_info"]
        self.values += _values(new["trees"])
        self._count()

    def plant(self, batch: Batch, rounds: int, seed: int, held: Batch | None) -> Array:
        """Add at most *rounds* of trees fitted afresh.

        By how much their base score differs from that of the first fit goes into the leaves of the first round.
        """
        data = self._data(batch)
        params = {**self.params, "seed": seed}
        if self.base_score is not None:
            params["base_score"] = self.base_score
        here = self._data(_first_row(batch))
        base = _base(self.booster, here)
        known = self.loss is None or self.loss == "squared" or len(np.unique(batch.label)) == max(2, len(base))
        if not known:  # a class is absent: its share would be nought, and its level minus infinity
            data.set_base_margin(np.tile(base, (len(batch.label), 1)).squeeze())
        grown = import_xgboost().train(params, data, num_boost_round=rounds)
        new = ubjson.loads(grown.save_raw("ubj"))["learner"]["gradient_booster"]["model"]
        values = _values(new["trees"])
        if known:
            shift = _base(grown, here) - base
            output = np.array(new["tree_info"], dtype=np.intp)
            parallel = self.width // len(base)
            for tree in range(min(self.width, len(values))):
                values[tree] = values[tree] + shift[output[tree]] / parallel
        self._forest["trees"] += new["trees"]
        self._forest["tree_info"] += new["tree_info"]
        self.values += values
        self._count()
        if held is None:
            return np.empty((0, len(base)))
        leaf = np.asarray(grown.predict(self._data(held), pred_leaf=True)).reshape(len(held.label), -1)
        return base + added(values, leaf.astype(np.intp), np.array(new["tree_info"]), len(base))

    def averaged(self) -> None:
        """Trees of numbers can always be averaged."""

    def rounds_until(self, batch: Batch, score: Array, held: Batch, held_score: Array, most: int, patience: int) -> int:
        """How many rounds of trees, at most *most*, are best on *held* by XGBoost's own early stopping."""
        grown = import_xgboost().train(
            self.params,
            self._data(batch, score),
            num_boost_round=most,
            evals=[(self._data(held, held_score), "held")],
            early_stopping_rounds=patience,
            verbose_eval=False,
        )
        return int(grown.best_iteration) + 1

    def closed(self) -> Booster:
        """A new booster of these trees."""
        trees: list[_Tree] = self._forest["trees"]
        for number, (tree, values) in enumerate(zip(trees, self.values, strict=True)):
            tree["id"] = number
            leaf = tree["left_children"] == -1
            for key in _WITH_VALUES:
                tree[key] = np.where(leaf, values, tree[key]).astype(tree[key].dtype)
        count = len(self._forest["trees"])
        self._forest["gbtree_model_param"]["num_trees"] = str(count)
        self._forest["iteration_indptr"] = list(range(0, count + 1, self.width))
        booster: Booster = import_xgboost().Booster({"nthread": self.params["nthread"]})
        booster.load_model(bytearray(ubjson.dumps(self._model)))
        return booster

    def _data(self, batch: Batch, score: Array | None = None) -> DMatrix:
        margin = score if score is None or score.shape[1] > 1 else score[:, 0]
        made: DMatrix = import_xgboost().DMatrix(
            batch.X,
            label=batch.label,
            weight=batch.weight,
            base_margin=margin,
            missing=self.missing,
            nthread=self.params["nthread"],
        )
        return made


def _first_row(batch: Batch) -> Batch:
    return Batch(rows_at(batch.X, np.arange(1)), batch.label[:1])


def _base(booster: Booster, row: DMatrix) -> Array:
    """The base score of each output as a raw score, shape (k,): what *booster* says of a *row* without its trees.

    Taken from a prediction, since what the file holds is a mean, behind a link that depends on the objective.
    """
    score = np.asarray(booster.predict(row, output_margin=True), dtype=np.float64).reshape(-1)
    model = ubjson.loads(booster.save_raw("ubj"))["learner"]["gradient_booster"]["model"]
    leaf = np.asarray(booster.predict(row, pred_leaf=True)).reshape(1, -1).astype(np.intp)
    output = np.array(model["tree_info"], dtype=np.intp)
    return np.asarray(score - added(_values(model["trees"]), leaf, output, len(score))[0])


def _values(trees: list[_Tree]) -> list[Array]:
    return [tree["split_conditions"].astype(np.float64) for tree in trees]
