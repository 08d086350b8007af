"""scikit-learn's estimators and those of other libraries with its face, saved by skops or as a pickle."""

from __future__ import annotations

import pickle
from typing import Any

from ....spec.errors import RegistryError
from ....spec.model import Spec
from ..foreign import Foreign
from ..original import Estimator
from ..trust import trusted


def sklearn(foreign: Foreign, spec: Spec) -> Estimator:
    """The estimator of MLflow's sklearn flavour."""
    return Estimator(estimator_in(foreign, foreign.about["flavors"]["sklearn"], spec))


def estimator_in(foreign: Foreign, flavour: dict[str, Any], spec: Spec) -> Any:
    """The estimator that *flavour* names; RegistryError where loading it is not allowed."""
    file = flavour.get("pickled_model") or flavour.get("data")
    saved_as = flavour.get("serialization_format") or "pickle"
    if saved_as == "skops":
        return _skops(foreign, str(file), spec)
    refuse_pickle(foreign, saved_as, spec)
    with (foreign.folder / str(file)).open("rb") as opened:
        return pickle.load(opened)  # noqa: S301  # the user allowed it


def refuse_pickle(foreign: Foreign, saved_as: str, spec: Spec) -> None:
    """Raises RegistryError unless the spec allows pickles."""
    if not spec.learner.pickle:
        raise RegistryError(
            f"{foreign.source} is saved as {saved_as}; loading it runs whatever code it holds. If you trust who "
            f"logged it, set `learner: {{pickle: true}}` in {spec.path.name}. Nothing was loaded or changed"
        )


def refuse_code(foreign: Foreign, spec: Spec) -> None:
    """Raises RegistryError unless the spec allows what runs code of the model's own."""
    if not spec.learner.pickle:
        raise RegistryError(
            f"{foreign.source} carries code of its own (MLflow's code_paths), which loading it runs. If you trust who "
            f"logged it, set `learner: {{pickle: true}}` in {spec.path.name}. Nothing was loaded or changed"
        )


def _skops(foreign: Foreign, file: str, spec: Spec) -> Any:
    import skops.io
    from skops.io.exceptions import UntrustedTypesFoundException

    try:
        return skops.io.load(foreign.folder / file, trusted=trusted(spec.learner.trusted))
    except UntrustedTypesFoundException as error:
        raise RegistryError(
            f"{foreign.source} names types that were not reviewed: {error}. If loading them is safe, add them to "
            "learner.trusted. Nothing was changed"
        ) from error
