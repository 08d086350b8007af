"""Load a foreign model by its flavour."""

from __future__ import annotations

import sys
from collections.abc import Callable

from ...spec.errors import RegistryError
from ...spec.model import Spec
from .boosting.lightgbm_foreign import lightgbm
from .boosting.xgboost_foreign import xgboost
from .foreign import Foreign
from .original import Original
from .river.foreign import ratoons_river, river_inside
from .sklearn.foreign import refuse_code, sklearn
from .torch.foreign import torch_module

# In this order: a model of a named flavour carries `python_function` too.
LOADERS: dict[str, Callable[[Foreign, Spec], Original]] = {
    "sklearn": sklearn,
    "lightgbm": lightgbm,
    "xgboost": xgboost,
    "pytorch": torch_module,
    "river": ratoons_river,
    "python_function": river_inside,
}


def load(foreign: Foreign, spec: Spec) -> Original:
    """The model in *foreign*, in this process, its own code first on the path.

    Raises RegistryError for a flavour that cannot be adopted, for a pickle or code of its own where `learner.pickle`
    does not allow it (loading one runs whatever code it holds), and for types that nobody reviewed.
    """
    flavours = foreign.about["flavors"]
    name = next((each for each in LOADERS if each in flavours), None)
    if name == "python_function":
        others = [each for each in flavours if each != name]
        name = name if flavours[name].get("loader_module", "").startswith("mlflow.pyfunc") and not others else None
    if name is None:
        raise RegistryError(
            f"{foreign.source} has no flavour that can be adopted (found {', '.join(flavours)}; expected one of "
            f"{', '.join(LOADERS)}). Nothing was changed; train a version with `ratoon train`"
        )
    if foreign.code is not None:
        refuse_code(foreign, spec)
        sys.path.insert(0, str(foreign.code))
    return LOADERS[name](foreign, spec)
