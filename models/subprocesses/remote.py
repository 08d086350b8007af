"""Predictions in a process of its own, for versions that carry code.

Two versions that carry a package of the same name, loaded in one process, would both run the code of the
one loaded first, in silence. Champion and challenger are exactly that, so each of them gets its own:

    python -P -m ratoon.models.subprocesses.remote FOLDER CODE_FOLDER METHOD in.parquet out.parquet LOADER [TYPE …]
"""

from __future__ import annotations

import secrets
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import cached_property, partial
from pathlib import Path
from pkgutil import resolve_name

import numpy as np
import pandas as pd

from ...data.columns import read_canonical
from ...spec.errors import Refused
from ..estimators import Array, Predictor
from .digests import Checked
from .user_files import unpickled

HANDED = "estimator.pkl"
HEADS = ("predict", "predict_proba", "decision_function")
TIMEOUT = 600  # seconds for one call


class RemoteEstimator:
    """Stands for the estimator of a version that carries code: it predicts, but not in this process.

    *folder* is the version's, or one that holds the `estimator.pkl` that a bounded process made; *code* the folder
    with the version's packages, and *checked* the version's files as they were compared with what was registered.
    *loader* names the function (`module:function`) that makes the estimator of a version's folder, its number and
    *trusted*: this room knows nothing of registries.
    """

    checked: Checked | None = None
    loader: str | None = None

    def __init__(
        self,
        folder: Path,
        trusted: tuple[str, ...],
        code: Path,
        checked: Checked | None = None,
        loader: str | None = None,
    ) -> None:
        self.folder = folder
        self.trusted = trusted
        self.code = code
        self.checked = checked
        self.loader = loader

    @property
    def code_paths(self) -> list[str]:
        """What the version carries, as MLflow's `code_paths` takes it."""
        return sorted(str(each) for each in self.code.iterdir() if each.name != "__pycache__")

    def here(self) -> Predictor:
        """The estimator itself, loaded into this process with its own code first on the path.

        Only for a process that loads no other version: the first one's code would run for both. Its code is compiled
        here: bytecode beside it is no file of the version, and anybody may have put it there.
        """
        self._compare()
        sys.pycache_prefix = str(Path(tempfile.gettempdir(), f"ratoon-none-{secrets.token_hex(16)}"))
        sys.dont_write_bytecode = True
        sys.path.insert(0, str(self.code))
        if (self.folder / HANDED).exists():
            handed: Predictor = unpickled(self.folder / HANDED)
            return handed
        if self.loader is None:
            raise Refused(f"{self.folder} holds no {HANDED}, and nothing says how else to load it")
        loaded: Predictor = resolve_name(self.loader)(self.folder, self.folder.name, self.trusted)
        return loaded

    def _compare(self) -> None:
        if self.checked is not None:
            self.checked.again()

    def predict(self, X: pd.DataFrame) -> Array:
        """Predictions, shape (n,), for the feature table X."""
        return self._ask("predict", X).to_numpy()[:, 0]

    def __getattr__(self, name: str) -> Callable[[pd.DataFrame], Array]:
        """`predict_proba` and `decision_function`, shape (n, k), where the version itself has them."""
        if name in HEADS and name in self._heads:
            return partial(self._scores, name)
        raise AttributeError(name)

    @cached_property
    def _heads(self) -> tuple[str, ...]:
        return tuple(self._ask("heads", pd.DataFrame({"none": [0.0]}))["0"])

    def _scores(self, head: str, X: pd.DataFrame) -> Array:
        scores = self._ask(head, X).to_numpy(dtype=np.float64)
        return scores[:, 0] if scores.shape[1] == 1 else scores

    def _ask(self, head: str, X: pd.DataFrame) -> pd.DataFrame:
        self._compare()
        with tempfile.TemporaryDirectory() as name:
            rows, answer = Path(name, "in.parquet"), Path(name, "out.parquet")
            X.reset_index(drop=True).to_parquet(rows)
            # -P: the working folder must not offer its own `models` to the version's code.
            command = [
                sys.executable,
                "-P",
                "-m",
                "ratoon.models.subprocesses.remote",
                self.folder,
                self.code,
                head,
                rows,
                answer,
                self.loader or "",
            ]
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
    folder, code, head, rows, answer, loader, *trusted = arguments
    estimator = RemoteEstimator(Path(folder), tuple(trusted), Path(code), loader=loader or None).here()
    if head == "heads":
        found = np.asarray([each for each in HEADS if hasattr(estimator, each)], dtype=object)
    else:
        X = read_canonical(Path(rows))
        found = np.asarray(getattr(estimator, head)(X))
    table = found.reshape(len(found), -1)
    pd.DataFrame({str(i): table[:, i] for i in range(table.shape[1])}).to_parquet(answer)


if __name__ == "__main__":
    main(sys.argv[1:])
