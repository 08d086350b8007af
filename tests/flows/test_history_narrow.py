"""`ratoon history` in a narrow terminal: a line that tells what happened, and below it why, in whole words."""

from __future__ import annotations

import io
from datetime import datetime

import pytest
from rich.console import Console

from ratoon.cli.views import decisions as show
from ratoon.spec.values import Decision, Span, Triage


def test_history_is_readable_at_80_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    reason = "performance: drop is 0.1763 (interval 0.1212 to 0.2302), threshold 0.03 [roc_auc], on 917 rows"
    made = Decision(
        id="d", model="m", at=datetime(2026, 2, 19), action="warm_start", triage=Triage(verdict="harm"),
        reasons=(reason, "drift: 0 of 4 columns drifted"),
        window=Span(start=datetime(2026, 2, 14), end=datetime(2026, 2, 19)),
    )  # fmt: skip
    written = io.StringIO()
    monkeypatch.setattr(show, "out", Console(file=written, width=80))
    show.history_card(made, "registered v2", "right")
    lines = written.getvalue().splitlines()
    assert lines[0].rstrip() == "2026-02-19 00:00  harm → warm_start  registered v2  scored right"
    assert all(len(line) <= 80 and line.startswith("    ") for line in lines[1:])
    assert " ".join(line.strip() for line in lines[1:3]) == reason  # brackets are text, words are whole


def test_a_start_by_hand_is_no_verdict_of_triage(monkeypatch: pytest.MonkeyPatch) -> None:
    """The monitors were not asked; what the policy reads in its place, `unsure`, would puzzle a person."""
    made = Decision(
        id="d", model="m", at=datetime(2026, 2, 19), action="warm_start", triage=Triage(verdict="unsure"),
        reasons=("Started by hand: new carriers.",),
    )  # fmt: skip
    written = io.StringIO()
    monkeypatch.setattr(show, "out", Console(file=written, width=80))
    show.history_card(made, "registered v2", "")
    assert written.getvalue().splitlines()[0].rstrip() == "2026-02-19 00:00  by hand → warm_start  registered v2"
