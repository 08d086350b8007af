"""What every part of one judgement shares: the spec's demands, the models, the level, the seed."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

from ...data.metrics.metrics import Interval, Metric
from ...data.metrics.paired import chance_of, paired_gain
from ...spec.keys.gate import GateSpec
from ..learning.trained import Trained
from .pair import Pair
from .verdict import level_of


@dataclass(frozen=True)
class Bench:
    """One judgement of one candidate."""

    gate: GateSpec
    metric: Metric
    champion: Trained
    candidate: Trained
    seed: int
    tries: int = 1

    @property
    def level(self) -> float:
        """The confidence of each interval, see `verdict.level_of`."""
        return level_of(self.gate.confidence, self.tries)

    def gain(self, metric: Metric, pair: Pair, what: str) -> Interval:
        """The interval of the gain by *metric*; *what* has a seed of its own, whatever else is judged."""
        return paired_gain(
            metric,
            pair.candidate,
            pair.champion,
            confidence=self.level,
            resamples=self.gate.resamples,
            seed=self._seed(what),
        )

    def by_chance(self, pair: Pair, what: str) -> bool:
        """Whether such a gain comes by chance more often than the level allows, where the metric can tell."""
        gains = self.metric.row_gains(pair.candidate, pair.champion)
        if gains is None:
            return False
        tail = (1 - self.level) / 2
        draws = max(self.gate.resamples, int(50 / tail))
        return chance_of(gains, draws=draws, seed=self._seed(what) + 1) > tail

    def _seed(self, what: str) -> int:
        return int((self.seed + zlib.crc32(what.encode())) % 2**32)
