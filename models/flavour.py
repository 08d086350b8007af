"""A version's files: the native scikit-learn flavour in skops format, and Ratoon's state beside it.

`<version>/model.skops` and `MLmodel` are MLflow's; `<version>/extra_files/` holds ours, as JSON:
`training_state.json`, `reference_profile.json`, `gate.json`, `example.json` (rows and what was predicted
for them). LightGBM's estimators go the same way, alone or in a Pipeline: what comes back is the estimator,
which can continue.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from ..spec.errors import RegistryError, SpecError
from .build import PRIVATE
from .features import read_canonical
from .gate import GateResult
from .isolated import Isolated
from .state import TrainingState
from .trained import Trained
from .trust import trusted, trusted_for

EXTRA = "extra_files"
STATE, PROFILE, GATE, EXAMPLE = "training_state.json", "reference_profile.json", "gate.json", "example.json"
RESERVOIR = "replay_reservoir.parquet"


def refuse_untrusted(estimator: Any, extra: tuple[str, ...], where: str) -> list[str]:
    """The types that *estimator*'s file may name; SpecError naming the first that nobody reviewed."""
    import skops.io

    allowed = trusted_for(estimator, extra)
    try:
        content = skops.io.dumps(estimator)
    except Exception as error:  # skops raises whatever a part's own __reduce__ raises
        raise SpecError(
            f"{where}: {type(estimator).__name__} cannot be saved by skops: {error}. Functions and classes must be "
            "defined at the top level of an importable module. Nothing was registered"
        ) from error
    unknown = [each for each in skops.io.get_untrusted_types(data=content) if each not in allowed]
    own = [each for each in unknown if each.startswith(PRIVATE)]
    if own:
        raise SpecError(
            f"{where}: {own[0].split('.', 1)[1]!r} is defined in the build file itself, where a loaded model cannot "
            "find it. Put it into an installed package and name that in learner.requirements and the type in "
            "learner.trusted. Nothing was registered"
        )
    if unknown:
        raise SpecError(
            f"{where}: the model holds the type {unknown[0]!r}, which is not on Ratoon's reviewed list. If loading it "
            f"is safe, add it to learner.trusted. Nothing was registered"
        )
    return allowed


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


def load(folder: Path, version: str, extra: tuple[str, ...]) -> Trained:
    """The version in *folder*; one that carries code of its own predicts in a process of its own.

    Raises RegistryError where it is not one of Ratoon's, or names types that were not reviewed.
    """
    state = _state(folder, version)
    if code := _flavour(folder, version).get("code"):
        return Trained(Isolated(folder, extra, folder / code), state, version, _reservoir(folder))
    return Trained(load_estimator(folder, version, extra), state, version, _reservoir(folder))


def load_estimator(folder: Path, version: str, extra: tuple[str, ...]) -> Any:
    """The estimator in *folder*, in this process, by the reviewed list rather than the file's own."""
    import skops.io
    from skops.io.exceptions import UntrustedTypesFoundException

    flavour = _flavour(folder, version)
    if flavour.get("serialization_format") != "skops":
        raise RegistryError(
            f"version {version} is saved as {flavour.get('serialization_format', 'pickle')}, which runs code when "
            "loaded; Ratoon loads skops only. Register it through `ratoon train`. The registry was left as it was"
        )
    if code := flavour.get("code"):
        sys.path.insert(0, str(folder / code))
    try:
        return skops.io.load(folder / flavour["pickled_model"], trusted=trusted(extra))
    except UntrustedTypesFoundException as error:
        raise RegistryError(
            f"version {version} names types that were not reviewed: {error}. If loading them is safe, add them to "
            "learner.trusted. The registry was left as it was"
        ) from error


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


def _flavour(folder: Path, version: str) -> dict[str, Any]:
    flavours = yaml.safe_load((folder / "MLmodel").read_text())["flavors"]
    if "sklearn" not in flavours:
        raise RegistryError(
            f"version {version} has no sklearn flavour (found {', '.join(flavours)}); nothing was loaded"
        )
    found: dict[str, Any] = flavours["sklearn"]
    return found
