"""No sequence of windows beats the guards, nothing later is looked at, and no order says anything."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratoon.policy.decide import decide
from ratoon.policy.rules.conditions import condition
from ratoon.spec.values import FIRING, PastUpdate

from .lived import few, live, told_live, tomorrow, windows

COOLDOWN, DAY, RUNS, CPU = timedelta(hours=1), timedelta(days=1), 3, 70.0
GUARDED = {
    "cooldown": "1h",
    "budget": {"runs": RUNS, "per": "24h"},
    "cost": {"cpu": "70s", "per": "96h"},
    "quiet": ["22:00-06:00", "tue 12:00-18:00"],
    "back_off": {"first": "4h", "most": "1d"},
}
COSTS = {"cpu_hour": 1.0, "error": 0.1, "cpu_seconds": 20.0}


@pytest.mark.parametrize("declared", [(), *((name,) for name in GUARDED), tuple(GUARDED)], ids=" ".join)
@few
@given(windows)
def test_no_sequence_of_windows_beats_the_guards(made, declared, windows):
    """Each guard alone, all of them, and those that no rule need declare."""
    guards = {name: GUARDED[name] for name in declared}
    rules = (
        {"when": "performance.drop > 0.03", "do": "warm_start", **guards},
        {"when": 'triage != "healthy"', "do": "full_retrain", **guards},
    )
    policy = made.policy(*rules, costs=COSTS, triage={"persist": "2 of 3"})
    starts = []
    for moment in live(made, windows, policy):
        if not moment.decision.fires:
            continue
        now, runs = moment.now, moment.runs
        assert moment.window.kind != "broken"
        assert not [u for u in runs if _in_run(u, now, policy.abandon_after)]
        if "quiet" in guards:
            assert 6 <= now.hour < 22
            assert not (now.weekday() == 1 and 12 <= now.hour < 18)
        if "back_off" in guards:
            assert now >= _free_again(runs, now)
        starts.append((now, 20.0 if moment.window.takes is None else moment.window.cpu_seconds))
    if "cooldown" in guards:
        assert all(later - earlier >= COOLDOWN for (earlier, _), (later, _) in pairwise(starts))
    if "budget" in guards:
        assert all(sum(end - DAY < at <= end for at, _ in starts) <= RUNS for end, _ in starts)
    if "cost" in guards:
        assert all(sum(cpu for at, cpu in starts if end - 4 * DAY < at <= end) <= CPU + 1e-9 for end, _ in starts)


def _in_run(run: PastUpdate, now, abandon_after) -> bool:
    unfinished = run.ended_at is None or run.ended_at > now
    return unfinished and now - run.started_at < abandon_after


def _free_again(runs, now):
    """When the back-off is over, told from the runs in a way of its own."""
    free, count, last = now, 0, None
    for run in runs:
        if run.ended_at is None or run.ended_at > now:
            continue
        rejected = run.rejected_at is not None and run.rejected_at <= now
        if run.outcome == "refused" or rejected:
            count, event = count + 1, run.rejected_at if rejected else run.ended_at
            last = event if last is None else max(last, event)
        elif run.outcome == "registered":
            count, last = 0, None
    if last is not None:
        free = last + min(timedelta(hours=4) * 2 ** (count - 1), timedelta(days=1))
    return free


@few
@given(windows)
def test_a_decision_is_a_function_of_its_arguments_and_sees_nothing_later_nor_itself(made, windows):
    """So a window fires once: taken again with its own run in the history, it is the same decision."""
    policy = made.policy(
        {"when": "performance.drop > 0.03", "do": "warm_start", **GUARDED},
        {"when": "score.waited > 0 || back_off.refusals > 9", "do": "alert"},
        share={"warm_up": 5, "fixed": 0.3},
        tolerance={"warm_up": 5, "fixed": 0.02},
        costs=COSTS,
    )
    ids = set()
    for moment in live(made, windows, policy):
        for history in (told_live(moment), tomorrow(moment)):
            again = decide(moment.signals, history, policy, moment.now, model="price", window=made.WINDOW)
            assert again == moment.decision
        assert moment.decision.id not in ids
        ids.add(moment.decision.id)


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
        ("estimate", "estimated_drop", None),
        ("estimate", "mae", None),
    ]
    signals = [
        made.signal(monitor, metric, data.draw(statuses), column=column, value=data.draw(numbers))
        for monitor, metric, column in data.draw(st.lists(st.sampled_from(places), max_size=8))
    ]
    known = st.fixed_dictionaries(
        {},
        optional={
            "drift.share": st.floats(0, 1),
            "drift.moved": st.booleans(),
            "performance.failing": st.booleans(),
            "estimate.failing": st.booleans(),
            "performance.drop": st.floats(-1, 1),
            "cost.step": st.floats(0, 1),
        },
    )
    verdicts = st.sampled_from(["harm", "healthy", "unsure", "broken_data", "harmless_shift"])
    outcomes = st.sampled_from(["registered", "refused", "failed", "running", "shadow", "nothing_new", "abandoned"])
    decisions = [
        made.past(h, "performance.drop > 0.03", verdict=data.draw(verdicts), known=data.draw(known))
        for h in data.draw(st.sets(st.integers(1, 20), max_size=9))
    ]
    updates = [
        made.run(h, data.draw(outcomes), cpu_seconds=data.draw(st.floats(0, 9)), gain=data.draw(numbers))
        for h in data.draw(st.sets(st.integers(1, 99), max_size=4))
    ]
    rules = [{"when": "performance.drop > 0.03", "do": "warm_start", "persist": "2 of 3", **GUARDED}]
    more = {
        "share": {"warm_up": 5, "windows": 6, "fixed": 0.3},
        "tolerance": {"warm_up": 5, "windows": 6, "fixed": 0.02},
        "triage": {"persist": "2 of 4"},
        "estimate": data.draw(st.sampled_from(["off", "advise", "count"])),
        "costs": COSTS,
    }

    one = made.judge(signals, *rules, past=made.history(decisions=decisions, updates=updates), **more)
    two = made.judge(
        data.draw(st.permutations(signals)),
        *rules,
        past=made.history(decisions=data.draw(st.permutations(decisions)), updates=data.draw(st.permutations(updates))),
        **more,
    )

    assert one == two
    assert one.action not in FIRING or one.triage.verdict != "broken_data"


@few
@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5), st.lists, max_leaves=5))
def test_no_value_in_a_window_makes_a_condition_raise(value):
    seen = {"triage": value, "new_rows": value, "performance": {"drop": value}, "drift": {"columns": value}}
    for text in ('triage == "harm"', "performance.drop > 0.1 && new_rows / new_rows == 1", "drift.columns[0] == 'a'"):
        assert isinstance(condition(text)(seen).holds, bool)
