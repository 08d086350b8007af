"""LightGBM's trees, opened as the text that `Booster.model_to_string` writes (model format v4, LightGBM 4).

Each tree is one block of the text, with its leaf values on one line; `tree_sizes` in the head are the lengths of
the blocks in bytes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ....spec.errors import SpecError
from ...estimators import Array, Features
from ...learning.lineage import continued_error
from .engine import Batch
from .leaf_steps import Loss, added, bound_together

if TYPE_CHECKING:
    from lightgbm import Booster, Dataset

_MONOTONE = ("monotone_constraints", "mc", "monotone_constraint", "monotonic_cst")  # LightGBM's aliases
_NEWLINE, _TREE, _LEAVES, _END = "\n", "\nTree=", "\nleaf_value=", "\nend of trees"


def import_lightgbm() -> ModuleType:
    """The lightgbm module; SpecError with the install line where it is missing."""
    try:
        import lightgbm
    except ImportError as error:
        raise SpecError(
            "the model is LightGBM's, but lightgbm is not installed here: pip install 'ratoon[lightgbm]'"
        ) from error
    return lightgbm


@dataclass
class LightGBMForest:
    """The trees of *booster*, whose own are never changed; *params* are those that it trains with."""

    booster: Booster
    params: dict[str, object]
    values: list[Array] = field(init=False)
    output: NDArray[np.intp] = field(init=False)
    width: int = field(init=False)
    loss: Loss | None = field(init=False)
    monotone: bool = field(init=False)  # whether leaves are bound to each other by constraints

    def __post_init__(self) -> None:
        self._head, self._blocks, self._tail = _split(self.booster.model_to_string(num_iteration=-1))
        self.width = int(_entry(self._head, "num_tree_per_iteration") or 1)
        self.loss = _loss(_entry(self._head, "objective"), self._blocks)
        self.values = _values(self._blocks)
        self.monotone = any(bound_together(self.params.get(name)) for name in _MONOTONE)
        self._count()

    def _count(self) -> None:
        self.output = np.arange(len(self._blocks), dtype=np.intp) % self.width

    def leaves(self, batch: Batch) -> tuple[Array, Array]:
        """Place of each row in each tree's values, shape (n, trees), and score of each row, shape (n, outputs)."""
        n, threads = len(batch.label), self.params["num_threads"]
        leaf = np.asarray(self.booster.predict(batch.X, pred_leaf=True, num_iteration=-1, num_threads=threads))
        leaf = leaf.reshape(n, -1).astype(np.intp)
        if self.loss is not None:  # the sum of the leaves, without a second walk down the trees
            return leaf, added(self.values, leaf, self.output, self.width)
        score = self.booster.predict(batch.X, raw_score=True, num_iteration=-1, num_threads=threads)
        return leaf, np.asarray(score, dtype=np.float64).reshape(n, -1)

    def drop(self, first: int, last: int) -> None:
        """Take out the trees from *first* up to, not including, *last*."""
        del self._blocks[first:last]
        del self.values[first:last]
        self._count()

    def grow(self, batch: Batch, score: Array, rounds: int, seed: int) -> None:
        """Add *rounds* of trees fitted to what *score*, shape (n, outputs), leaves over."""
        lgb = import_lightgbm()
        params = {**self.params, "seed": seed, "boost_from_average": False}
        data = self._data(batch, score, params)
        grown = lgb.train(params, data, num_boost_round=rounds, keep_training_booster=True)
        blocks = _split(grown.model_to_string(num_iteration=-1))[1]
        # A tree without a split says nothing; for a class that the rows lack it would say log(0), cut at -34.
        self.values += [values if len(values) > 1 else np.zeros(1) for values in _values(blocks)]
        self._blocks += blocks
        self._count()

    def plant(self, batch: Batch, rounds: int, seed: int, held: Batch | None) -> Array:
        """Add at most *rounds* of trees fitted afresh; their level is in the first ones, as LightGBM leaves it."""
        params = {**self.params, "seed": seed}
        data = self._data(batch, None, params)
        grown = import_lightgbm().train(params, data, num_boost_round=rounds, keep_training_booster=True)
        blocks = _split(grown.model_to_string(num_iteration=-1))[1]
        values = _values(blocks)
        if (_entry(self._head, "objective") or "").startswith(("binary", "multiclass")):
            # For a class that the rows lack a tree without a split says log(0), cut at -34: rather as half a row.
            most = np.log(2 * len(batch.label))
            values = [np.clip(each, -most, most) if len(each) == 1 else each for each in values]
        self.values += values
        self._blocks += blocks
        self._count()
        if held is None:
            return np.empty((0, self.width))
        leaf = grown.predict(held.X, pred_leaf=True, num_iteration=-1, num_threads=params["num_threads"])
        leaf = np.asarray(leaf).reshape(len(held.label), -1).astype(np.intp)
        return added(values, leaf, self.output[-len(values) :], self.width)

    def averaged(self) -> None:
        """ContractBroken for linear trees, whose leaves hold more than a value."""
        if any("is_linear=1" in block for block in self._blocks):
            raise continued_error("the leaves of LightGBM's linear trees are models, which are not averaged here")

    def rounds_until(self, batch: Batch, score: Array, held: Batch, held_score: Array, most: int, patience: int) -> int:
        """How many rounds of trees, at most *most*, are best on *held* by LightGBM's own early stopping."""
        lgb = import_lightgbm()
        own = {"early_stopping_round", "early_stopping_rounds", "early_stopping", "n_iter_no_change"}
        params = {key: value for key, value in self.params.items() if key not in own} | {"boost_from_average": False}
        data = self._data(batch, score, params)
        grown = lgb.train(
            params,
            data,
            num_boost_round=most,
            valid_sets=[self._data(held, held_score, params, like=data)],
            callbacks=[lgb.early_stopping(patience, first_metric_only=True, verbose=False)],
        )
        return max(1, int(grown.best_iteration))

    def _data(
        self, batch: Batch, score: Array | None, params: dict[str, object], like: Dataset | None = None
    ) -> Dataset:
        start = None if score is None else score.ravel(order="F")  # class by class
        made: Dataset = import_lightgbm().Dataset(
            self._coded(batch.X),
            label=batch.label,
            weight=batch.weight,
            init_score=start,
            params=params,
            reference=like,
        )
        return made

    def _coded(self, X: Features) -> Features:
        """X with its categories in the order of the first fit: a Dataset of its own would number them anew."""
        known = self.booster.pandas_categorical or []
        if not known or not isinstance(X, pd.DataFrame):
            return X
        named = X.columns[X.dtypes == "category"]
        return X.assign(**{n: X[n].cat.set_categories(c) for n, c in zip(named, known, strict=True)})

    def closed(self) -> Booster:
        """A new booster of these trees."""
        blocks = [
            f"Tree={number}\n{_with_leaves(block, values)}\n"
            for number, (block, values) in enumerate(zip(self._blocks, self.values, strict=True))
        ]
        sizes = " ".join(str(len(block.encode())) for block in blocks)
        head = re.sub(r"^tree_sizes=.*$", f"tree_sizes={sizes}", self._head, flags=re.M)
        made: Booster = import_lightgbm().Booster(model_str=f"{head}\n{''.join(blocks)}{self._tail}")
        return made


