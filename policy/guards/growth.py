"""Growth: the next candidate learns clearly more rows than the last one, not the same ones once more.

While a champion stays, tries come ever more seldom: each waits until the rows behind the champion have grown by a
factor, whether the gate refused the last one or a reviewer has not spoken yet. Where tries start from the champion each
time (`unproven: drop`, or a refuted candidate), they learn the same rows again; the factor bounds what all of them over
n rows learn together to n * factor / (factor - 1), where a try at each of k looks learns about k * n / 2: the amortised
growth of dynamic tables (Cormen et al., "Introduction to Algorithms", chapter on amortized analysis).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ...spec.values import History
from .case import Case, Veto


@dataclass(frozen=True)
class Growth:
    """At least *factor* times the rows that were behind this champion at the last candidate after it."""

    factor: float
    name: ClassVar[str] = "growth"

    def said(self, case: Case) -> str:
        before = tried_on(case.history)
        if before is None:
            return "no candidate has followed this champion yet (growth)"
        return (
            f"new labelled rows: {case.history.new_rows:,}, the last candidate had {before:,}; needed: "
            f"{self.factor:g} times as many (growth)"
        )

    def __call__(self, case: Case) -> Veto | None:
        before = tried_on(case.history)
        return Veto(self.said(case)) if before is not None and case.history.new_rows < self.factor * before else None


def tried_on(history: History) -> int | None:
    """The rows that the present champion had not learned when a candidate was last made after it; None: never.

    A run that shadow mode only writes down counts as one that made a candidate, as it does for budgets.
    """
    for run in reversed(history.updates):
        made = run.outcome in ("refused", "registered", "shadow") and run.new_rows is not None
        if made and run.champion == history.champion:
            return run.new_rows
    return None
