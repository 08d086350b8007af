"""PyTorch's networks: MLflow's pytorch flavour with an exported graph, and the training state beside it.

Nothing is unpickled: the graph is read by MLflow with pickles forbidden, the training state by `torch.load` with
`weights_only=True`. Served, the graph takes a float32 table of the numeric features, in the order that the version's
metadata names, and gives probabilities (n, classes) or values (n,).
"""

from __future__ import annotations

import io
import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ....spec.errors import RegistryError, SpecError
from ..logged import Logged
from ..mlmodel import Flavour
from ..trust import Trust
from .model import TorchModel, Training

if TYPE_CHECKING:
    from mlflow.models.model import ModelInfo

TRAINING = "torch_training.pt"
_SWITCH = "MLFLOW_ALLOW_PICKLE_DESERIALIZATION"


class TorchFormat:
    """Saved by MLflow's pytorch flavour in pt2 format; what comes back is a TorchModel, which can continue."""

    flavour = "pytorch"

    def holds(self, last: object) -> bool:
        """As `Format.holds`."""
        return isinstance(last, TorchModel)

    def review(self, estimator: TorchModel, trust: Trust, where: str) -> list[str]:
        """SpecError where PyTorch cannot export the network."""
        import torch

        if isinstance(estimator.graph, torch.nn.Module):
            try:
                with quiet():
                    example = (torch.zeros((4, len(estimator.training["weights"]["mean"]))),)
                    torch.export.export(estimator.graph, example, dynamic_shapes=({0: torch.export.Dim.AUTO},))
            except Exception as error:  # the exporter raises errors of many kinds
                raise SpecError(
                    f"{where}: torch.export cannot export {estimator.name}: {error}. Nothing was registered"
                ) from error
        return []

    def reread(self, estimator: TorchModel, types: list[str]) -> TorchModel:
        """*estimator*, its graph exported and read again."""
        import torch

        if not isinstance(estimator.graph, torch.nn.Module) or estimator.archive is not None:
            return estimator  # it was read from its file
        file = io.BytesIO()
        example = (torch.zeros((4, len(estimator.training["weights"]["mean"]))),)
        with quiet():
            exported = torch.export.export(estimator.graph, example, dynamic_shapes=({0: torch.export.Dim.AUTO},))
            torch.export.save(exported, file)
            file.seek(0)
            graph = torch.export.load(file).module()
        return TorchModel(graph, estimator.training, estimator.classes, estimator.name, file.getvalue())

    def log(self, it: Logged[TorchModel]) -> ModelInfo:
        """Log into the active run; MLflow's ModelInfo."""
        import mlflow.pytorch
        from mlflow.models import ModelSignature
        from mlflow.types.schema import Schema, TensorSpec

        k = len(it.features)
        rows = np.resize(it.X.to_numpy(dtype=np.float32), (4, k))  # from one row the graph would take one row only
        out = (-1, len(it.classes)) if it.classes else (-1,)
        signature = ModelSignature(
            Schema([TensorSpec(np.dtype(np.float32), (-1, k))]), Schema([TensorSpec(np.dtype(np.float64), out)])
        )
        with tempfile.TemporaryDirectory() as folder, quiet():
            training = write_training(it.estimator, Path(folder))
            info: ModelInfo = mlflow.pytorch.log_model(
                it.estimator.graph,
                name="model",
                serialization_format="pt2",
                code_paths=it.code_paths,
                signature=signature,
                input_example=rows,
                pip_requirements=list(it.requirements),
                extra_files=[*it.files, str(training)],
                metadata={**it.metadata, "features": [f.name for f in it.features], "classes": list(it.classes)},
                tags=dict(it.tags),
            )
            return info

    def load(self, folder: Path, entries: Flavour, version: str, trust: Trust) -> TorchModel:
        """The network in *folder*; RegistryError where its graph was saved as a pickle."""
        import mlflow.pytorch

        graph = folder / entries["model_data"] / "model.pt2"
        if not graph.is_file():
            raise RegistryError(
                f"version {version} is saved as a pickle, which runs code when loaded; Ratoon loads exported graphs "
                "only. Register it through `ratoon train`. The registry was left as it was"
            )
        training = read_training(folder / "extra_files")
        with quiet(), no_pickles():
            module = mlflow.pytorch.load_model(str(folder))
        return TorchModel(module, training, training["classes"], training["name"], graph.read_bytes())


def write_training(model: TorchModel, folder: Path) -> Path:
    """What an update of *model* starts from, into *folder*; the file."""
    import torch

    path = folder / TRAINING
    torch.save({**model.training, "name": model.name}, path)
    return path


def read_training(folder: Path) -> Training:
    """What `write_training` wrote; nothing of it is code."""
    import torch

    found: Training = torch.load(folder / TRAINING, weights_only=True)
    return found


@contextmanager
def no_pickles() -> Iterator[None]:
    """Let MLflow refuse a graph whose archive holds pickled code."""
    before = os.environ.get(_SWITCH)
    os.environ[_SWITCH] = "false"
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(_SWITCH)
        else:
            os.environ[_SWITCH] = before


@contextmanager
def quiet() -> Iterator[None]:
    """PyTorch's exporter warns of its own modules."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
