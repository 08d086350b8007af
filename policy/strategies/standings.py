"""What each strategy has earned so far, for people: from a model's decisions alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...spec.values import EARLIER, Decision, History, PastDecision
from .credits import Credit, credit, gain_of, tried


@dataclass(frozen=True)
class Standing:
    """One strategy: its *tries*, what promoting its newest version would *gain*, with the interval, and against the
    background candidate (*beside*, in the metric's unit, with its standard error). None where nothing is known.
    """

    strategy: str
    tries: int
    gain: float | None
    low: float | None
    high: float | None
    beside: float | None
    error: float | None
    leads: bool

    @property
    def gain_text(self) -> str:
        """`+0.031 (+0.012 to +0.05)`, or a dash."""
        if self.gain is None or self.low is None or self.high is None:
            return "–"
        return f"{self.gain:+.3g} ({self.low:+.3g} to {self.high:+.3g})"

    @property
    def beside_text(self) -> str:
        """`+0.004 ± 0.002`, or a dash."""
        return "–" if self.beside is None or self.error is None else f"{self.beside:+.2g} ± {self.error:.2g}"


def standings(decisions: Sequence[Decision]) -> tuple[Standing, ...]:
    """Every strategy that was tried, the one that leads first; as of the last of *decisions* (oldest first)."""
    looks = [each for each in decisions if each.basis is not None and each.facts]
    if not looks or looks[-1].basis is None:
        return ()
    *before, last = looks
    history = History(
        model=last.model,
        champion=last.champion,
        decisions=tuple(PastDecision.of(each) for each in before),
        trials=looks[-1].basis.trials if last.triage.verdict != "broken_data" else (),
        leader=looks[-1].basis.leader,
    )
    found = tried(history)
    names = dict.fromkeys(each.trial.strategy for each in found)
    rows = []
    for name in names:
        gain, beside = gain_of(history, name), credit(found, name, "background")
        rows.append(
            Standing(
                strategy="the champion before" if name == EARLIER else name,
                tries=max(beside.tries, credit(found, name, "champion").tries, credit(found, name, "reference").tries),
                gain=gain.value if gain is not None else None,
                low=gain.low if gain is not None else None,
                high=gain.high if gain is not None else None,
                beside=_known(beside, beside.mean),
                error=_known(beside, beside.error),
                leads=name == history.leader,
            )
        )
    return tuple(sorted(rows, key=lambda row: not row.leads))


def _known(found: Credit, value: float) -> float | None:
    return value if found.tries else None
