"""PyTorch draws a module's weights when the module is made: seeded, so that equal seeds build equal modules."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ...learning.build import Building


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


BUILDING = Building("torch", _seeded)
