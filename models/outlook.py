"""Which rungs are not worth climbing now: their history on this model says they lose, or the budget forbids them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ..spec.values import LadderRung
from .attempt import SCRATCH, Attempt

LOST = 3  # refusals in a row after which a rung that continues rests
LOST_DEAR = 1  # and one from scratch, which costs many times as much
LONGEST_REST = 8  # climbs


@dataclass(frozen=True)
class Outlook:
    """*resting*: rungs to pass over, with the reason. *expected*: CPU seconds that a rung should take, where known.

    *budget*: CPU seconds that this climb may spend on learning; None: as many as it takes. *early*: why a fit from
    scratch is not tried yet where a rung that continues is refused in this climb.
    """

    resting: Mapping[LadderRung, str] = field(default_factory=dict)
    expected: Mapping[LadderRung, float] = field(default_factory=dict)
    budget: float | None = None
    early: str | None = None

    def over(self, rung: LadderRung, spent: float) -> str | None:
        """Why *rung* is passed over after *spent* CPU seconds of this climb; None where nothing speaks against it."""
        if rung in self.resting:
            return self.resting[rung]
        if self.budget is None:
            return None
        left, next_ = self.budget - spent, self.expected.get(rung)
        if left <= 0:
            return f"the cost budget is spent ({self.budget:.2f} CPU s, all of it used)"
        if next_ is not None and next_ > left:
            return f"it would take about {next_:.2f} CPU s, and {left:.2f} are left of the cost budget"
        return None


OPEN = Outlook()


def resting(rungs: Sequence[LadderRung], climbs: Sequence[Sequence[Attempt]]) -> dict[LadderRung, str]:
    """The rungs that rest, by what the gate said of them in *climbs* (oldest first).

    A rung that was refused three times in a row (from scratch: once) rests for one climb, then is tried again; refused
    once more it rests for two, then four, at most eight. A promising candidate, one that more rows may prove, is no
    refusal.
    """
    found: dict[LadderRung, str] = {}
    for rung in rungs:
        lost, rested = _streak(rung, climbs)
        least = LOST_DEAR if rung in SCRATCH else LOST
        rest = min(2 ** (lost - least), LONGEST_REST) if lost >= least else 0
        if rested < rest:
            found[rung] = (
                f"the gate refused it {lost} times in a row; it rests for {rest} climbs (this is {rested + 1})"
            )
    return found


def early(climbs: Sequence[Sequence[Attempt]], after: int) -> str | None:
    """Why a fit from scratch is too early when the rungs that continue lose in the next climb; None where it is not.

    They must have lost *after* climbs in a row, that one included, since a candidate last passed, be it one from
    scratch: with it the champion to continue is another. One that may have lost the anchor lost as well, since no time
    will tell. A climb in which none of them was judged says nothing.
    """
    lost = 0
    for attempts in reversed(climbs):
        gates = [each.gate for each in attempts if each.gate is not None and each.rung not in SCRATCH]
        if any(gate.passed or gate.waits for gate in gates) or any(each.passed for each in attempts):
            break
        lost += bool(gates)
    if lost + 1 >= after:
        return None
    return (
        f"it would be early: the rungs that continue lost {lost + 1} of {after} climbs in a row (learner.scratch_after)"
    )


def expected(climbs: Sequence[Sequence[Attempt]], rows: Mapping[LadderRung, int]) -> dict[LadderRung, float]:
    """CPU seconds for each rung on so many *rows*, by what a row took when the rung was last climbed.

    To one significant digit: measured time differs a little from run to run, and a climb must not hang on that.
    """
    rates: dict[LadderRung, float] = {}
    for attempts in climbs:
        rates |= {a.rung: a.cpu_seconds / a.rows for a in attempts if a.rows and a.gate is not None}  # type: ignore[misc]
    return {rung: float(f"{rate * rows[rung]:.0e}") for rung, rate in rates.items() if rung in rows}


def _streak(rung: LadderRung, climbs: Sequence[Sequence[Attempt]]) -> tuple[int, int]:
    """How often *rung* was refused in a row up to now, and how often it has rested since."""
    lost = rested = 0
    for attempts in reversed(climbs):
        attempt = next((a for a in attempts if a.rung == rung), None)
        if attempt is None:
            continue  # the climb ended below it
        if attempt.gate is None:
            rested += attempt.skipped and lost == 0
            continue
        if attempt.gate.passed or attempt.gate.promising:
            break
        lost += 1
    return lost, rested
