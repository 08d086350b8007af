"""A model's life under a policy, made up by Hypothesis: windows, runs and their ends, judged one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from ratoon.policy.decide import decide
from ratoon.spec.keys.rules import Policy
from ratoon.spec.values import Decision, History, PastDecision, PastUpdate, Score, Signal

few = settings(
    max_examples=80,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@dataclass(frozen=True)
class Window:
    """What happens in one window, and what becomes of a run if the window starts one."""

    hours: float  # since the window before
    kind: str  # harmful, sound, broken or unlabelled
    shows: float  # hours until a run that it starts is in the history
    takes: float | None  # hours until the run ends; None: it dies
    outcome: str
    cpu_seconds: float
    rejected: float | None  # hours until a reviewer says no to what was registered


windows = st.lists(
    st.builds(
        Window,
        hours=st.floats(0.01, 12),
        kind=st.sampled_from(["harmful", "harmful", "harmful", "sound", "broken", "unlabelled"]),
        shows=st.sampled_from([0.0, 0.0, 1.0, 2.0]),
        takes=st.one_of(st.none(), st.floats(0.0, 3)),
        outcome=st.sampled_from(["registered", "refused", "failed", "nothing_new"]),
        cpu_seconds=st.floats(0, 20),
        rejected=st.one_of(st.none(), st.floats(0.0, 9)),
    ),
    min_size=4,
    max_size=25,
)


@dataclass(frozen=True)
class Moment:
    """One decision, and all that was given to it.

    *history* also tells how the runs will end; *runs* are all there are, also those that it does not show yet.
    """

    decision: Decision
    signals: tuple[Signal, ...]
    history: History
    runs: tuple[PastUpdate, ...]
    window: Window
    now: datetime


def live(made: SimpleNamespace, windows: Sequence[Window], policy: Policy) -> Iterator[Moment]:
    """Decide on each window in turn, in the light of those before."""
    now, decisions, runs = made.NOW, [], []
    for window in windows:
        now += timedelta(hours=window.hours)
        signals = tuple(_signals(made, window.kind))
        history = made.history(
            champion_trained_at=None,
            decisions=tuple(decisions),
            updates=tuple(run for run, shown in runs if shown <= now),
        )
        decision = decide(signals, history, policy, now, model="price", window=made.WINDOW)
        yield Moment(decision, signals, history, tuple(run for run, _ in runs), window, now)
        decisions.append(looked(decision))
        if decision.fires:
            hours = window.shows if window.takes is None else min(window.shows, window.takes)
            runs.append((_run(decision, window), now + timedelta(hours=hours)))


def looked(decision: Decision, **more: Any) -> PastDecision:
    """The decision as later ones see it."""
    return PastDecision(
        id=decision.id,
        at=decision.at,
        action=decision.action,
        verdict=decision.triage.verdict,
        matched=decision.matched,
        champion=decision.champion,
        facts=decision.facts,
        **more,
    )


def tomorrow(moment: Moment) -> History:
    """The same history with all that a later time may add to it."""
    later = moment.now + timedelta(hours=1)
    score = Score(decision="d", at=later, verdict="wrong")
    scored = tuple(d.model_copy(update={"score": score}) for d in moment.history.decisions)
    future = looked(moment.decision).model_copy(update={"id": "later", "at": later, "action": "warm_start"})
    run = PastUpdate(decision="later", started_at=later, outcome="refused", cpu_seconds=1e6)
    itself = PastUpdate(decision=moment.decision.id, started_at=moment.now, outcome="running")
    rejected = tuple(
        u.model_copy(update={"rejected_at": later}) if u.rejected_at is None else u for u in moment.history.updates
    )
    return moment.history.model_copy(
        update={
            "decisions": (*scored, looked(moment.decision), future),
            "updates": (*rejected, itself, run),
        }
    )


def told_live(moment: Moment) -> History:
    """The same history as it is told while the runs are under way: without their ends to come."""
    updates = [
        u.model_copy(update={"outcome": "running", "ended_at": None, "gain": None, "cpu_seconds": 0.0})
        if u.ended_at is not None and u.ended_at > moment.now
        else u
        for u in moment.history.updates
    ]
    now = moment.now
    return moment.history.model_copy(
        update={
            "updates": tuple(
                u.model_copy(update={"rejected_at": None}) if u.rejected_at is not None and u.rejected_at > now else u
                for u in updates
            )
        }
    )


def _run(decision: Decision, window: Window) -> PastUpdate:
    if window.takes is None:
        return PastUpdate(decision=decision.id, started_at=decision.at, outcome="running")
    ended = decision.at + timedelta(hours=window.takes)
    said_no = window.rejected is not None and window.outcome == "registered"
    return PastUpdate.model_validate(
        {
            "decision": decision.id,
            "started_at": decision.at,
            "ended_at": ended,
            "outcome": window.outcome,
            "cpu_seconds": window.cpu_seconds,
            "gain": 0.01,
            "rejected_at": ended + timedelta(hours=window.rejected or 0) if said_no else None,
        }
    )


def _signals(made: SimpleNamespace, kind: str) -> list[Signal]:
    if kind == "sound":
        return made.sound()
    if kind == "unlabelled":
        return made.sound(status="unknown", value=None)
    broken = [made.signal("quality", "scale", "fail", column="day", value=1000.0)] if kind == "broken" else []
    return [*made.harmful(), *broken]
