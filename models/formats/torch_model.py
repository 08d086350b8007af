"""A trained network with the face of scikit-learn's estimators: its served graph, and what it needs to go on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray


class TorchModel:
    """*graph*: float32 tensor (n, k) to probabilities (n, classes), or to values (n,) for regression.

    None before the first fit. *training*: weights, optimiser, scheduler and generator as plain tensors and numbers;
    what an update starts from.
    *classes*: the labels in the training state's order; empty for regression. *name*: the network's class.
    """

    def __init__(
        self,
        graph: Callable[[Any], Any] | None,
        training: dict[str, Any],
        classes: Sequence[Any] = (),
        name: str = "Module",
    ) -> None:
        self.graph = graph
        self.training = training
        self.classes = tuple(classes)
        self.name = name

    def predict(self, X: pd.DataFrame) -> NDArray[Any]:
        """Labels or values, shape (n,), for the feature table X."""
        found = self._run(X)
        if not self.classes:
            return found
        labels = np.asarray(self.classes, dtype=object if isinstance(self.classes[0], str) else None)
        chosen: NDArray[Any] = labels[found.argmax(axis=1)]
        return chosen

    @property
    def predict_proba(self) -> Callable[[pd.DataFrame], NDArray[Any]]:
        """A function to probabilities, shape (n, classes); missing for regression."""
        if not self.classes:
            raise AttributeError("a regression has no probabilities")
        return self._run

    def _run(self, X: pd.DataFrame) -> NDArray[Any]:
        import torch

        if self.graph is None:
            raise ValueError("the network has not been trained yet")
        with torch.no_grad():
            found = self.graph(torch.from_numpy(np.array(X, dtype=np.float32)))
        return np.asarray(found.numpy(), dtype=np.float64)
