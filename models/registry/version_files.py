"""A version's files: the model in its family's format, and Ratoon's state beside it.

`MLmodel` and the model's own files are MLflow's and the format's (formats/); `<version>/extra_files/` holds ours,
as JSON: `training_state.json`, `reference_profile.json`, `gate.json`, `example.json` (rows and what was predicted
for them).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
import yaml

from ...data.columns import PREDICTION, read_canonical
from ...spec.errors import RatoonError, RegistryError
from ...spec.family import ANY_TYPE
from ...spec.model import Spec
from ..estimators import Label, Predictor
from ..families.choose import answers_likeliest, format_in, format_of, trust_of
from ..families.custom.format import OwnFormat
from ..families.logged import Logged
from ..gate import GateResult
from ..learning.state import TrainingState
from ..learning.trained import Trained
from ..subprocesses.digests import Checked, inside, named
from ..subprocesses.remote import RemoteEstimator
from .pins import checked_by_name

if TYPE_CHECKING:
    from mlflow.models.model import ModelInfo

_PATHS: tuple[Literal["code", "data", "model_data", "pickled_model"], ...] = (
    "code",
    "data",
    "model_data",
    "pickled_model",
)

EXTRA = "extra_files"
STATE, PROFILE, GATE, EXAMPLE = "training_state.json", "reference_profile.json", "gate.json", "example.json"
RESERVOIR = "replay_reservoir.parquet"
LOADER = f"{__name__}:load_estimator"  # for the process of its own in which a version that carries code predicts


def refuse_untrusted(estimator: Predictor, allowed: tuple[str, ...], where: str, spec: Spec | None = None) -> list[str]:
    """The types that *estimator*'s file may name; SpecError naming the first that nobody reviewed."""
    return format_of(estimator, spec).review(estimator, trust_of(spec, allowed), where)


def reread(estimator: Predictor, spec: Spec) -> Predictor:
    """*estimator* through its family's file and back; SpecError where the file would hold what nobody reviewed."""
    written = format_of(estimator, spec)
    found: Predictor = written.reread(estimator, written.review(estimator, trust_of(spec), str(spec.path)))
    return found


def log(it: Logged[Predictor], spec: Spec | None = None) -> ModelInfo:
    """Log *it* into the active MLflow run, in its family's format; MLflow's ModelInfo."""
    with checked_by_name():
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


def load(
    folder: Path, version: str, allowed: tuple[str, ...], spec: Spec | None = None, checked: Checked | None = None
) -> Trained:
    """The version in *folder*; one that carries code of its own predicts in a process of its own.

    *allowed*: as `spec.learner.types_allowed`. *spec*: only a user's own learner needs it. *checked*: what verified.py
    found of its files. Raises RegistryError where it is not one of Ratoon's, names types that were not reviewed, or
    carries code that neither the spec nor *checked* lets in; nothing was imported then.
    """
    state = state_in(folder, version)
    code = code_in(folder, version)
    if code is not None and not (ANY_TYPE in allowed or (checked is not None and checked.known)):
        raise RegistryError(
            f"version {version} carries code of its own (the folder {code.name!r}, MLflow's code_paths), which loading "
            "it would run, and the ledger does not know it as one that Ratoon logged. If you trust who registered it, "
            "set `learner: {pickle: true}` in the spec. Nothing was loaded or imported"
        )
    written, entries = format_in(folder, version, spec)
    if checked is not None and checked.strange and written.flavour == OwnFormat.flavour and ANY_TYPE not in allowed:
        raise RegistryError(
            f"version {version} is for a learner of the user's own, whose `load` may run what the files hold, and the "
            "ledger does not know it as one that Ratoon logged. If you trust who registered it, set "
            "`learner: {pickle: true}` in the spec. Nothing was loaded or imported"
        )
    reservoir = _reservoir(folder, version)
    if code is not None and entries.get("code"):
        return Trained(RemoteEstimator(folder, allowed, code, checked, LOADER), state, version, reservoir)
    estimator = load_estimator(folder, version, allowed, spec)
    # Lineages that 0.1 began do not say it of themselves.
    likeliest = state.likeliest or answers_likeliest(estimator)
    return Trained(estimator, state.model_copy(update={"likeliest": likeliest}), version, reservoir)


