"""PyTorch's networks: MLflow's pytorch flavour with an exported graph, and the training state beside it.

Nothing is unpickled: the graph is read by MLflow with pickles forbidden, the training state by `torch.load` with
`weights_only=True`. Served, the graph takes a float32 table of the numeric features, in the order that the version's
metadata names, and gives probabilities (n, classes) or values (n,).
"""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from ...spec.errors import RegistryError, SpecError
from .logged import Logged
from .torch_model import TorchModel

TRAINING = "torch_training.pt"
_SWITCH = "MLFLOW_ALLOW_PICKLE_DESERIALIZATION"


class TorchFormat:
    """Saved by MLflow's pytorch flavour in pt2 format; what comes back is a TorchModel, which can continue."""

    flavour = "pytorch"

    def review(self, estimator: TorchModel, allowed: tuple[str, ...], where: str) -> list[str]:
        """SpecError where PyTorch cannot export the network."""
        import torch

        if isinstance(estimator.graph, torch.nn.Module):
            try:
                with _quiet():
                    example = (torch.zeros((4, len(estimator.training["weights"]["mean"]))),)
                    torch.export.export(estimator.graph, example, dynamic_shapes=({0: torch.export.Dim.AUTO},))
            except Exception as error:  # the exporter raises errors of many kinds
                raise SpecError(
                    f"{where}: torch.export cannot export {estimator.name}: {error}. Nothing was registered"
                ) from error
        return []

    def log(self, it: Logged) -> Any:
        """Log into the active run; MLflow's ModelInfo."""
        import mlflow.pytorch
        import torch
        from mlflow.models import ModelSignature
        from mlflow.types.schema import Schema, TensorSpec

        k = len(it.features)
        rows = np.resize(it.X.to_numpy(dtype=np.float32), (4, k))  # from one row the graph would take one row only
        out = (-1, len(it.classes)) if it.classes else (-1,)
        signature = ModelSignature(
            Schema([TensorSpec(np.dtype(np.float32), (-1, k))]), Schema([TensorSpec(np.dtype(np.float64), out)])
        )
        with tempfile.TemporaryDirectory() as folder, _quiet():
            training = Path(folder, TRAINING)
            torch.save({**it.estimator.training, "name": it.estimator.name}, training)
            return mlflow.pytorch.log_model(
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

    def load(self, folder: Path, entries: dict[str, Any], version: str, allowed: tuple[str, ...]) -> TorchModel:
        """The network in *folder*; RegistryError where its graph was saved as a pickle."""
        import mlflow.pytorch
        import torch

        graph = folder / entries["model_data"] / "model.pt2"
        if not graph.is_file():
            raise RegistryError(
                f"version {version} is saved as a pickle, which runs code when loaded; Ratoon loads exported graphs "
                "only. Register it through `ratoon train`. The registry was left as it was"
            )
        training = torch.load(folder / "extra_files" / TRAINING, weights_only=True)
        with _quiet(), _no_pickles():
            module = mlflow.pytorch.load_model(str(folder))
        return TorchModel(module, training, training["classes"], training["name"], graph.read_bytes())


@contextmanager
def _no_pickles() -> Iterator[None]:
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
def _quiet() -> Iterator[None]:
    """PyTorch's exporter warns of its own modules."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
