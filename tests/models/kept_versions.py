"""Versions in plain folders, as the registry keeps them in MLflow: the model in its family's own format, and Ratoon's
state and reservoir in extra_files/.

They are read back by the registry's own code, `flavour.load`, with its reviewed lists. Writing them by MLflow would
take 0.8 CPU-s each, for its database and its own checks. Of a PyTorch model only what continues is kept, not the graph
that is served: exporting it takes a second, and test_learner_conformance.py has its way through the registry.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import skops.io
import yaml

from ratoon.data.columns import read_canonical
from ratoon.models.families.choose import format_of
from ratoon.models.families.skops_format import SkopsFormat
from ratoon.models.families.torch.format import TorchFormat, read_training, write_training
from ratoon.models.families.torch.model import TorchModel
from ratoon.models.learning.state import TrainingState
from ratoon.models.learning.trained import Trained
from ratoon.models.registry.version_files import EXTRA, RESERVOIR, STATE, load, write_extra
from ratoon.spec.model import Spec


def save(trained: Trained, folder: Path, spec: Spec, example: pd.DataFrame) -> None:
    """Whole or not at all: written beside, then renamed."""
    whole = folder / f"{trained.state.updates:04d}"
    part = folder / f".{whole.name}.part"
    for each in (part / EXTRA, part / "model"):
        each.mkdir(parents=True, exist_ok=True)  # what a killed save left is written over
    entries = _write(trained, part, spec)
    write_extra(part / EXTRA, trained, None, example)
    (part / "MLmodel").write_text(yaml.safe_dump({"flavors": entries}))
    part.rename(whole)


def _write(trained: Trained, part: Path, spec: Spec) -> dict[str, dict[str, str]]:
    """Write the model's files; the entry of its format in MLmodel."""
    kind = format_of(trained.estimator, spec)
    if isinstance(kind, SkopsFormat):  # MLflow's sklearn flavour writes nothing else
        skops.io.dump(trained.estimator, part / "model" / "model.skops")
        return {kind.flavour: {"serialization_format": "skops", "pickled_model": "model/model.skops"}}
    if isinstance(kind, TorchFormat):
        write_training(trained.estimator, part / EXTRA)
        return {kind.flavour: {}}
    kind.write(trained.estimator, part / "model")
    return {kind.flavour: {"data": "model", "learner": spec.learner.family}}


def saved(folder: Path) -> list[Path]:
    """The whole versions in *folder*, oldest first."""
    return sorted(each for each in folder.glob("[0-9]*") if each.is_dir())


def loaded(version: Path, spec: Spec) -> Trained:
    """The version in a folder, with all that it needs to continue."""
    if TorchFormat.flavour in (version / "MLmodel").read_text():
        training = read_training(version / EXTRA)
        state = TrainingState.model_validate_json((version / EXTRA / STATE).read_text())
        model = TorchModel(None, training, training["classes"], training["name"])
        return Trained(model, state, version.name, read_canonical(version / EXTRA / RESERVOIR))
    return load(version, version.name, (), spec)
