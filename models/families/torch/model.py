"""A trained network with the face of scikit-learn's estimators: its served graph, and what it needs to go on."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypedDict

import numpy as np
import pandas as pd

from ...estimators import Array, Classes, Label

if TYPE_CHECKING:
    import torch


class Training(TypedDict, total=False):
    """What an update starts from, as plain tensors, numbers and texts; *kinds*: classes of optimiser and scheduler."""

    weights: dict[str, torch.Tensor]
    optimiser: dict[str, object]
    scheduler: dict[str, object] | None
    kinds: list[str]
    generator: torch.Tensor
    classes: list[Label]
    name: str


class TorchModel:
    """*graph*: float32 tensor (n, k) to probabilities (n, classes), or to values (n,) for regression.

    None before the first fit. *training*: weights, optimiser, scheduler and generator as plain tensors and numbers;
    what an update starts from.
    *classes*: the labels in the training state's order; empty for regression. *name*: the network's class.
    *archive*: the pt2 file that the graph was loaded from, which is what a copy or a pickle of it carries: a loaded
    graph holds functions that cannot be pickled.
    """

    def __init__(
        self,
        graph: Callable[[torch.Tensor], torch.Tensor] | None,
        training: Training,
        classes: Sequence[Label] = (),
        name: str = "Module",
        archive: bytes | None = None,
    ) -> None:
        self.graph = graph
        self.training = training
        self.classes: Classes = tuple(classes)
        self.name = name
        self.archive = archive

    def __getstate__(self) -> dict[str, object]:
        """For a bounded process, and for copies."""
        return self.__dict__ if self.archive is None else {**self.__dict__, "graph": None}

    def __setstate__(self, state: dict[str, object]) -> None:
        """The graph is read from its archive again."""
        self.__dict__.update(state)
        if self.archive is not None:
            import torch

            with warnings.catch_warnings():  # PyTorch's exporter warns of its own modules
                warnings.simplefilter("ignore")
                self.graph = torch.export.load(io.BytesIO(self.archive)).module()

    def predict(self, X: pd.DataFrame) -> Array:
        """Labels or values, shape (n,), for the feature table X."""
        found = self._run(X)
        if not self.classes:
            return found
        labels = np.asarray(self.classes, dtype=object if isinstance(self.classes[0], str) else None)
        chosen: Array = labels[found.argmax(axis=1)]
        return chosen

    @property
    def classes_(self) -> Array:
        """The labels, as scikit-learn's classifiers name them; missing for regression."""
        if not self.classes:
            raise AttributeError("a regression has no classes")
        return np.asarray(self.classes)

    @property
    def predict_proba(self) -> Callable[[pd.DataFrame], Array]:
        """A function to probabilities, shape (n, classes); missing for regression."""
        if not self.classes:
            raise AttributeError("a regression has no probabilities")
        return self._run

    def _run(self, X: pd.DataFrame) -> Array:
        import torch

        if self.graph is None:
            raise ValueError("the network has not been trained yet")
        with torch.no_grad():
            found = self.graph(torch.from_numpy(np.array(X, dtype=np.float32)))
        return np.asarray(found.numpy(), dtype=np.float64)
