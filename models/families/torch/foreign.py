"""PyTorch: the weights and buffers of a logged module, put into the one that the spec's build function makes.

The module learned from its inputs as they came, so nothing is standardised in front of it, now or later.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ....spec.errors import ContractBroken, RegistryError
from ....spec.model import Spec
from ...estimators import Array, Classes
from ...learning.build import build
from ..foreign import Foreign, refuse_pickle
from ..original import OriginalEstimator
from ..trust import Trust
from .building import BUILDING
from .format import TRAINING, TorchFormat, no_pickles, quiet
from .model import TorchModel, Training

if TYPE_CHECKING:
    import torch

_WRAPPED = re.compile(r"^(?:module\.|_orig_mod\.)+")  # DataParallel, torch.compile
_BEGUN_ANEW = (
    "the optimiser's state, the scheduler's and the random generator's, which MLflow's PyTorch flavour does not "
    "hold: they begin anew, as {build} makes them"
)


def torch_module(foreign: Foreign, spec: Spec, trust: Trust) -> OriginalEstimator | Module:
    """The module; RegistryError where it is a pickle and `learner.pickle` does not allow it."""
    flavour = foreign.about["flavors"]["pytorch"]
    if (foreign.folder / "extra_files" / TRAINING).is_file():  # Ratoon's own, of another registered model
        whole = TorchFormat().load(foreign.folder, flavour, foreign.source, trust)
        return OriginalEstimator(whole, ["weights, optimiser, scheduler and random generator, as Ratoon stored them"])
    graph = foreign.folder / flavour["model_data"] / "model.pt2"
    if graph.is_file():
        module, how = _loaded(foreign, no_pickles()), "the exported graph (pt2)"
    else:
        refuse_pickle(foreign, "a pickled PyTorch module", spec)
        module = _loaded(foreign, nullcontext(), device="cpu").eval()
        how = f"the pickled {type(module).__name__}"
    found = Module(module, foreign.source, how)
    found.missing.append(_BEGUN_ANEW.format(build=spec.learner.build))
    return found


def _loaded(foreign: Foreign, only: AbstractContextManager[None], **more: str) -> torch.nn.Module:
    import mlflow.pytorch

    try:
        with quiet(), only:
            module: torch.nn.Module = mlflow.pytorch.load_model(str(foreign.folder), **more)
            return module
    except Exception as error:  # MLflow, PyTorch and the module's own code raise errors of many kinds
        raise RegistryError(
            f"{foreign.source} cannot be loaded here: {type(error).__name__}: {error}. Nothing was changed; install "
            "what its requirements.txt names. The module's class must be importable here, or come with it (code_paths)"
        ) from error


@dataclass
class Module:
    """A loaded *module* from the address *source*; *how* says where its weights were found."""

    module: torch.nn.Module
    source: str
    how: str
    recovered: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    @property
    def model(self) -> object:
        """The module itself knows neither names nor classes."""
        return self.module

    def taken_over(self, features: int, classes: Classes, spec: Spec) -> TorchModel:
        """The built module with the original's weights; ContractBroken with the exact difference."""
        import torch

        from .made import made
        from .net import as_stored, repeatable

        with repeatable(spec):
            net = made(build(spec, (BUILDING,)), features, len(classes), spec)
            weights = {_WRAPPED.sub("", name): value for name, value in self.module.state_dict().items()}
            self._refuse_another(weights, net.served.net.state_dict(), spec)
            net.served.net.load_state_dict(weights)
            net.served.leave_inputs()
            net.served.eval()
            generator = torch.get_rng_state()
        name = type(net.served.net).__name__
        self.recovered.append(f"{len(weights)} weights and buffers of {name}, from {self.how}")
        self.missing.append("mean and variance of the inputs: they are not standardised, as the original does not")
        if classes:
            self.missing.append(
                f"which output stands for which class: taken in the order {', '.join(map(str, classes))}"
            )
        training: Training = {**net.training(), "generator": generator, "classes": list(classes)}
        return TorchModel(net.served, as_stored(training, spec), classes, name)

    def _refuse_another(
        self, weights: Mapping[str, torch.Tensor], built: Mapping[str, torch.Tensor], spec: Spec
    ) -> None:
        """ContractBroken unless *weights* are those of the *built* module, by name and shape."""
        lost = [f"it lacks {name!r}" for name in built if name not in weights]
        more = [f"it has {name!r} more" for name in weights if name not in built]
        other = [
            f"{name!r} has the shape {tuple(weights[name].shape)}, built {tuple(value.shape)}"
            for name, value in built.items()
            if name in weights and weights[name].shape != value.shape
        ]
        if lost or more or other:
            raise ContractBroken(
                f"{self.source} is another module than {spec.learner.build!r} builds: "
                f"{'; '.join([*lost, *more, *other])}. Nothing was changed; let the build function make the module as "
                "it was trained"
            )

    def compared(self, estimator: TorchModel, X: pd.DataFrame) -> tuple[Array, Array]:
        """Values (n,), or probabilities (n, classes): of an original that gives logits, those of its logits.

        ContractBroken where the built module itself ends in probabilities: Ratoon would squash them twice.
        """
        said = self._outputs(X)
        if not estimator.classes:
            return said, np.asarray(estimator.predict(X))
        found = np.asarray(estimator.predict_proba(X))
        # Logits of a few rows may all lie between 0 and 1 too, but not those of far inputs.
        probable = _are_probabilities(said) and _are_probabilities(self._outputs(100 * X))
        if not probable:
            from scipy.special import expit, softmax

            said = expit(said) if said.ndim == 1 else softmax(said, axis=1)
        if said.ndim == 1:
            said = np.column_stack([1 - said, said])
        if probable and not np.allclose(said, found, rtol=1e-4, atol=1e-5):
            raise ContractBroken(
                f"{self.source} gives probabilities, and what {estimator.name} gives is taken for logits. Nothing was "
                "changed; leave the sigmoid or softmax at the end out of the build function: it has no weights"
            )
        return said, found

    def _outputs(self, X: pd.DataFrame) -> Array:
        import torch

        values = torch.from_numpy(np.array(X, dtype=np.float32))
        with torch.no_grad():
            try:
                found = self.module(values)
            except Exception:  # exported for one row at a time
                found = torch.cat([self.module(row) for row in values.split(1)])
        found = np.asarray(found.detach().cpu().numpy(), dtype=np.float64)
        return found[:, 0] if found.ndim == 2 and found.shape[1] == 1 else found


def _are_probabilities(said: Array) -> bool:
    bounded = bool(((said >= 0) & (said <= 1)).all())
    return bounded and (said.ndim == 1 or np.allclose(said.sum(axis=1), 1, atol=1e-4))
