"""Models that say what a test wants them to say, row by row, so that a verdict's every row is known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ratoon.models.families.choose import build, learner_for
from ratoon.models.gate import Circumstances, GateResult, judge
from ratoon.models.learning.trained import Trained
from ratoon.spec.keys.gate import GateSpec

Frame = Callable[..., pd.DataFrame]


class Told:
    """Says *said* for the row whose number stands in feature `a`: numbers, or probabilities of the classes."""

    def __init__(self, said: Any) -> None:
        said = np.asarray(said, dtype=float)
        self.said = said

    def predict(self, X: pd.DataFrame) -> Any:
        return self.said[X["a"].astype(int)]


class ToldClasses(Told):
    def __init__(self, said: Any, classes: tuple[Any, ...]) -> None:
        super().__init__(said)
        self.classes = np.asarray(classes)
        if self.said.ndim == 1:
            self.said = np.column_stack([1 - self.said, self.said])

    def predict(self, X: pd.DataFrame) -> Any:
        return self.classes[np.nan_to_num(super().predict(X), nan=-1).argmax(axis=1)]

    def predict_proba(self, X: pd.DataFrame) -> Any:
        return super().predict(X)


@pytest.fixture(scope="session")
def holdout() -> Frame:
    """A function from labels to canonical holdout rows: `a` their number, `b` and `c` what slices choose by."""

    def make(target: Any, b: Any = 0.0, c: Any = "x") -> pd.DataFrame:
        n = len(target)
        time = pd.Timestamp("2026-01-01") + pd.to_timedelta(np.arange(n), unit="h")
        return pd.DataFrame(
            {
                "_id": pd.Series([f"row{i:05d}" for i in range(n)], dtype=object),
                "_time": time.astype("datetime64[us]"),
                "_label_time": time.astype("datetime64[us]"),
                "_target": target,
                "_holdout": True,
                "a": np.arange(n, dtype=float),
                "b": np.broadcast_to(np.asarray(b, dtype=float), n).copy(),
                "c": pd.Series(np.broadcast_to(np.asarray(c, dtype=object), n).copy(), dtype=object),
            }
        )

    return make


@pytest.fixture(scope="session")
def told(make_spec: Any, make_rows: Any) -> Callable[..., Trained]:
    """A function from what is said (and the classes it knows; none: regression) to a Trained that says it."""
    spec = make_spec("sgd_regression", "regression")
    state = learner_for(build(spec), spec).first(build(spec), make_rows(60, "regression"), spec).state

    def make(said: Any, classes: tuple[Any, ...] = (), task: str = "") -> Trained:
        task = task or ("binary" if len(classes) == 2 else "multiclass" if classes else "regression")
        known = state.model_copy(update={"task": task, "classes": classes})
        return Trained(ToldClasses(said, classes) if classes else Told(said), known)

    return make


@pytest.fixture(scope="session")
def verdict(told: Any) -> Callable[..., GateResult]:
    """A function from a metric, rows and what both models say of them to the gate's answer; there is no anchor."""

    def make(
        metric: str,
        rows: pd.DataFrame,
        before: Any,
        after: Any,
        classes: tuple[Any, ...] = (),
        *,
        tries: int = 1,
        **gate: Any,
    ) -> GateResult:
        spec = GateSpec.model_validate({"resamples": 200, **gate})
        models = [each if isinstance(each, Trained) else told(each, classes) for each in (before, after)]
        return judge(
            spec, metric, *models, rows, rows.iloc[:0], seed=0, beside=Circumstances(older_rows=0, tries=tries)
        )

    return make
