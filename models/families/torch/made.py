"""What a build function made for PyTorch, brought together for training: module, optimiser, scheduler, loss.

A build function returns `module`, `(module, optimiser)` or `(module, optimiser, scheduler)`. The optimiser may be one
made from `module.parameters()` or a function of the parameters, such as `partial(torch.optim.AdamW, lr=0.01)`; the
scheduler one of that optimiser, or a function of it. Left out: Adam with its defaults, and no scheduler.
The module may carry `loss` (a function of output and target), `batch_size` (64) and `epochs` (of the first fit;
`learner.epochs`, else 10).
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import torch

from ....spec.errors import SpecError
from ....spec.model import Spec
from .model import Training
from .served import Served

Loss: TypeAlias = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]

FIRST_EPOCHS = 10


@dataclass
class Made:
    """A network that can be trained. *per_class*: it gives one logit for each class, not one for the second."""

    served: Served
    optimiser: torch.optim.Optimizer
    scheduler: torch.optim.lr_scheduler.LRScheduler | None
    loss: Loss
    batch_size: int
    epochs: int
    per_class: bool

    def training(self) -> Training:
        """What a continued fit needs, as tensors, numbers and texts."""
        return {
            "weights": dict(self.served.state_dict()),
            "optimiser": self.optimiser.state_dict(),
            "scheduler": None if self.scheduler is None else self.scheduler.state_dict(),
            "kinds": self._kinds(),
        }

    def _kinds(self) -> list[str]:
        return [type(each).__name__ for each in (self.optimiser, self.scheduler) if each is not None]

    def take_up(self, training: Training, *, optimiser: bool) -> None:
        """Go on from *training*; without *optimiser* only the weights. Raises what PyTorch raises where it misfits."""
        self.served.load_state_dict(training["weights"])
        if optimiser:
            if training.get("kinds", self._kinds()) != self._kinds():  # PyTorch would take another one's state
                raise ValueError(f"it went on with {', '.join(training['kinds'])}, here is {', '.join(self._kinds())}")
            # PyTorch takes the tensors over as they are and then changes them in place: the champion's.
            self.optimiser.load_state_dict(copy.deepcopy(training["optimiser"]))
            if (self.scheduler is None) != (training["scheduler"] is None):
                raise ValueError("one has a scheduler, the other has none")
            if self.scheduler is not None:
                self.scheduler.load_state_dict(copy.deepcopy(training["scheduler"]))


def made(returned: object, features: int, classes: int, spec: Spec) -> Made:
    """*returned* by the build function, for *features* inputs and *classes* (0: regression).

    Raises SpecError where the module does not take such inputs or gives another shape.
    """
    net, *rest = returned if isinstance(returned, tuple) else (returned,)
    where = f"{spec.path}: learner.build: {spec.learner.build!r}"
    if len(rest) > 2:
        raise SpecError(f"{where} returned {1 + len(rest)} things; expected module, optimiser, scheduler")
    served = Served(net, features, spec.task)
    per_class = _output_shape(served, features, classes, where)
    optimiser = rest[0] if rest else torch.optim.Adam
    if not isinstance(optimiser, torch.optim.Optimizer):
        optimiser = optimiser(net.parameters())
    scheduler = rest[1] if len(rest) > 1 else None
    if callable(scheduler) and not hasattr(scheduler, "step"):
        scheduler = scheduler(optimiser)
    return Made(
        served,
        optimiser,
        scheduler,
        getattr(net, "loss", None) or _loss(classes, per_class),
        min(int(getattr(net, "batch_size", 64)), spec.learner.batch),
        int(getattr(net, "epochs", spec.learner.epochs or FIRST_EPOCHS)),
        per_class,
    )


def _output_shape(served: Served, features: int, classes: int, where: str) -> bool:
    """Whether the module gives one logit per class; SpecError where its output fits no task."""
    served.eval()
    try:
        with torch.no_grad():  # also lets lazy layers learn their size
            found = tuple(served.outputs(torch.zeros((3, features))).shape)
    except RuntimeError as error:
        raise SpecError(
            f"{where}: the module does not take a float32 tensor (n, {features}), one column per numeric feature: "
            f"{error}. torch.nn.LazyLinear finds the number of features by itself. Nothing was changed"
        ) from error
    fitting = [(3,)] if classes == 0 else [(3,), (3, 2)] if classes == 2 else [(3, classes)]
    if found not in fitting:
        raise SpecError(
            f"{where}: for 3 rows the module gives the shape {found}; expected "
            f"{' or '.join(map(str, fitting))}. Nothing was changed"
        )
    return len(found) == 2


def _loss(classes: int, per_class: bool) -> Loss:
    known = torch.nn.functional
    of_classes = known.cross_entropy if per_class else known.binary_cross_entropy_with_logits
    loss: Loss = known.mse_loss if classes == 0 else of_classes
    return loss
