"""False alarms over a fleet of models: an e-process for each, and e-BH over all of them at any moment.

An e-value is a stake: where nothing is wrong its expectation is at most one, whenever one looks. So the e-values of
a thousand models, each at a moment of its own and however they depend on one another, can be laid side by side, and
e-BH keeps the expected share of false ones among the alarms at alpha (Wang and Ramdas, False discovery rate control
with e-values, J. R. Stat. Soc. B 84, 2022, arXiv:2009.02824).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

ALPHA = 0.05
BETS = (0.5, 1.0, 2.0)  # how many standard errors of harm each bet is best against
CHANGES = 0.02  # of what was not yet bet, the share that bets on a change at this look: on average after 50 looks
MOST = 4.0  # standard errors that one look may count, so that no single look is an alarm by itself in a large fleet
_LARGEST = 690.0  # of log e: keeps it a finite float


@dataclass(frozen=True)
class HarmEvidence:
    """An e-process against "this model is not worse than it may be", after *looks* looks.

    A mixture of bets over the moment at which harm began (weights of a geometric law) and over its size, so that
    it rises soon after a change that comes late (the e-detectors of Shin, Ramdas and Rinaldo, 2022,
    arXiv:2203.03532, with weights that sum to one, which keeps it an e-process). *logs* holds the logarithm of each
    bet's stake; -inf before the first look.
    """

    looks: int = 0
    logs: tuple[float, ...] = (-math.inf,) * len(BETS)

    def look(self, harm: float) -> HarmEvidence:
        """With one more look: *harm* in standard errors above what is no harm, independent of the earlier looks.

        Where the model is not worse, *harm* has a mean of zero or less and the tails of a standard normal one.
        """
        harm = min(harm, MOST)
        fresh = math.log(CHANGES) + self.looks * math.log1p(-CHANGES)
        logs = tuple(
            _log_sum(log, fresh) + bet * harm - bet * bet / 2 for log, bet in zip(self.logs, BETS, strict=True)
        )
        return HarmEvidence(self.looks + 1, logs)

    @property
    def e_value(self) -> float:
        """The stake: 1 before the first look; 20 or more at any time has a chance of 1 in 20 without harm."""
        mean = -math.inf
        for log in self.logs:
            mean = _log_sum(mean, log - math.log(len(BETS)))
        return math.exp(min(_LARGEST, _log_sum(mean, self.looks * math.log1p(-CHANGES))))


def e_bh(e_values: Mapping[str, float], alpha: float = ALPHA) -> frozenset[str]:
    """The names with an alarm: those of the k largest e-values, for the largest k with `e_(k) >= n / (alpha k)`."""
    names = sorted(e_values, key=lambda name: (-e_values[name], name))
    n = len(names)
    last = max((k for k, name in enumerate(names, 1) if e_values[name] >= n / (alpha * k)), default=0)
    return frozenset(names[:last])


def needed(others: Sequence[float], alpha: float = ALPHA) -> float:
    """The e-value from which one more model has an alarm beside models with the e-values *others*.

    With it, and with nothing of the others, `e_bh` can be decided again for this model.
    """
    falling = sorted(others, reverse=True)
    n = len(falling) + 1
    # With k - 1 others at n / (alpha k) or more, this model is among the k largest as soon as it reaches that too.
    enough = [k for k in range(1, n + 1) if k == 1 or falling[k - 2] >= n / (alpha * k)]
    return n / (alpha * max(enough))


def _log_sum(a: float, b: float) -> float:
    """log(exp(a) + exp(b))."""
    if a < b:
        a, b = b, a
    return a if b == -math.inf else a + math.log1p(math.exp(b - a))
