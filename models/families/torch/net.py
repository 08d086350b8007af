"""Learner of PyTorch networks: weights, optimiser, scheduler and random generator all go on.

An update builds the network anew by the spec's build function and fills it with the champion's training state, so
that the champion is never touched and no code is ever unpickled. `shrink_perturb` scales the weights down and
disturbs them before they learn on, with a fresh optimiser: Ash & Adams 2020, "On Warm-Starting Neural Network
Training", https://arxiv.org/abs/1910.08475.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
import pandas as pd

from ....spec.errors import ContractBroken, SpecError
from ....spec.model import Spec
from ....spec.values import Strategy
from ...estimators import Array, Classes
from ...learning.build import build
from ...learning.features import could_not, features_of, table
from ...learning.how import FIRST, WARM, How, Origin
from ...learning.lineage import advance_state, prepare_update, refuse_blocks, start_state
from ...learning.order_sensitivity import Splits
from ...learning.passes import LEAST, passes_over
from ...learning.trained import Trained
from .building import BUILDING
from .model import TorchModel, Training

if TYPE_CHECKING:
    import torch

    from .made import Made

LIBRARIES = ("torch",)


def is_torch(estimator: object) -> bool:
    """Whether *estimator* is a PyTorch module, or a tuple that begins with one, judged without importing torch."""
    if isinstance(estimator, TorchModel):
        return True
    first = estimator[0] if isinstance(estimator, tuple) and estimator else estimator
    return any(cls.__module__.startswith("torch.nn.") for cls in type(first).__mro__)


@dataclass(frozen=True)
class TorchNet:
    """Continues by gradient steps over shuffled mini-batches."""

    family: str = "torch"

    @property
    def splits(self) -> Splits:
        """Stochastic gradients: the order of the rows matters."""
        return "free"

    @property
    def strategies(self) -> frozenset[Strategy]:
        """The strategies, beside those from scratch, that this family has."""
        return frozenset({"warm", "warm_replay", "shrink_perturb"})

    def first(self, estimator: object, rows: pd.DataFrame, spec: Spec, origin: Origin = FIRST) -> Trained:
        """Train what the build function returned on all *rows*."""
        text = [feature.name for feature in features_of(rows) if feature.kind == "category"]
        if text:
            raise SpecError(
                f"{spec.path}: learner.build: {spec.learner.build!r} returned a PyTorch module, which takes numbers, "
                f"but feature {text[0]!r} is a category. Encode it before, or name the numeric columns in "
                "data.features. Nothing was trained"
            )
        learned = TorchModel(None, {})

        def fit(X: pd.DataFrame, y: Array) -> None:
            _first_fit(learned, estimator, X, y, spec)

        return start_state(self.family, learned, rows, spec, origin, libraries=LIBRARIES, fit=fit)

    def update(self, champion: Trained, rows: pd.DataFrame, spec: Spec, how: How = WARM) -> Trained:
        """Learn *rows* from *champion*'s training state on."""
        if rows.empty:
            return champion
        refuse_blocks("a network", how)
        rows, mixed, y = prepare_update(champion, rows, how, LIBRARIES)
        X = table(mixed, champion.state.features)
        before = cast(TorchModel, champion.estimator)
        epochs = passes_over(len(mixed), spec.learner)
        with repeatable(spec, before.training["generator"]):
            net = _taken_up(before, len(X.columns), spec, how, champion.state.updates)
            try:
                after, notes = _train(net, X, y, before.classes, spec, epochs, spec.learner.patience, new=len(rows))
            except (ValueError, TypeError, RuntimeError) as error:
                raise ContractBroken(could_not("continue on", X, error)) from error
        regression = spec.task == "regression"
        return advance_state(
            champion,
            after,
            rows,
            spec,
            how,
            epochs=epochs,
            batch=net.batch_size,
            updated_steps=("mean and variance of the inputs", before.name, type(net.optimiser).__name__),
            frozen_steps=("mean and scale of the target",) if regression else (),
            notes=tuple(notes),
        )


def _first_fit(learned: TorchModel, returned: object, X: pd.DataFrame, y: Array, spec: Spec) -> None:
    """Train what the build function *returned*, and make *learned* the result."""
    from .made import made

    classes = () if spec.task == "regression" else tuple(np.unique(y).tolist())
    with repeatable(spec):
        net = made(returned, len(X.columns), len(classes), spec)
        if not classes:
            net.served.fix_target(y)
        try:
            found, _ = _train(net, X, y, classes, spec, net.epochs)
        except RuntimeError as error:
            raise ValueError(str(error)) from error
    vars(learned).update(vars(found))


@contextmanager
def repeatable(spec: Spec, generator: torch.Tensor | None = None) -> Iterator[None]:
    """A random stream of our own, from the seed or where *generator* stopped; threads as the spec says."""
    import torch

    threads = torch.get_num_threads()
    with torch.random.fork_rng(devices=[]):
        if generator is None:
            torch.manual_seed(spec.seed)
        else:
            torch.set_rng_state(generator)
        torch.set_num_threads(spec.learner.threads)
        try:
            yield
        finally:
            torch.set_num_threads(threads)


