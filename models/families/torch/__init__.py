"""PyTorch modules with their optimiser and scheduler."""

from __future__ import annotations

from ....spec.model import Spec
from ...learning.learner import Learner
from ..family import Family, set_in_build
from .building import BUILDING
from .foreign import torch_module
from .format import TorchFormat
from .net import LIBRARIES, TorchNet, is_torch


def _learner(last: object, spec: Spec) -> Learner:
    return TorchNet()


FAMILY = Family(
    name="torch",
    libraries=LIBRARIES,
    modules=("torch",),
    described="a PyTorch module, alone or as (module, optimiser, scheduler)",
    matches=is_torch,
    learner=_learner,
    saved_as=TorchFormat(),
    requirements=("torch", "numpy", "pandas"),
    foreign={"pytorch": torch_module},
    unused_keys=lambda last: set_in_build("its optimiser has its own"),
    building=BUILDING,
    exact=False,
)
