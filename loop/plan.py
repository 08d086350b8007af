"""Which moments of history a replay or a backtest turns through."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from ..data.source import Source
from ..spec.duration import format_duration, parse_duration
from ..spec.errors import BadInput
from ..spec.values import Span
from .moment import as_utc

MOST_MOMENTS = 100_000  # a look takes a good part of a second


@dataclass(frozen=True)
class Plan:
    """*start* is the moment that the first version is trained for; *moments* follow it, a step apart."""

    start: datetime
    moments: tuple[datetime, ...]

    @property
    def span(self) -> Span:
        """From the first version to the last moment."""
        return Span(start=self.start, end=self.moments[-1])

    @property
    def steps(self) -> tuple[Span, ...]:
        """The stretches between the moments, the one from the start to the first moment included."""
        ends = (self.start, *self.moments)
        return tuple(Span(start=a, end=b) for a, b in pairwise(ends))


def plan(source: Source, name: str, start: datetime | None, end: datetime | None, step: timedelta) -> Plan:
    """The moments from *start* (left out: when a third of the data's time has passed) to *end* (the data's).

    Raises BadInput, with the data's extent, where no moment lies inside the data; *name* is the spec's file.
    """
    whole = source.extent()
    if whole is None:
        raise BadInput(f"{name}: data.source holds no rows, so there is no history. Nothing was started.")
    first = as_utc(start) if start else (whole.start + whole.length / 3).replace(minute=0, second=0, microsecond=0)
    last = min(as_utc(end), whole.end) if end else whole.end
    if not whole.start < first or step > last - first:
        raise BadInput(
            f"From {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} in steps of {format_duration(step)} there is no "
            f"moment inside the data, which spans {whole}. "
            "Nothing was started; give another --start, --end or --every."
        )
    count = int((last - first) / step)
    if count > MOST_MOMENTS:
        raise BadInput(
            f"From {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} in steps of {format_duration(step)} there are "
            f"{count:,} moments; expected {MOST_MOMENTS:,} or fewer. Nothing was started; give another --every."
        )
    return Plan(first, tuple(first + step * n for n in range(1, count + 1)))


def step_of(every: str) -> timedelta:
    """The step as a length; raises BadInput for text that is none, and for nothing."""
    try:
        step = parse_duration(every)
    except ValueError as error:
        raise BadInput(f"every: found {every!r}; {error}. Nothing was started.") from None
    if step <= timedelta(0):
        raise BadInput(f"every: found {every!r}; expected more than nothing. Nothing was started.")
    return step