def _taken_up(before: TorchModel, features: int, spec: Spec, how: How, updates: int) -> Made:
    """The network built anew, where *before* stopped; ContractBroken where the build function makes another one."""
    import torch

    from .made import made

    kept = torch.get_rng_state()  # building draws weights that are thrown away
    net = made(build(spec, (BUILDING,)), features, len(before.classes), spec)
    try:
        net.take_up(before.training, optimiser=how.strategy != "shrink_perturb")
    except (RuntimeError, ValueError, KeyError) as error:
        difference = " ".join(str(error).split())  # PyTorch words it over many lines
        raise ContractBroken(
            f"learner.build: {spec.learner.build!r} builds another network than the champion's: {difference}. The "
            "champion was left as it was; only the `scratch` strategy can train the new one"
        ) from error
    torch.set_rng_state(kept)
    if how.strategy == "shrink_perturb":
        shrink = spec.learner.shrink
        fresh = made(build(spec, (BUILDING,)), features, len(before.classes), spec)
        pairs = zip(net.served.net.parameters(), fresh.served.net.parameters(), strict=True)
        torch.manual_seed(int(np.random.default_rng([spec.seed, updates]).integers(2**31)))
        with torch.no_grad():
            for weight, new in pairs:
                noise = shrink.noise * new.std(unbiased=False)  # nought where a fresh network starts alike: biases
                weight.mul_(shrink.keep).add_(torch.randn_like(weight) * noise)
    return net


def _train(
    net: Made,
    X: pd.DataFrame,
    y: Array,
    classes: Classes,
    spec: Spec,
    epochs: int,
    patience: int | None = None,
    *,
    new: int | None = None,
) -> tuple[TorchModel, list[str]]:
    """Train *net* on X, shape (n, k), and y, shape (n,), and say what ended it; ValueError at no finite weights.

    The last *new* rows are those that it has not met (left out: all); the statistics of the inputs know the others.
    """
    import torch

    served, values = net.served, np.array(X, dtype=np.float32)  # a copy: pandas' own may be read-only
    served.meet(values if new is None else values[len(values) - new :])
    inputs, targets = torch.from_numpy(values), _targets(net, y, classes)
    served.train()
    notes = []
    if patience is None or epochs == 1 or len(values) < LEAST:
        for _ in range(epochs):
            _pass(net, inputs, targets, torch.arange(len(values)))
    else:
        notes.append(_until_it_stops(net, inputs, targets, epochs, patience))
    served.eval()
    if not all(bool(torch.isfinite(weight).all()) for weight in served.parameters()):
        raise ValueError("training came to weights that are no finite numbers; try a smaller learning rate")
    training: Training = {**net.training(), "generator": torch.get_rng_state(), "classes": list(classes)}
    return TorchModel(served, as_stored(training, spec), classes, type(served.net).__name__), notes


def _pass(net: Made, inputs: torch.Tensor, targets: torch.Tensor, rows: torch.Tensor) -> None:
    """One pass over the rows of these numbers."""
    import torch

    total = 0.0
    for part in _batches(rows, net.batch_size):
        net.optimiser.zero_grad()
        loss = net.loss(net.served.outputs(inputs[part]), targets[part])
        loss.backward()
        net.optimiser.step()
        total += float(loss.detach()) * len(part)
    if net.scheduler is not None:
        plateau = isinstance(net.scheduler, torch.optim.lr_scheduler.ReduceLROnPlateau)
        net.scheduler.step(*((total / len(rows),) if plateau else ()))


def _until_it_stops(net: Made, inputs: torch.Tensor, targets: torch.Tensor, epochs: int, patience: int) -> str:
    """As passes.py does for scikit-learn: judged on a tenth of the update's own rows, learned in a last pass."""
    import torch

    order = torch.randperm(len(inputs))
    held, rest = order[: len(order) // 10], order[len(order) // 10 :]

    def loss() -> float:
        net.served.eval()
        with torch.no_grad():
            found = float(net.loss(net.served.outputs(inputs[held]), targets[held]))
        net.served.train()
        return found

    best, waited, done = loss(), 0, 0
    while done < epochs and waited < patience:
        _pass(net, inputs, targets, rest)
        done += 1
        now = loss()
        best, waited = (now, 0) if now < best * (1 - 1e-4) else (best, waited + 1)
    _pass(net, inputs, targets, held)
    return f"{done} of {epochs} passes, ended by learner.patience {patience} on {len(held)} rows of its own"


def _batches(rows: torch.Tensor, size: int) -> list[torch.Tensor]:
    """Row numbers, shuffled, in batches; a single row left over joins the last one, for batch normalisation's sake."""
    import torch

    parts = list(rows[torch.randperm(len(rows))].split(size))
    if len(parts) > 1 and len(parts[-1]) == 1:
        parts[-2:] = [torch.cat(parts[-2:])]
    return parts


def _targets(net: Made, y: Array, classes: Classes) -> torch.Tensor:
    import torch

    served = net.served
    if not classes:
        return ((torch.from_numpy(np.array(y)) - served.target_mean) / served.target_scale).to(torch.float32)
    codes = torch.tensor([classes.index(each) for each in y.tolist()])
    return codes if net.per_class else codes.to(torch.float32)


def as_stored(training: Training, spec: Spec) -> Training:
    """*training* through a file and back: a copy of its own, and proof that it loads without running code."""
    import pickle

    import torch

    file = io.BytesIO()
    torch.save(training, file)
    file.seek(0)
    try:
        found: Training = torch.load(file, weights_only=True)
    except pickle.UnpicklingError as error:
        raise SpecError(
            f"{spec.path}: learner.build: the state of the optimiser or scheduler that {spec.learner.build!r} returned "
            f"holds more than tensors, numbers and texts, and cannot be kept: {error}. Nothing was trained"
        ) from error
    return found
