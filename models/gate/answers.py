"""What models say of the rows they are judged on, asked once however many candidates meet the same champion."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar, cast

import numpy as np
import pandas as pd

from ...data.columns import ID
from ...data.metrics.metrics import Outcomes
from ..learning.trained import Trained

T = TypeVar("T")


@dataclass
class Answers:
    """One run's. Models and frames are known by identity, so that a changed one is asked anew."""

    _kept: dict[tuple[object, ...], tuple[object, ...]] = field(default_factory=dict)

    def of(self, model: Trained, frame: pd.DataFrame) -> Outcomes:
        """As `model.predict(frame)`, raising what it raises."""
        return self._once(
            ("answers", id(model.estimator), id(frame)), (model.estimator, frame), lambda: model.predict(frame)
        )

    def in_order(self, frame: pd.DataFrame) -> pd.DataFrame:
        """*frame* by its ids, so that the same rows give the same verdict however they were read."""
        return self._once(("order", id(frame)), (frame,), lambda: in_order(frame))

    def _once(self, key: tuple[object, ...], held: tuple[object, ...], make: Callable[[], T]) -> T:
        found = self._kept.get(key)
        if found is None:
            found = self._kept[key] = (make(), held)  # what is held keeps its identity
        return cast(T, found[0])  # what the *key* stands for


def in_order(frame: pd.DataFrame) -> pd.DataFrame:
    """*frame* by its ids, see `Answers.in_order`."""
    return frame.iloc[np.argsort(frame[ID].astype(str).to_numpy(dtype=object), kind="stable")]