def code_in(folder: Path, version: str) -> Path | None:
    """The folder with the code that the version in *folder* carries, by whichever flavour; None for none.

    RegistryError where it lies outside of *folder*, or where MLmodel cannot be read.
    """
    with _reading(version, "MLmodel"):
        flavours = yaml.safe_load((folder / "MLmodel").read_text())["flavors"]
        names = [each["code"] for each in flavours.values() if isinstance(each, dict) and each.get("code")]
    found = {inside(folder, str(name), f"version {version}") for name in names}
    if len(found) > 1:
        raise RegistryError(f"version {version} names several folders of code in MLmodel. Nothing was loaded")
    return next(iter(found), None)


def load_estimator(folder: Path, version: str, allowed: tuple[str, ...], spec: Spec | None = None) -> Predictor:
    """The estimator in *folder*, in this process, by the reviewed list rather than the file's own."""
    written, entries = format_in(folder, version, spec)
    for key in _PATHS:
        if entries.get(key):
            inside(folder, str(entries[key]), f"version {version}")
    with _reading(version, str(entries.get("pickled_model") or entries.get("data") or "its model")):
        found: Predictor = written.load(folder, entries, version, trust_of(spec, allowed))
        return found


def verify(trained: Trained, folder: Path) -> None:
    """Raises RegistryError unless *trained* predicts its own example as it did when it was registered."""
    frame, known = example_in(folder)
    found = trained.predict_frame(frame)[PREDICTION].tolist()
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


def example_in(folder: Path) -> tuple[pd.DataFrame, list[Label]]:
    """The rows that the version in *folder* was registered with, as objects, and what it predicted for them."""
    stored = json.loads((folder / EXTRA / EXAMPLE).read_text())
    rows = pd.DataFrame({name: pd.Series(values, dtype=object) for name, values in stored["rows"].items()})
    return rows, stored["prediction"]


def runs_own_code(folder: Path, version: str) -> bool:
    """Whether loading the version in *folder* runs code that it carries, or that of a learner of the user's own."""
    if code_in(folder, version) is not None:
        return True
    with _reading(version, "MLmodel"):
        return OwnFormat.flavour in yaml.safe_load((folder / "MLmodel").read_text())["flavors"]


def _example(trained: Trained, example: pd.DataFrame) -> dict[str, object]:
    rows = {
        f.name: [None if pd.isna(value) else value for value in example[f.name].tolist()]
        for f in trained.state.features
    }
    return {"rows": rows, "prediction": trained.predict_frame(example)[PREDICTION].tolist()}


def state_in(folder: Path, version: str) -> TrainingState:
    """The training state in a version's files; RegistryError where there is none, or it cannot be read."""
    path = folder / EXTRA / STATE
    if not path.is_file():
        raise RegistryError(
            f"version {version} carries no training state ({EXTRA}/{STATE}): it was not registered by Ratoon. "
            f"Take it under care with `ratoon adopt SPEC --version {version} --learned-until MOMENT`, or train a first "
            "version with `ratoon train SPEC`. The registry was left as it was"
        )
    with _reading(version, f"{EXTRA}/{STATE}"):
        state = TrainingState.model_validate_json(path.read_text())
    profile = folder / EXTRA / PROFILE
    if not profile.is_file():
        return state
    with _reading(version, f"{EXTRA}/{PROFILE}"):
        return state.model_copy(update={"profile": json.loads(profile.read_text())})


def _reservoir(folder: Path, version: str) -> pd.DataFrame | None:
    path = folder / EXTRA / RESERVOIR
    if not path.is_file():
        return None
    with _reading(version, f"{EXTRA}/{RESERVOIR}"):
        return read_canonical(path)


@contextmanager
def _reading(version: str, file: str) -> Iterator[None]:
    """Name the file of a version that cannot be read: torn ones raise whatever their format's library raises."""
    try:
        yield
    except (RatoonError, MemoryError):
        raise
    except Exception as error:
        raise RegistryError(
            f"version {version} cannot be read: {named(file)} is torn, was edited, or needs other libraries "
            f"({type(error).__name__}: {str(error)[:200]}). Nothing was loaded; restore it from a backup, or let "
            "another version serve by `ratoon promote --version`"
        ) from error
