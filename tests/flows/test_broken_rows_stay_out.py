"""Broken data never trains: not at that look, and not at a later one either."""

from __future__ import annotations

from datetime import timedelta

from processes import Processes
from project import LATE, Project

BROKEN = LATE - timedelta(days=4)


def test_rows_of_a_broken_window_are_never_learned(processes: Processes, trained: Project) -> None:
    """A unit change in mid-stream is alerted; the update that follows learns the rows around it, and judges by them."""
    rows = trained.data
    bad = (rows["event_time"] > BROKEN - timedelta(days=4)) & (rows["event_time"] <= BROKEN)
    rows.loc[bad, "distance"] *= 1000
    trained.feed(rows)
    for at in (BROKEN - timedelta(days=4), BROKEN, LATE, LATE + timedelta(days=2)):
        ended = processes.run("monitor", spec=trained.path, at=at)
        assert ended.error is None, ended.trace

    with trained.context() as context:
        decisions = context.ledger.decisions.of("flights")
        assert decisions[1].triage.verdict == "broken_data"
        runs = [f for f in context.ledger.runs.of("flights") if f.rows]
        assert runs, [d.reasons for d in decisions]
        last = max(d.at for d in decisions if d.triage.verdict == "broken_data")
        later = [f for f in runs if f.at > last]
        assert later, "rows around the broken window are learned"
        for run in later:
            for number in (*run.evidence.behind.values(), *([run.version] if run.version else ())):
                state = context.registry.load(number).state
                rows = context.source.as_of(run.at).learned(state.watermark, since=state.since)
                broken = (rows["_time"] > decisions[0].at) & (rows["_time"] <= last)
                assert broken.sum() > 50
                assert state.learned_rows == len(rows) - broken.sum(), (number, state.strategy)
        fired = next(d for d in decisions if d.id == later[-1].decision)
        new = context.source.as_of(fired.at).unlearned(context.registry.load(fired.champion or "").state.watermark)
        out = (new["_time"] > decisions[0].at) & (new["_time"] <= last)
        assert fired.facts["new_rows"] == len(new) - out.sum()