def _split(text: str) -> tuple[str, list[str], str]:
    """Head, tree blocks without their `Tree=…` line, and tail of a model's text.

    Cut at fixed words: regular expressions over the whole text took longer than an update itself.
    """
    trees, end, rest = text.partition(_END)
    head, *blocks = trees.split(_TREE)
    return head, [block.partition(_NEWLINE)[2] for block in blocks], end.lstrip() + rest


def _leaves(block: str) -> tuple[int, int]:
    """Where in the block of a tree its leaf values stand."""
    start = block.index(_LEAVES) + len(_LEAVES)
    return start, block.index(_NEWLINE, start)


def _values(blocks: list[str]) -> list[Array]:
    return [np.fromstring(block[slice(*_leaves(block))], sep=" ") for block in blocks]


def _with_leaves(block: str, values: Array) -> str:
    start, end = _leaves(block)
    return block[:start] + " ".join(map(repr, values.tolist())) + block[end:]


def _entry(head: str, key: str) -> str | None:
    found = re.search(rf"^{key}=(.*)$", head, flags=re.M)
    return found[1] if found else None


def _loss(objective: str | None, blocks: list[str]) -> Loss | None:
    if any("is_linear=1" in block for block in blocks):
        return None  # a leaf holds a linear model, not a value
    if objective == "regression":
        return "squared"
    if objective == "binary sigmoid:1":
        return "logistic"
    return "softmax" if (objective or "").startswith("multiclass ") else None
