"""A candidate that the gate could not judge is kept, whatever kills its run, and the next update goes on from it."""

from __future__ import annotations

from datetime import datetime

from processes import Processes, dies
from project import LATE, Project

from ratoon.loop.learn.candidates import lines
from ratoon.spec.values import History

LATER = datetime(2026, 2, 26)


def test_a_candidate_without_enough_rows_is_gone_on_from_once_there_are_more(
    processes: Processes, decided: Project
) -> None:
    decided.write("resamples: 200", "resamples: 200\n  min_rows: 2000")
    with decided.context() as context:
        (decision,) = context.ledger.decisions.of("flights")
    killed = processes.run(
        "retrain",
        dies("ratoon.models.registry.registering:Registering.create", "after"),
        spec=decided.path,
        decision=decision.id,
    )
    assert killed.killed, killed
    again = processes.run("retrain", spec=decided.path, decision=decision.id)
    assert again.error is None, again.trace
    kept_back = {"decision": decision.id, "outcome": "refused", "version": None, "candidate": "2", "promoted": False}
    assert again.result == kept_back
    repeated = processes.run("retrain", spec=decided.path, decision=decision.id)
    assert repeated.result == kept_back, repeated.trace
    with decided.context() as context:
        kept, serving = context.registry.candidates()["warm"], context.registry.champion()
        assert serving is not None
        assert (kept.number, kept.parent, kept.against, kept.unproven, serving.number) == ("2", "1", "1", True, "1")
        assert context.registry.challenger() is None
        assert kept.description.startswith("Not proven yet: Update of version 1")
        assert "it serves nobody" in kept.description
        (run,) = context.ledger.runs.of("flights")
        assert (run.outcome, run.version, run.evidence.candidate) == ("refused", None, "2")
        assert run.evidence.promising is True

    decided.write("  min_rows: 2000\n", "")
    ended = processes.run("retrain", spec=decided.path, reason="more rows came", at=LATER)
    assert ended.result is not None, ended.trace
    assert (ended.result["outcome"], ended.result["version"], ended.result["promoted"]) == ("registered", "3", True)
    with decided.context() as context:
        won = context.registry.version("3")
        assert (won.parent, won.against) == ("2", "1")
        assert "were learned by this candidate" in won.description
        state = context.registry.load("3").state
        tally = context.source.as_of(state.watermark).ledger_of_rows(state.watermark)
        assert (state.learned_rows, state.fingerprint) == (tally.rows, tally.fingerprint)
        assert state.watermark > LATE
        learned = context.ledger.runs.of("flights")[-1].rows
        assert learned == tally.rows - context.registry.load("2").state.learned_rows
        assert context.registry.candidates() == {}
        assert "warm" not in lines(context, "3", History(model="flights"))
