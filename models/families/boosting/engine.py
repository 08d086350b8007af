"""What boosted trees need of a library: its estimators, and a booster's trees opened."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType
from typing import Protocol, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ....spec.model import Spec
from ...estimators import Array, Estimator, Features, Parametrized
from .leaf_steps import Loss


class BoostedEstimator(Estimator, Parametrized, Protocol):
    """A library's estimator with the face of scikit-learn's."""


Model = TypeVar("Model", bound=BoostedEstimator)  # the library's estimator
Booster = TypeVar("Booster")  # and what it holds
Booster_co = TypeVar("Booster_co", covariant=True)


@dataclass(frozen=True)
class Batch:
    """What the booster sees of an update: labels or class codes, and weights, each of shape (n,).

    *tilt*: the weights that the objective itself adds (`scale_pos_weight`).
    """

    X: Features
    label: Array
    weight: Array | None = None
    tilt: Array | None = None


class Forest(Protocol[Booster_co]):
    """A booster's trees, opened: a copy that shares nothing with the booster it came from."""

    values: list[Array]
    output: NDArray[np.intp]
    width: int  # trees per boosting round
    loss: Loss | None  # None: one whose leaves cannot be moved here
    monotone: bool  # whether constraints bind leaves to each other

    def leaves(self, batch: Batch) -> tuple[Array, Array]:
        """Place of each row in each tree's values, shape (n, trees), and score of each row, shape (n, outputs)."""

    def drop(self, first: int, last: int) -> None:
        """Take out the trees from *first* up to, not including, *last*."""

    def grow(self, batch: Batch, score: Array, rounds: int, seed: int) -> None:
        """Add *rounds* of trees fitted to what *score*, shape (n, outputs), leaves over."""

    def rounds_until(self, batch: Batch, score: Array, held: Batch, held_score: Array, most: int, patience: int) -> int:
        """How many rounds of trees, fitted to *batch*, are best on *held*; nothing is added.

        At least 1 and at most *most*, ended by the library's own early stopping after *patience* rounds without gain
        in the objective's own metric. The scores are those of `grow`.
        """

    def plant(self, batch: Batch, rounds: int, seed: int, held: Batch | None) -> Array:
        """Add a block: at most *rounds* of trees fitted afresh, its own level included.

        Returns the raw score, shape (n, outputs), that it gives to *held* by itself; of no rows without them.
        """

    def averaged(self) -> None:
        """ContractBroken where these trees cannot be one block of an average."""

    def closed(self) -> Booster_co:
        """A new booster of these trees."""


class Engine(Protocol[Model, Booster]):
    """What a library's file must give."""

    @property
    def family(self) -> str:
        """The name of the family that this library makes."""

    @property
    def libraries(self) -> tuple[str, ...]:
        """The libraries whose minor version an update needs to be the one that wrote the state."""

    def module(self) -> ModuleType:
        """The library; SpecError with the install line where it is missing."""

    def prepare(self, last: Model, rows: pd.DataFrame, spec: Spec) -> None:
        """Set what a first fit of *last* on *rows* needs; DataError where the library cannot take them."""

    def opened(self, last: Model, spec: Spec) -> Forest[Booster]:
        """The trees of the fitted estimator *last*; ContractBroken where it cannot continue."""

    def batch(self, last: Model, X: Features, y: Array) -> Batch:
        """(X, y) in the library's own form."""

    def renewed(self, last: Model, booster: Booster) -> Model:
        """A copy of *last* that holds *booster*."""

    def errors(self) -> tuple[type[Exception], ...]:
        """What the library raises of rows that it cannot take."""
