"""In quiet hours a rule keeps still."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from ratoon.policy.guards.quiet import quiet_until
from ratoon.spec.keys.rules import Rule

SUNDAY = datetime(2026, 3, 1)


def hours(text):
    return Rule.model_validate({"when": "true", "do": "hold", "quiet": (text,)}).quiet[0]


@pytest.mark.parametrize(
    ("text", "at", "until"),
    [
        ("12:00-14:00", "11:59", None),
        ("12:00-14:00", "12:00", "14:00"),
        ("12:00-14:00", "14:00", None),
        ("22:00-06:00", "23:00", "30:00"),
        ("22:00-06:00", "05:59", "06:00"),
        ("22:00-06:00", "06:00", None),
        ("sat 22:00-06:00", "05:00", "06:00"),  # Sunday morning counts to the Saturday it began on
        ("sat 22:00-06:00", "23:00", None),
        ("sun 22:00-06:00", "05:00", None),
        ("sun 22:00-06:00", "22:00", "30:00"),
        ("sat-sun 00:00-24:00", "00:00", "24:00"),
        ("sat-sun 00:00-24:00", "23:59", "24:00"),
        ("mon-fri 00:00-24:00", "12:00", None),
        ("sat 00:00-24:00", "00:00", None),
        ("sat 08:00-08:00", "07:00", "08:00"),
    ],
)
def test_hours_are_quiet_from_their_start_to_their_end(text, at, until):
    def clock(value):
        hour, minute = map(int, value.split(":"))
        return SUNDAY + timedelta(hours=hour, minutes=minute)

    assert quiet_until(hours(text), clock(at)) == (until and clock(until))


def test_a_quiet_rule_is_held_back_and_says_until_when(made):
    rule = {"when": "true", "do": "warm_start", "quiet": ["mon 01:00-02:00", "sun 11:00-13:00"]}
    held = made.judge(made.harmful(), rule)
    free = made.judge(made.harmful(), rule, now=made.NOW + timedelta(hours=1))

    assert held.action == "hold"
    assert (
        "these are quiet hours, until 2026-03-01 13:00 UTC; the rule's are mon 01:00-02:00, sun 11:00-13:00"
        in (held.reasons[0])
    )
    assert free.action == "warm_start"
