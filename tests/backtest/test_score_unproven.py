"""How a run is scored that left a candidate which is not proven yet, beside one that left nothing."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from small_project import write_spec

from ratoon.loop.context import simulated
from ratoon.loop.observe.score import score_past
from ratoon.spec.run_record import RunRecord
from ratoon.spec.values import Decision, Span, Triage

LOOK, LATER = datetime(2026, 2, 8), datetime(2026, 2, 20)


@pytest.mark.parametrize(
    ("evidence", "verdict", "words"),
    [
        ({"candidate": "2", "promising": True}, "even", "v2, from which the next update goes on"),
        ({"promising": True}, "even", "neither prove nor refute"),  # learner.unproven: drop
        ({}, "wrong", "the run ended refused"),
    ],
)
def test_of_an_unproven_candidate_nothing_can_be_told(
    tmp_path: Path, evidence: dict[str, Any], verdict: str, words: str
) -> None:
    decision = Decision(
        id="d1", model="flights", at=LOOK, action="warm_start", triage=Triage(verdict="harm"), champion="1",
        window=Span(start=LOOK - timedelta(days=4), end=LOOK),
    )  # fmt: skip
    with simulated(write_spec(tmp_path / "p")) as context:
        model = context.spec.model
        context.ledger.decisions.record(decision.model_copy(update={"model": model}), (), live=True)
        run = context.ledger.runs.claim(
            model=model, decision="d1", at=LOOK, run=None, now_wall=LOOK, abandon_after=context.spec.abandon_after
        )
        assert run is not None
        context.ledger.runs.finish(run, outcome="refused", evidence=RunRecord.model_validate(evidence), ended_at=LOOK)
        (score,) = score_past(context, LATER)
    assert score.verdict == verdict
    assert words in score.text
