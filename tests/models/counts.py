"""The conformance suite's counts, family by family, from what its tests recorded.

Tests pass them on as `user_properties` of their reports, which also come back from xdist's processes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

HEAD = (
    *("learner", "cases", "checks", "failed", "updates", "kills", "in a save"),
    *("once", "twice", "left out", "end state"),
)


def table(reports: Iterable[Any]) -> list[str]:
    """Lines of the table; none where *reports* hold nothing of the suite."""
    cases: dict[str, set[str]] = defaultdict(set)
    checks: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    killed: dict[str, list[str]] = {}
    for report in reports:
        for kind, told in getattr(report, "user_properties", ()):
            if kind == "conformance":
                cases[told["learner"]].add(told["case"])
                checks[told["learner"]][int(report.outcome != "passed")] += 1
            elif kind == "killed":
                end = "equal" if told["equal"] else "NOT EQUAL"
                keys = ("updates", "kills", "saving", "once", "twice", "left")
                killed[f"{told['learner']} ({told['name']})"] = [*(str(told[key]) for key in keys), end]
    rows = [(each, str(len(cases[each])), *map(str, checks[each]), *["-"] * 7) for each in sorted(cases)]
    rows += [(each, "-", "-", "-", *killed[each]) for each in sorted(killed)]
    if not rows:
        return []
    widths = [max(len(row[i]) for row in (HEAD, *rows)) for i in range(len(HEAD))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in (HEAD, *rows)]
    return [*lines, "" if killed else "(the kills: pytest -m 'slow or long' tests/models/test_killed_updates.py)"]
