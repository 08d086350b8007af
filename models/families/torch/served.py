"""The network as it is served: the user's module between standardised inputs and what is predicted."""

from __future__ import annotations

import numpy as np
import torch

from ....spec.keys.watching import Task
from ...estimators import Array


class Served(torch.nn.Module):  # type: ignore[misc]  # torch is optional, and Any to mypy
    """Float32 features (n, k) to probabilities (n, classes), or values (n,) in the target's unit.

    Inputs are standardised by the mean and variance of all rows learned so far (Chan, Golub & LeVeque 1983 merge
    two sets of rows); a missing value becomes the mean. For regression *net* learns and gives the target
    standardised by the first fit's rows, which never moves.
    """

    def __init__(self, net: torch.nn.Module, features: int, task: Task) -> None:
        super().__init__()
        self.net = net
        self.task = task
        for name, value in {"rows": 0.0, "mean": 0.0, "spread": 0.0}.items():
            self.register_buffer(name, torch.full((features,), value, dtype=torch.float64))
        self.register_buffer("target_mean", torch.zeros((), dtype=torch.float64))
        self.register_buffer("target_scale", torch.ones((), dtype=torch.float64))

    def inputs(self, x: torch.Tensor) -> torch.Tensor:
        """What the user's module sees of *x*, shape (n, k)."""
        variance = self.spread / torch.clamp(self.rows, min=1.0)
        scale = torch.where(variance > 0, torch.sqrt(variance), torch.ones_like(variance))
        standard = (x.to(torch.float64) - self.mean) / scale
        return torch.where(torch.isnan(standard), torch.zeros_like(standard), standard).to(torch.float32)

    def outputs(self, x: torch.Tensor) -> torch.Tensor:
        """Logits (n,) or (n, classes), or standardised values (n,)."""
        found: torch.Tensor = self.net(self.inputs(x))
        return found.squeeze(1) if found.dim() == 2 and found.shape[1] == 1 else found

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        found = self.outputs(x).to(torch.float64)
        if self.task == "regression":
            return found * self.target_scale + self.target_mean
        if found.dim() == 1:
            positive = torch.sigmoid(found)
            return torch.stack([1 - positive, positive], dim=1)
        return torch.softmax(found, dim=1)

    def meet(self, X: Array) -> None:
        """Move the inputs' mean and variance by the rows of X, shape (n, k); missing values do not count."""
        if bool(torch.isinf(self.rows).all()):
            return
        present = ~np.isnan(X)
        new = present.sum(axis=0).astype(np.float64)
        safe = np.where(new > 0, new, 1.0)
        values = np.where(present, X, 0.0).astype(np.float64)
        mean = values.sum(axis=0) / safe
        spread = (np.where(present, values - mean, 0.0) ** 2).sum(axis=0)
        old, total = self.rows.numpy(), self.rows.numpy() + new
        share = np.where(total > 0, new / np.where(total > 0, total, 1.0), 0.0)
        gap = mean - self.mean.numpy()
        self.spread.copy_(torch.from_numpy(self.spread.numpy() + spread + gap**2 * old * share))
        self.mean.copy_(torch.from_numpy(self.mean.numpy() + gap * share))
        self.rows.copy_(torch.from_numpy(total))

    def leave_inputs(self) -> None:
        """Hand inputs on as they are, from now on: a net trained elsewhere learned them so.

        Infinitely many rows of mean 0 and no spread, which is scaled by 1 and which no further row moves.
        """
        self.rows.fill_(float("inf"))
        self.mean.zero_()
        self.spread.zero_()

    def fix_target(self, y: Array) -> None:
        """Standardise the target by y, shape (n,), from now on."""
        self.target_mean.fill_(float(np.mean(y)))
        self.target_scale.fill_(float(np.std(y)) or 1.0)
