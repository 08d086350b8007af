"""scikit-learn's native flavour in skops format: scikit-learn's and LightGBM's estimators, alone or in a Pipeline."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ...spec.errors import RegistryError, SpecError
from ...spec.model import Spec
from ..estimators import Predictor
from ..subprocesses.user_files import PRIVATE
from .foreign import Foreign, refuse_pickle
from .logged import Logged
from .mlmodel import Flavour
from .trust import Trust

if TYPE_CHECKING:
    from mlflow.models.model import ModelInfo


class SkopsFormat:
    """Saved by MLflow's sklearn flavour; what comes back is the estimator, which can continue."""

    flavour = "sklearn"

    def holds(self, last: object) -> bool:
        """As `Format.holds`."""
        return True

    def review(self, estimator: Predictor, trust: Trust, where: str) -> list[str]:
        """The types that *estimator*'s file may name; SpecError naming the first that nobody reviewed."""
        import skops.io

        types = trust.types_for(estimator)
        try:
            content = skops.io.dumps(estimator)
        except Exception as error:  # skops raises whatever a part's own __reduce__ raises
            raise SpecError(
                f"{where}: {type(estimator).__name__} cannot be saved by skops: {error}. Functions and classes must be "
                "defined at the top level of an importable module. Nothing was registered"
            ) from error
        unknown = [each for each in skops.io.get_untrusted_types(data=content) if each not in types]
        refuse_unknown(unknown, where)
        return types

    def reread(self, estimator: Predictor, types: list[str]) -> Predictor:
        """*estimator* through the file and back."""
        import skops.io

        found: Predictor = skops.io.loads(skops.io.dumps(estimator), trusted=types)
        return found

    def log(self, it: Logged[Predictor]) -> ModelInfo:
        """Log into the active run; MLflow's ModelInfo."""
        import mlflow.sklearn

        info: ModelInfo = mlflow.sklearn.log_model(
            it.estimator,
            name="model",
            serialization_format="skops",
            skops_trusted_types=list(it.types),
            code_paths=it.code_paths,
            signature=it.signature(),
            input_example=it.X,
            pip_requirements=list(it.requirements),
            extra_files=list(it.files),
            metadata=dict(it.metadata),
            tags=dict(it.tags),
        )
        return info

    def load(self, folder: Path, entries: Flavour, version: str, trust: Trust) -> Predictor:
        """The estimator in *folder*, in this process, by the reviewed list rather than the file's own."""
        import skops.io
        from skops.io.exceptions import UntrustedTypesFoundException

        if entries.get("serialization_format") != "skops":
            raise RegistryError(
                f"version {version} is saved as {entries.get('serialization_format', 'pickle')}, which runs code when "
                "loaded; Ratoon loads skops only. Register it through `ratoon train`. The registry was left as it was"
            )
        if code := entries.get("code"):
            sys.path.insert(0, str(folder / code))
        try:
            found: Predictor = skops.io.load(folder / entries["pickled_model"], trusted=trust.types())
            return found
        except UntrustedTypesFoundException as error:
            raise RegistryError(
                f"version {version} names types that were not reviewed: {error}. If loading them is safe, add them to "
                "learner.trusted. The registry was left as it was"
            ) from error


def refuse_unknown(unknown: list[str], where: str, further: str = "") -> None:
    """SpecError for the first type of *unknown*; *further*: what else the user may do."""
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
            f"is safe, add it to learner.trusted{further}. Nothing was registered"
        )


def estimator_in(foreign: Foreign, flavour: Flavour, spec: Spec, trust: Trust) -> Predictor:
    """The estimator that *flavour* names; RegistryError where loading it is not allowed."""
    file = flavour.get("pickled_model") or flavour.get("data")
    saved_as = flavour.get("serialization_format") or "pickle"
    if saved_as == "skops":
        return _skops(foreign, str(file), trust)
    refuse_pickle(foreign, saved_as, spec)
    with (foreign.folder / str(file)).open("rb") as opened:
        found: Predictor = pickle.load(opened)  # noqa: S301  # the user allowed it
        return found


def _skops(foreign: Foreign, file: str, trust: Trust) -> Predictor:
    import skops.io
    from skops.io.exceptions import UntrustedTypesFoundException

    try:
        found: Predictor = skops.io.load(foreign.folder / file, trusted=trust.types())
        return found
    except UntrustedTypesFoundException as error:
        raise RegistryError(
            f"{foreign.source} names types that were not reviewed: {error}. If loading them is safe, add them to "
            "learner.trusted. Nothing was changed"
        ) from error
