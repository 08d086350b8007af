"""Predictions in a process of its own, for versions that carry code.

Two versions that carry a package of the same name, loaded in one process, would both run the code of the
one loaded first, in silence. Champion and challenger are exactly that, so each of them gets its own:

    python -m ratoon.models.isolated VERSION_FOLDER METHOD in.parquet out.parquet [TRUSTED_TYPE …]
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..spec.errors import Refused
from .features import read_canonical

HEADS = ("predict", "predict_proba", "decision_function")
TIMEOUT = 600  # seconds for one call


class Isolated:
    """Stands for the estimator of a version that carries code: it predicts, but cannot continue."""

    def __init__(self, folder: Path, trusted: tuple[str, ...]) -> None:
        self.folder = folder
        self.trusted = trusted

    def predict(self, X: pd.DataFrame) -> NDArray[Any]:
        """Predictions, shape (n,), for the feature table X."""
        return self._ask("predict", X).to_numpy()[:, 0]

    def __getattr__(self, name: str) -> Callable[[pd.DataFrame], NDArray[Any]]:
        """`predict_proba` and `decision_function`, shape (n, k), where the version itself has them."""
        if name in HEADS and name in self._heads:
            return partial(self._scores, name)
        raise AttributeError(name)

    @cached_property
    def _heads(self) -> tuple[str, ...]:
        return tuple(self._ask("heads", pd.DataFrame({"none": [0.0]}))["0"])

    def _scores(self, head: str, X: pd.DataFrame) -> NDArray[Any]:
        scores = self._ask(head, X).to_numpy(dtype=np.float64)
        return scores[:, 0] if scores.shape[1] == 1 else scores

    def _ask(self, head: str, X: pd.DataFrame) -> pd.DataFrame:
        with tempfile.TemporaryDirectory() as name:
            rows, answer = Path(name, "in.parquet"), Path(name, "out.parquet")
            X.reset_index(drop=True).to_parquet(rows)
            # -P: the working folder must not offer its own `models` to the version's code.
            command = [sys.executable, "-P", "-m", "ratoon.models.isolated", self.folder, head, rows, answer]
            done = subprocess.run(  # noqa: S603  # our own interpreter and module, no shell
                [str(each) for each in (*command, *self.trusted)],
                capture_output=True,
                text=True,
                timeout=TIMEOUT,
                check=False,
            )
            if done.returncode:
                last = done.stderr.strip().splitlines()[-1:] or ["no output"]
                raise Refused(f"the version in {self.folder} could not {head} {len(X)} rows in its process: {last[0]}")
            return pd.read_parquet(answer)


def main(arguments: list[str]) -> None:
    """Answer one call: load the version, run one head over the rows, write what it says."""
    from .flavour import load_estimator

    folder, head, rows, answer, *trusted = arguments
    estimator = load_estimator(Path(folder), Path(folder).name, tuple(trusted))
    if head == "heads":
        found = np.asarray([each for each in HEADS if hasattr(estimator, each)], dtype=object)
    else:
        X = read_canonical(Path(rows))
        found = np.asarray(getattr(estimator, head)(X))
    table = found.reshape(len(found), -1)
    pd.DataFrame({str(i): table[:, i] for i in range(table.shape[1])}).to_parquet(answer)


if __name__ == "__main__":
    main(sys.argv[1:])
