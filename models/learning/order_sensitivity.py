"""How far one update and several over the same rows may differ: each family states it, the conformance suite holds it.

`exact`: the same model, but for rounding. `close`: the family would agree, what stands in front of it (scalers that
move with each update) does not quite. `free`: the order of the rows matters, as in every stochastic gradient method;
both models have learned the same rows once and are about as good. `grows`: each update adds trees of its own, so that
several updates learn more from the same rows than one does.
"""

from __future__ import annotations

from typing import Literal

Splits = Literal["exact", "close", "free", "grows"]

# Mean absolute difference between the two models' scores, for regression in standard deviations of the target.
TOLERANCE: dict[Splits, float] = {"exact": 1e-6, "close": 0.02, "free": 0.15, "grows": 0.3}
