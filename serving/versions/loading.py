"""Versions out of the registry, for a replica: verified, prepared and warm."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import pandas as pd

from ...data.columns import PREDICTION
from ...models.learning.features import table
from ...models.learning.trained import Trained
from ...models.registry.mlflow_registry import Registry
from ...spec.errors import RegistryError
from ...spec.model import Spec
from .apart import Apart
from .prepared import Here, Prepared, prepare

_WARM = 3  # predictions of the version's own example before it serves


class RegistryVersions:
    """One model's versions for a `Follower`. *beside*: columns that requests may carry beside the features."""

    def __init__(self, spec: Spec, registry: Registry, *, seconds: float, beside: Collection[str] = ()) -> None:
        self._spec, self._registry, self._seconds, self._beside = spec, registry, seconds, beside

    def aliases(self) -> Mapping[str, str]:
        """As the registry has them now."""
        return self._registry.reads.aliases()

    def load(self, number: str) -> Prepared:
        """The version, verified on its own example and asked a few times.

        Raises RegistryError where it does not load, predicts otherwise than when it was registered, or where no gate
        passed it.
        """
        version = self._registry.version(number)
        if version.unproven:
            raise RegistryError(
                f"version {number} must not serve: its tag ratoon.gate says {version.meta.gate!r}, so that no gate "
                "passed it. Point the alias `champion` at one that may: ratoon promote"
            )
        example = self._registry.example(number)
        if self._registry.runs_own_code(number):
            return self._warm(self._apart(number), example)
        trained = self._registry.load_verified(number)
        state = trained.state.model_copy(update={"profile": None})
        made = prepare(state, number, Here(trained), probabilistic=trained.probabilistic, beside=self._beside)
        return self._warm(made, example, trained)

    def forget(self, number: str) -> None:
        """Remove a downloaded copy of its files."""
        self._registry.forget(number)

    def _apart(self, number: str) -> Prepared:
        process = Apart(self._spec.path, number, seconds=self._seconds)
        return prepare(process.state, number, process, probabilistic=process.probabilistic, beside=self._beside)

    def _warm(self, version: Prepared, example: pd.DataFrame, trained: Trained | None = None) -> Prepared:
        """*version*, once its prepared answers are those of *trained* on its own example."""
        X = table(example, version.state.features)
        for _ in range(_WARM):
            answer = version.answer(X)
        if trained is not None:
            expected, found = trained.predict_frame(example)[PREDICTION], answer.prediction
            same = (
                np.allclose(found, expected.to_numpy(dtype=np.float64))
                if version.state.task == "regression"
                else found.tolist() == expected.tolist()
            )
            if not same:
                raise RegistryError(f"version {version.number} answers otherwise prepared than when it is loaded")
        return version
