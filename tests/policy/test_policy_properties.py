"""No sequence of windows beats the guards, and the order of signals says nothing."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ratoon.policy.decide import decide
from ratoon.policy.rules import condition
from ratoon.spec.model import Rule
from ratoon.spec.values import FIRING, PastDecision, PastUpdate

few = settings(
    max_examples=60,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
COOLDOWN, PER, RUNS, ABANDON = timedelta(hours=6), timedelta(hours=48), 3, timedelta(hours=2)
RULES = (
    Rule.model_validate(
        {"when": "performance.drop > 0.03", "do": "warm_start", "cooldown": "6h", "budget": {"runs": 3, "per": "48h"}}
    ),
    Rule.model_validate(
        {"when": 'triage == "harm"', "do": "full_retrain", "cooldown": "6h", "budget": {"runs": 3, "per": "48h"}}
    ),
)
# One window: hours since the last, whether it harms, hours until its run ends (None: it dies), its outcome.
windows = st.lists(
    st.tuples(
        st.floats(0.01, 12),
        st.booleans(),
        st.one_of(st.none(), st.floats(0.0, 3)),
        st.sampled_from(["registered", "refused", "failed", "nothing_new"]),
    ),
    max_size=30,
)


@few
@given(windows)
def test_no_sequence_of_windows_beats_the_budget_the_cooldown_or_the_one_run_in_flight(made, windows):
    now, decisions, runs, ends = made.NOW, [], [], {}
    for hours, harms, takes, outcome in windows:
        now += timedelta(hours=hours)
        updates = [u if ends.get(u.decision) and ends[u.decision] <= now else _running(u) for u in runs]
        decision = decide(
            made.harmful() if harms else made.sound(),
            made.history(decisions=tuple(decisions), updates=tuple(updates), champion_trained_at=None),
            RULES,
            now,
            model="price",
            window=made.WINDOW,
            policy_version="abc",
            abandon_after=ABANDON,
        )
        decisions.append(
            PastDecision(id=decision.id, at=now, action=decision.action, verdict="harm", matched=decision.matched)
        )
        if decision.fires:
            flying = [u for u in updates if u.outcome == "running" and now - u.started_at < ABANDON]
            assert not flying
            runs.append(PastUpdate(decision=decision.id, started_at=now, outcome=outcome))
            ends[decision.id] = None if takes is None else now + timedelta(hours=takes)
    starts = [u.started_at for u in runs]
    assert all(later - earlier >= COOLDOWN for earlier, later in pairwise(starts))
    assert all(sum(at - PER < other <= at for other in starts) <= RUNS for at in starts)


def _running(update: PastUpdate) -> PastUpdate:
    return update.model_copy(update={"outcome": "running"})


@few
@given(st.data())
def test_the_order_of_signals_and_of_the_past_changes_nothing(made, data):
    statuses = st.sampled_from(["ok", "warn", "fail", "unknown"])
    numbers = st.one_of(st.none(), st.floats(-1, 1))
    places = [
        ("quality", "missing_share", "day"),
        ("drift", "drift_score", "day"),
        ("drift", "drift_score", "period"),
        ("drift", "drift_share", None),
        ("performance", "drop", None),
        ("performance", "drop", None),
        ("performance", "mae", None),
        ("performance", "rmse", None),
    ]
    signals = [
        made.signal(monitor, metric, data.draw(statuses), column=column, value=data.draw(numbers))
        for monitor, metric, column in data.draw(st.lists(st.sampled_from(places), max_size=8))
    ]
    decisions = [made.past(h, "performance.drop > 0.03") for h in data.draw(st.sets(st.integers(1, 9), max_size=4))]
    updates = [made.run(h) for h in data.draw(st.sets(st.integers(1, 99), max_size=4))]
    rules = [{"when": "performance.drop > 0.03", "do": "warm_start", "persist": "2 of 3", "cooldown": "6h"}]

    one = made.judge(signals, *rules, past=made.history(decisions=decisions, updates=updates))
    two = made.judge(
        data.draw(st.permutations(signals)),
        *rules,
        past=made.history(decisions=data.draw(st.permutations(decisions)), updates=data.draw(st.permutations(updates))),
    )

    assert one == two
    assert one.action not in FIRING or one.triage.verdict != "broken_data"


@few
@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5), st.lists, max_leaves=5))
def test_no_value_in_a_window_makes_a_condition_raise(value):
    seen = {"triage": value, "new_rows": value, "performance": {"drop": value}, "drift": {"columns": value}}
    for text in ('triage == "harm"', "performance.drop > 0.1 && new_rows / new_rows == 1", "drift.columns[0] == 'a'"):
        assert isinstance(condition(text)(seen).holds, bool)
