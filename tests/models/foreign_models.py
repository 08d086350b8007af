"""Models as other people make and log them: in processes that know nothing of Ratoon."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ratoon.loop.context import ModelContext, open_context
from ratoon.loop.review.adopt import Adopted, adopt
from ratoon.models.families.choose import learner_for
from ratoon.models.learning.trained import Trained
from ratoon.spec.model import Spec

BEGIN = datetime(2026, 1, 1)
LEARNED = datetime(2026, 1, 11)  # the foreign models learn the first 240 hours
NOW = datetime(2026, 1, 21)
ROWS = 480


def data() -> pd.DataFrame:
    """480 rows, one an hour: id, t, a, b, c, y (a number) and late (0/1); y moves in the second half."""
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=ROWS), rng.normal(size=ROWS)
    y = 2 * a + b + 0.1 * rng.normal(size=ROWS) + 3 * (np.arange(ROWS) >= ROWS / 2)
    return pd.DataFrame(
        {
            "id": [f"r{n:04d}" for n in range(ROWS)],
            "t": pd.date_range(BEGIN, periods=ROWS, freq="h"),
            "a": a,
            "b": b,
            "c": rng.choice(["x", "y", "z"], ROWS),
            "y": y,
            "late": (y > 0).astype(int),
        }
    )


@contextmanager
def project(
    folder: Path, *, target: str = "y", features: tuple[str, ...] = ("a", "b"), **parts: Any
) -> Iterator[ModelContext]:
    """A spec on that data, with its stores in *folder*; model `churn` unless *parts* say otherwise."""
    folder.mkdir(parents=True, exist_ok=True)
    data().to_parquet(folder / "rows.parquet", index=False)
    if not (folder / "training.py").exists():
        (folder / "training.py").write_text(
            "def build():\n    from sklearn.linear_model import SGDRegressor\n    return SGDRegressor()\n"
        )
    told = {
        "model": "churn",
        "task": "regression" if target == "y" else "binary",
        "data": {
            "source": "rows.parquet",
            "id": "id",
            "time": "t",
            "target": target,
            "label_delay": "1h",
            "features": list(features),
        },
        "learner": {"build": "training.py:build", "epochs": 1, "strategies": ["warm"]},
        "gate": {"recent": "not_worse", "anchor": {"margin": 50.0}, "min_rows": 5, "resamples": 100},
        "review": "automatic",
    }
    learner = {**told["learner"], **parts.pop("learner", {})}  # type: ignore[dict-item]
    spec = Spec.model_validate({**told, "learner": learner, **parts})
    spec._path = folder / "spec.yaml"
    with open_context(spec) as context:
        yield context


def log_foreign(folder: Path, script: str, *arguments: str) -> str:
    """Run *script* in a process without Ratoon; `X`, `y`, `late`, `mlflow` and `log` are at hand. What it printed."""
    head = f"""
    import sys
    class NoRatoon:
        def find_spec(self, name, path=None, target=None):
            if name.split(".")[0] == "ratoon":
                raise ImportError("no ratoon here")
    sys.meta_path.insert(0, NoRatoon())
    import warnings
    warnings.simplefilter("ignore")
    import logging
    logging.disable(logging.WARNING)
    import mlflow, mlflow.sklearn, mlflow.utils.requirements_utils as installed
    installed._MODULES_TO_PACKAGES = {{}}  # the file lists of all packages, for a warning that nobody reads here
    import numpy as np, pandas as pd
    mlflow.set_tracking_uri("sqlite:///{folder / ".ratoon" / "mlflow.db"}")
    rows = pd.read_parquet("{folder / "rows.parquet"}")
    learned = rows[rows.t < "{LEARNED}"]
    X, y, late = learned[["a", "b"]], learned.y, learned.late
    def log(model, name="churn", by=mlflow.sklearn.log_model, **more):
        known = mlflow.get_experiment_by_name("theirs")
        where = known.experiment_id if known else mlflow.create_experiment(
            "theirs", artifact_location="{folder / "theirs"}")
        with mlflow.start_run(experiment_id=where):
            more = {{"pip_requirements": ["scikit-learn==1.9.1", "boltons==24.0.0"], **more}}
            return by(model, name="model", registered_model_name=name, **more)
    """
    file = folder / "their_script.py"
    file.write_text(textwrap.dedent(head) + textwrap.dedent(script))
    clean = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "MLFLOW_TRACKING_URI")}
    ended = subprocess.run(
        [sys.executable, "-P", "-W", "ignore", str(file), *arguments],
        env=clean,
        capture_output=True,
        text=True,
        cwd=folder,
    )
    assert ended.returncode == 0, ended.stderr[-3000:]
    return ended.stdout


def with_learner(context: ModelContext, **learner: Any) -> Spec:
    """The spec of *care* with other keys of `learner`."""
    spec = context.spec.model_copy(update={"learner": context.spec.learner.model_copy(update=learner)})
    spec._path = context.spec.path
    return spec


def asked(context: ModelContext, ref: str, **more: Any) -> Adopted:
    """Adopt version *ref*, which has learned until LEARNED."""
    return adopt(context, **{"ref": ref, "address": None, "learned_until": LEARNED, "now": NOW, **more})


def continued(context: ModelContext, adopted: Adopted) -> Trained:
    """The adopted version, promoted (so that it loads and predicts anew) and after an update over the new rows."""
    context.registry.promote(adopted.version.number)
    trained = context.registry.load(adopted.version.number)
    return learner_for(trained.estimator, context.spec).update(
        trained, context.source.as_of(NOW).unlearned(LEARNED), context.spec
    )
