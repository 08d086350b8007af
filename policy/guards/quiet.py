"""Quiet hours: when a rule keeps still whatever it sees."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from ...spec.keys.rules import Quiet, Rule
from ..wording import moment
from .case import Case, Veto


@dataclass(frozen=True)
class QuietHours:
    """No firing from *start* (included) to *end* (excluded) of each of *hours*, in UTC."""

    hours: tuple[Quiet, ...]
    name: ClassVar[str] = "quiet"

    def said(self, case: Case) -> str:
        ends = [end for each in self.hours if (end := quiet_until(each, case.now)) is not None]
        if ends:
            return f"these are quiet hours, until {moment(max(ends))} UTC; the rule's are {self._words()}"
        return f"these are no quiet hours; the rule's are {self._words()}"

    def __call__(self, case: Case) -> Veto | None:
        quiet = any(quiet_until(each, case.now) is not None for each in self.hours)
        return Veto(self.said(case)) if quiet else None

    def _words(self) -> str:
        written = Rule(when="true", do="hold", quiet=self.hours).model_dump(include={"quiet"})["quiet"]
        return ", ".join(written)


def quiet_until(quiet: Quiet, now: datetime) -> datetime | None:
    """When the hours that *now* lies in are over; None outside them.

    Hours past midnight count to the day on which they began; a start equal to the end means the whole day.
    """
    for day in (now.date(), now.date() - timedelta(days=1)):
        if day.weekday() not in quiet.days:
            continue
        start, end = datetime.combine(day, quiet.start), datetime.combine(day, quiet.end)
        if end <= start:
            end += timedelta(days=1)
        if start <= now < end:
            return end
    return None
