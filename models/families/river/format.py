"""River's models: a file read by the reviewed list of `model.py`, served by that file itself."""

from __future__ import annotations

import json
import pickle
import sys
from importlib.metadata import version as installed
from pathlib import Path
from typing import TYPE_CHECKING

from ....spec.errors import RegistryError, SpecError
from ..logged import Logged, log_script
from ..mlmodel import Flavour
from ..skops_format import refuse_unknown
from ..trust import Trust
from . import model as river_model
from .model import NotReviewed, RiverModel, read, write

if TYPE_CHECKING:
    from mlflow.models.model import ModelInfo

FILE, CLASSES = "model.river", "classes.json"

SERVE = '''

# -- served by MLflow ----------------------------------------------------------------------------
import json  # noqa: E402
from pathlib import Path  # noqa: E402

import mlflow  # noqa: E402

ALLOWED = {allowed!r}


class Served(mlflow.pyfunc.PythonModel):
    """Labels or values for a table of features."""

    def load_context(self, context):
        folder = Path(context.artifacts["model"])
        model = read((folder / "model.river").read_bytes(), ALLOWED)
        self.model = RiverModel(model, json.loads((folder / "classes.json").read_text()))

    def predict(self, context, model_input: pd.DataFrame, params=None):
        return self.model.predict(model_input)


mlflow.models.set_model(Served())
'''


class RiverFormat:
    """Saved as an MLflow model from code; what comes back is the RiverModel, which can continue."""

    flavour = "river"

    def holds(self, last: object) -> bool:
        """As `Format.holds`."""
        return isinstance(last, RiverModel)

    def review(self, estimator: RiverModel, trust: Trust, where: str) -> list[str]:
        """The names that the file may hold beside the reviewed ones; SpecError for the first not allowed."""
        try:
            read(write(estimator.model), trust.allowed)
        except NotReviewed as error:
            refuse_unknown([error.name], where, ", or allow pickles with learner.pickle: true")
        except (pickle.PicklingError, TypeError, AttributeError) as error:
            raise SpecError(
                f"{where}: {type(estimator.model).__name__} cannot be saved: {error}. Functions and classes must be "
                "defined at the top level of an importable module, and lambdas cannot be saved. Nothing was registered"
            ) from error
        return list(trust.allowed)

    def reread(self, estimator: RiverModel, types: list[str]) -> RiverModel:
        """*estimator* through the file and back."""
        return RiverModel(read(write(estimator.model), types), estimator.classes)

    def log(self, it: Logged[RiverModel]) -> ModelInfo:
        """Log into the active run; MLflow's ModelInfo."""
        script = Path(river_model.__file__).read_text() + SERVE.format(allowed=tuple(it.types))
        entries = {"river_version": installed("river"), "code": "code" if it.code_paths else None}
        return log_script(script, lambda folder: self.write(it.estimator, folder), (self.flavour, entries), it)

    def write(self, estimator: RiverModel, folder: Path) -> None:
        """The files that a version's model consists of, into *folder*."""
        (folder / FILE).write_bytes(write(estimator.model))
        (folder / CLASSES).write_text(json.dumps(estimator.classes))

    def load(self, folder: Path, entries: Flavour, version: str, trust: Trust) -> RiverModel:
        """The model in *folder*; RegistryError where it names what was not reviewed."""
        if code := entries.get("code"):
            sys.path.insert(0, str(folder / code))
        data = folder / entries["data"]
        try:
            model = read((data / FILE).read_bytes(), trust.allowed)
        except NotReviewed as error:
            raise RegistryError(
                f"version {version} holds {error.name!r}, which is not on Ratoon's reviewed list. If loading it is "
                f"safe, add it to learner.trusted, or allow pickles with learner.pickle: true. The registry was left "
                "as it was"
            ) from error
        return RiverModel(model, json.loads((data / CLASSES).read_text()))
