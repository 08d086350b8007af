"""Evidently's pages are drawn for those who will open them, never because a look took place."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ratoon.loop.observe.pages import wants_pages
from ratoon.spec.keys.watching import MonitorsSpec, PagesSpec
from ratoon.spec.values import Decision, Triage

NOW = datetime(2026, 3, 12, 6, tzinfo=UTC)


def decision(action: str) -> Decision:
    return Decision.model_validate(
        {"id": "d", "model": "m", "at": NOW, "action": action, "triage": Triage(verdict="healthy")}
    )


@pytest.mark.parametrize(
    ("action", "drawn"),
    [("hold", False), ("alert", True), ("warm_start", True), ("full_retrain", True), ("roll_back", True)],
)
def test_by_default_a_run_or_an_alert_draws_them_and_a_quiet_look_does_not(action, drawn):
    assert wants_pages(MonitorsSpec().pages, decision(action), NOW - timedelta(days=1)) is drawn


def test_a_schedule_draws_them_once_in_each_period():
    weekly = PagesSpec(on=(), every=timedelta(days=7))  # a period ends on 2026-03-12 00:00

    assert wants_pages(weekly, decision("hold"), NOW - timedelta(days=1))
    assert not wants_pages(weekly, decision("hold"), NOW - timedelta(hours=1))
    assert wants_pages(weekly, decision("hold"), None)
    assert not wants_pages(weekly, decision("alert"), NOW - timedelta(hours=1))


def test_nothing_draws_them_where_nothing_is_asked_for():
    assert not any(wants_pages(PagesSpec(on=()), decision(each), None) for each in ("hold", "alert", "warm_start"))
