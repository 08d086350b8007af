"""The tests that every guard of one's own must pass: run `faults` on yours, in your own tests.

from ratoon.policy.guards.conformance import faults

def test_it_is_a_guard():
    assert faults(Weekend()) == []
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from ...spec.errors import RatoonError
from ...spec.keys.rules import Policy, Rule
from ...spec.unexpected import users_code, worded
from ...spec.user_code import own_name_fault
from ...spec.values import History, PastDecision, PastUpdate, Verdict
from .built_in import BUILT_IN_GUARDS
from .case import Case
from .own import OwnGuard

_NOW = datetime(2026, 3, 4, 12)  # a Wednesday
_VERDICTS: tuple[Verdict, ...] = ("healthy", "unsure", "harm", "broken_data")


def faults(guard: OwnGuard) -> list[str]:
    """What *guard* does that a guard must not, a sentence each; none: it conforms."""
    return list(_faults(guard))


def _faults(guard: OwnGuard) -> Iterator[str]:
    if fault := own_name_fault(guard, BUILT_IN_GUARDS):
        yield f"name: {fault}"
    for what, case in _cases():
        before = case.history.model_dump_json()
        try:
            with users_code():
                answers = [guard(case), guard(case)]
        except (RatoonError, Exception) as error:
            yield f"{what}: it raised {worded(error)}"
            continue
        wrong = next((each for each in answers if each is not None and not isinstance(each, str)), None)
        if wrong is not None:
            yield f"{what}: it returned {type(wrong).__name__}; expected why the rule is held back, or None"
        elif answers[0] != answers[1]:
            yield f"{what}: asked twice it answers otherwise; a decision could not be taken again"
        if case.history.model_dump_json() != before:
            yield f"{what}: it changes the history that it is given"


def _cases() -> Iterator[tuple[str, Case]]:
    rule = Rule(when="true", do="warm_start")
    policy = Policy(rules=(rule,), metric="mae", every=timedelta(days=1))
    past = PastDecision(id="d", at=_NOW - timedelta(days=1), action="warm_start", matched=("true",), verdict="harm")
    run = PastUpdate(decision="d", started_at=_NOW - timedelta(days=1), outcome="refused")
    histories = {
        "no history": History(model="m"),
        "a refused run before": History(model="m", decisions=(past,), updates=(run,)),
    }
    for hours in (0, 12, 84):  # night, another day, a weekend
        for words, history in histories.items():
            for verdict in _VERDICTS:
                at = _NOW + timedelta(hours=hours)
                yield f"{at:%A %H:%M}, {words}, {verdict}", Case(rule, verdict, history, at, policy)
