"""Which stretches stay out of training, and for how long."""

from __future__ import annotations

from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from ratoon.ledger.ledger import Ledger, Look
from ratoon.loop.standing import learned_broken
from ratoon.loop.whole import broken_spans
from ratoon.spec.values import Decision, Span, Triage, Verdict

START = datetime(2026, 1, 1)
HOUR = timedelta(hours=1)


def look(hours: int, verdict: Verdict) -> Look:
    at = START + hours * HOUR
    return Look(at=at, start=at - 5 * HOUR, verdict=verdict)


def span(start: int, end: int) -> Span:
    return Span(start=START + start * HOUR, end=START + end * HOUR)


def test_a_stretch_reaches_from_the_last_whole_look_to_the_last_broken_one() -> None:
    looks = [look(1, "healthy"), look(2, "broken_data"), look(3, "broken_data"), look(4, "unsure"), look(9, "harm")]
    assert broken_spans(looks) == (span(1, 3),)


def test_without_a_whole_look_before_it_the_whole_window_is_out() -> None:
    assert broken_spans([look(8, "broken_data"), look(9, "healthy")]) == (span(3, 8),)


def test_a_broken_window_stays_out_however_many_looks_ago_it_was() -> None:
    """The policy looks back on 200 decisions; what must never be learned does not age out with them."""
    with Ledger.open("sqlite://") as ledger:
        for hours in range(1, 260):
            at = START + hours * HOUR
            verdict: Verdict = "broken_data" if hours == 3 else "healthy"
            decision = Decision(
                id=f"d{hours}", model="m", at=at, action="hold", triage=Triage(verdict=verdict),
                window=Span(start=at - 5 * HOUR, end=at),
            )  # fmt: skip
            ledger.record_decision(decision, (), live=True)
        now = START + 260 * HOUR
        assert not any(past.verdict == "broken_data" for past in ledger.history("m", now).decisions)
        assert broken_spans(ledger.looks("m", before=now)) == (span(2, 3),)
        assert ledger.looks("m", before=START + 3 * HOUR)[-1].at == START + 2 * HOUR
        assert ledger.looks("another", before=now) == []


@pytest.mark.parametrize(
    ("looks", "spoiled"),
    [
        ([look(1, "healthy"), look(5, "harm")], False),
        ([look(1, "healthy"), look(5, "broken_data")], True),  # known only after the candidate was made at 3
        ([look(1, "healthy"), look(2, "broken_data"), look(5, "healthy")], False),  # left out when it learned
        ([look(1, "healthy"), look(4, "healthy"), look(5, "broken_data")], False),  # later rows, which it never saw
    ],
)
def test_a_candidate_that_learned_rows_found_broken_afterwards_is_known(looks: list[Look], spoiled: bool) -> None:
    """A candidate made at hour 3 from rows of the hours 1 to 3: invariant 6 holds for the next update, too."""
    rows = pd.DataFrame({"_time": [START + hour * HOUR / 2 for hour in range(3, 7)]})
    care: Any = SimpleNamespace(
        spec=SimpleNamespace(model="m"),
        registry=SimpleNamespace(
            version=lambda ref: SimpleNamespace(tags={"ratoon.at": (START + 3 * HOUR).isoformat()})
        ),
    )
    view: Any = SimpleNamespace(learned=lambda upto, since: rows)
    candidate: Any = SimpleNamespace(version="2", state=SimpleNamespace(watermark=START + 3 * HOUR))
    assert learned_broken(care, view, looks, candidate, START + HOUR) is spoiled
