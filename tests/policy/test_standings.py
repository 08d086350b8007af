"""What people are shown of the strategies' credits."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from ratoon.policy.strategies.standings import standings
from ratoon.spec.values import Basis, Decision, Span, Triage, Trial

START = datetime(2026, 1, 1)


def decided(day: int, *trials: Trial, leader: str = "warm") -> Decision:
    at = START + timedelta(days=day)
    return Decision(
        id=f"d{day}", model="m", at=at, action="hold", triage=Triage(verdict="healthy"), facts={"n": day}, champion="1",
        window=Span(start=at - timedelta(days=1), end=at), basis=Basis(champion="1", trials=trials, leader=leader),
    )  # fmt: skip


def trial(strategy: str, gain: float, role: str = "champion") -> Trial:
    known = {"strategy": strategy, "version": "9", "role": role, "against": "1", "rows": 500, "telling": 200}
    return Trial.model_validate({**known, "gain": gain, "variance": 0.0001})


def test_nothing_was_tried_yet() -> None:
    assert standings(()) == ()
    assert standings((decided(1),)) == ()


def test_the_strategy_that_leads_comes_first_with_what_it_would_gain_and_how_it_does_beside_the_background() -> None:
    looks = [
        decided(n, trial("warm", 0.01), trial("scratch", 0.03), trial("scratch", 0.02, "background"), leader="scratch")
        for n in range(4)
    ]
    first, second = standings(looks)
    assert (first.strategy, first.leads, first.tries) == ("scratch", True, 4)
    assert first.gain == pytest.approx(0.03)
    assert first.beside == pytest.approx(0.02)
    assert (second.strategy, second.leads, second.beside) == ("warm", False, None)
    assert second.beside_text == "–"
    assert first.gain_text.startswith("+0.03 (")


def test_a_decision_by_hand_or_of_an_older_ledger_is_passed_over() -> None:
    bare = decided(9).model_copy(update={"basis": None})
    assert standings((decided(1, trial("warm", 0.1)), bare))[0].strategy == "warm"
