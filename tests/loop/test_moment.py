"""Moments that people give: any time zone, and none so far away that a window around it is no date."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from ratoon.loop.moment import EARLIEST, LATEST, as_utc
from ratoon.spec.errors import BadInput

FAR = timezone(timedelta(hours=14))


@pytest.mark.parametrize(
    "moment",
    [
        datetime.min,
        datetime.max,
        datetime.min.replace(tzinfo=FAR),
        datetime.max.replace(tzinfo=timezone(-timedelta(hours=14))),
        datetime(1600, 1, 1, tzinfo=UTC),
        datetime(2262, 1, 1),
    ],
)
def test_a_moment_at_the_end_of_time_is_bad_input(moment: datetime) -> None:
    with pytest.raises(BadInput, match=r"expected one from 1678-01-01"):
        as_utc(moment)


@pytest.mark.parametrize("moment", [EARLIEST.replace(tzinfo=FAR), LATEST - timedelta(seconds=1), datetime(1850, 3, 1)])
def test_others_are_read_as_utc(moment: datetime) -> None:
    found = as_utc(moment)
    assert found.tzinfo is None
    assert found == (moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None))
