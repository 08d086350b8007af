"""What a format is told when it logs a version, and MLflow's signature of a table of features."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import pandas as pd

from ..estimators import Classes, Predictor
from ..learning.features import Feature

if TYPE_CHECKING:
    from mlflow.models import Model, ModelSignature
    from mlflow.models.model import ModelInfo

Saved = TypeVar("Saved", bound=Predictor)  # the estimators that one format saves


@dataclass(frozen=True)
class Logged(Generic[Saved]):
    """One version about to be logged. *X*: at least one example row, as a table of *features*."""

    estimator: Saved
    X: pd.DataFrame
    features: tuple[Feature, ...]
    types: Sequence[str]  # as `review` gave them
    files: Sequence[str]  # paths of Ratoon's own files, for extra_files/
    requirements: Sequence[str]
    metadata: Mapping[str, object]
    tags: Mapping[str, str]
    code_paths: list[str] | None = None
    classes: Classes = ()

    def signature(self) -> ModelSignature:
        """Columns in, what `predict` gives out."""
        from mlflow.models import ModelSignature, infer_signature
        from mlflow.types.schema import ColSpec, Schema

        inputs = Schema([ColSpec("double" if f.kind == "number" else "string", f.name) for f in self.features])
        return ModelSignature(inputs, infer_signature(self.X, self.estimator.predict(self.X)).outputs)


@dataclass(frozen=True)
class Script:
    """Saves a version as an MLflow pyfunc "model from code", for `Model.log(flavor=…)`.

    *script*: text of the Python file that serves it, without Ratoon. *write*: puts the model's files into a folder,
    which the script finds as `context.artifacts["model"]`. *flavour*: name and entries of a further flavour in
    MLmodel, by which Ratoon knows the version again.
    """

    script: str
    write: Callable[[Path], None]
    flavour: tuple[str, Mapping[str, object]]
    work: Path
    files: Sequence[str] = field(default=())

    def save_model(self, path: str, mlflow_model: Model, **kwargs: Any) -> None:
        """MLflow's call: write the version's files into the folder *path*."""
        import mlflow.pyfunc

        served, model = self.work / "serve.py", self.work / "model"
        served.write_text(self.script)
        model.mkdir()
        self.write(model)
        name, entries = self.flavour
        mlflow_model.add_flavor(name, data="artifacts/model", **entries)
        mlflow.pyfunc.save_model(
            path=path, mlflow_model=mlflow_model, python_model=str(served), artifacts={"model": str(model)}, **kwargs
        )
        extra = Path(path) / "extra_files"
        extra.mkdir()
        for file in self.files:
            (extra / Path(file).name).write_bytes(Path(file).read_bytes())


def log_script(
    script: str, write: Callable[[Path], None], flavour: tuple[str, Mapping[str, object]], it: Logged[Saved]
) -> ModelInfo:
    """Log *it* as a model from code (see `Script`); MLflow's ModelInfo."""
    import tempfile

    from mlflow.models import Model

    with tempfile.TemporaryDirectory() as folder:
        info: ModelInfo = Model.log(
            artifact_path=None,
            name="model",
            flavor=Script(script, write, flavour, Path(folder), it.files),
            code_paths=it.code_paths,
            signature=it.signature(),
            input_example=it.X,
            pip_requirements=list(it.requirements),
            metadata=dict(it.metadata),
            tags=dict(it.tags),
        )
        return info
