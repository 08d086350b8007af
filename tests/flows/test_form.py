"""What a form cannot know is refused by the flow at once, in words; a shell is asked for less."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

import pytest

from ratoon.flows.prefect.form import explained, past, signed
from ratoon.flows.prefect.readable import one_line, unsaid
from ratoon.loop.moment import wall_clock
from ratoon.spec.errors import BadInput, Refused


@pytest.fixture
def in_a_deployment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT__RUNTIME__DEPLOYMENT__ID", "b1f1c6a4-0000-4000-8000-000000000000")


@pytest.mark.usefixtures("in_a_deployment")
def test_a_start_by_the_form_needs_a_reason_a_name_and_no_future() -> None:
    with pytest.raises(BadInput, match="`reason` is empty, and a promotion is written into the ledger"):
        explained("  ", "a promotion")
    with pytest.raises(BadInput, match="your name"):
        signed("", "a promotion")
    with pytest.raises(BadInput, match=r"still to come.*Nothing was changed"):
        past(wall_clock() + timedelta(days=1))
    explained("new tariff", "a retrain")
    signed("Kim", "a promotion")
    past(datetime(2020, 1, 1))
    past(None)


def test_a_shell_may_leave_the_reason_out_and_rehearse_the_future() -> None:
    explained("", "a retrain")
    signed("", "a promotion")
    past(wall_clock() + timedelta(days=400))


def raised(error: Exception) -> logging.LogRecord:
    try:
        raise error
    except Exception as caught:
        return logging.LogRecord(
            "prefect.flow_runs", logging.ERROR, __file__, 1, "Encountered exception: %r", (caught,),
            (type(caught), caught, caught.__traceback__),
        )  # fmt: skip


def test_a_refusal_is_one_line_in_the_log_of_a_run() -> None:
    record = raised(Refused("v7 is gone; nothing was changed."))
    assert one_line(record)
    assert (record.getMessage(), record.exc_info) == ("Refused: v7 is gone; nothing was changed.", None)


def test_an_error_that_nobody_foresaw_keeps_its_traceback() -> None:
    record = raised(KeyError("x"))
    assert one_line(record) and unsaid(record)
    assert record.exc_info is not None
