"""A version's files: the model in its family's format, and Ratoon's state beside it.

`MLmodel` and the model's own files are MLflow's and the format's (formats/); `<version>/extra_files/` holds ours,
as JSON: `training_state.json`, `reference_profile.json`, `gate.json`, `example.json` (rows and what was predicted
for them).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..spec.errors import RegistryError
from ..spec.model import Spec
from .features import read_canonical
from .formats.choose import format_in, format_of
from .formats.logged import Logged
from .formats.river_model import ANY
from .gate import GateResult
from .isolated import Isolated
from .state import TrainingState
from .trained import Trained

EXTRA = "extra_files"
STATE, PROFILE, GATE, EXAMPLE = "training_state.json", "reference_profile.json", "gate.json", "example.json"
RESERVOIR = "replay_reservoir.parquet"


def refuse_untrusted(estimator: Any, allowed: tuple[str, ...], where: str, spec: Spec | None = None) -> list[str]:
    """The types that *estimator*'s file may name; SpecError naming the first that nobody reviewed."""
    return format_of(estimator, spec).review(estimator, allowed, where)


def reread(estimator: Any, spec: Spec) -> Any:
    """*estimator* through its family's file and back; SpecError where the file would hold what nobody reviewed."""
    written = format_of(estimator, spec)
    return written.reread(estimator, written.review(estimator, names_allowed(spec), str(spec.path)))


def log(it: Logged, spec: Spec | None = None) -> Any:
    """Log *it* into the active MLflow run, in its family's format; MLflow's ModelInfo."""
    return format_of(it.estimator, spec).log(it)


def write_extra(folder: Path, trained: Trained, gate: GateResult | None, example: pd.DataFrame) -> list[str]:
    """Write Ratoon's files for *trained* into *folder*; their paths."""
    state = trained.state
    texts = {
        STATE: state.model_copy(update={"profile": None}).model_dump_json(indent=1),
        EXAMPLE: json.dumps(_example(trained, example), indent=1),
    }
    if state.profile is not None:
        texts[PROFILE] = json.dumps(state.profile, indent=1, default=str)
    if gate is not None:
        texts[GATE] = gate.model_dump_json(indent=1)
    for name, text in texts.items():
        (folder / name).write_text(text)
    if trained.reservoir is not None:
        trained.reservoir.to_parquet(folder / RESERVOIR)
    return sorted(str(path) for path in folder.iterdir())


def load(folder: Path, version: str, allowed: tuple[str, ...], spec: Spec | None = None) -> Trained:
    """The version in *folder*; one that carries code of its own predicts in a process of its own.

    *allowed*: as `names_allowed` gives them. *spec*: only a user's own learner needs it.
    Raises RegistryError where it is not one of Ratoon's, or names types that were not reviewed.
    """
    state = _state(folder, version)
    _, entries = format_in(folder, version, spec)
    if code := entries.get("code"):
        return Trained(Isolated(folder, allowed, folder / code), state, version, _reservoir(folder))
    return Trained(load_estimator(folder, version, allowed, spec), state, version, _reservoir(folder))


def load_estimator(folder: Path, version: str, allowed: tuple[str, ...], spec: Spec | None = None) -> Any:
    """The estimator in *folder*, in this process, by the reviewed list rather than the file's own."""
    written, entries = format_in(folder, version, spec)
    return written.load(folder, entries, version, allowed)


def names_allowed(spec: Spec) -> tuple[str, ...]:
    """What the spec lets a version name beside the reviewed types: `learner.trusted`, or all (`learner.pickle`)."""
    return (*spec.learner.trusted, ANY) if spec.learner.pickle else spec.learner.trusted


def verify(trained: Trained, folder: Path) -> None:
    """Raises RegistryError unless *trained* predicts its own example as it did when it was registered."""
    stored = json.loads((folder / EXTRA / EXAMPLE).read_text())
    known = stored["prediction"]
    frame = pd.DataFrame({name: pd.Series(values, dtype=object) for name, values in stored["rows"].items()})
    found = trained.predict_frame(frame)["_prediction"].tolist()
    same = (
        np.allclose(found, known, rtol=1e-4, atol=1e-6)
        if trained.state.task == "regression"
        else [str(each) for each in found] == [str(each) for each in known]
    )
    if not same:
        raise RegistryError(
            f"version {trained.version} predicts {found} for its own example, but {known} when it was registered; "
            "is another library version installed? No alias was moved"
        )


def _example(trained: Trained, example: pd.DataFrame) -> dict[str, Any]:
    rows = {
        f.name: [None if pd.isna(value) else value for value in example[f.name].tolist()]
        for f in trained.state.features
    }
    return {"rows": rows, "prediction": trained.predict_frame(example)["_prediction"].tolist()}


def _state(folder: Path, version: str) -> TrainingState:
    path = folder / EXTRA / STATE
    if not path.is_file():
        raise RegistryError(
            f"version {version} carries no training state ({EXTRA}/{STATE}): it was not registered by Ratoon. "
            f"Take it under care with `ratoon adopt SPEC --version {version} --learned-until MOMENT`, or train a first "
            "version with `ratoon train SPEC`. The registry was left as it was"
        )
    state = TrainingState.model_validate_json(path.read_text())
    profile = folder / EXTRA / PROFILE
    return state.model_copy(update={"profile": json.loads(profile.read_text())}) if profile.is_file() else state


def _reservoir(folder: Path) -> pd.DataFrame | None:
    path = folder / EXTRA / RESERVOIR
    return read_canonical(path) if path.is_file() else None
