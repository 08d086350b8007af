"""The report's charts as plain values: lines, bands and marks over one axis of time; the template draws them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from ..ledger.ledger import UpdateRow
from ..pages.charts.axes import Level, Time
from ..pages.charts.chart import Chart, Dot, Series
from ..pages.charts.paths import Point, band, line
from ..pages.words import metric, rounded, within
from ..policy.rules.variables import value_of
from ..policy.wording import moment
from ..spec.values import Decision
from .life import Life

_THIN = 1.5  # of a limit's line


def charts(life: Life, time: Time, decisions: Sequence[Decision]) -> list[Chart]:
    """Performance, drift, data quality and cost."""
    looks = [each for each in decisions if each.window is not None]
    return [_performance(life, time, looks), _drift(time, looks), _quality(time, looks), _cost(life, time)]


def _performance(life: Life, time: Time, looks: Sequence[Decision]) -> Chart:
    greater, relative = life.greater_is_better, life.policy.is_relative
    value, low, high = (_series(looks, f"performance.{name}") for name in ("value", "low", "high"))
    estimate = _series(looks, "estimate.value")
    accepted = _series(looks, "performance.reference")
    limit = [(each.at, _limit(each, relative, greater)) for each in looks]
    level = Level.around(_present(value, low, high, accepted, limit, estimate))
    dots = _dots(time, level, looks, value, _told)
    series = [
        Series("when accepted", "grey", line(time, level, accepted)),
        _limited("harm begins", "vermillion", line(time, level, limit)),
        _limited("estimate without labels", "purple", line(time, level, estimate)),
        Series(life.metric, "blue", line(time, level, value), dots=dots),
    ]
    return Chart(
        title=f"Performance: {life.metric} ({'higher' if greater else 'lower'} is better)",
        about="Of the version that served, on labels that had arrived; the band is its 95 % interval.",
        up=level.ticks(),
        across=time.ticks(),
        series=series,
        band=band(time, level, low, high),
        empty="" if _present(value, estimate) else "It was not measured in any window.",
    )


def _told(look: Decision) -> str:
    said = within(*(value_of(f"performance.{name}", look.facts) for name in ("value", "low", "high")))
    return f"{moment(look.at)}: {said}, v{look.champion}"


def _moved(look: Decision) -> str:
    return f"{moment(look.at)}: {metric(value_of('drift.share', look.facts))}{_named(look, 'drift.columns')}"


def _failed(look: Decision) -> str:
    count = len(value_of("quality.failed", look.facts) or ())
    return f"{moment(look.at)}: {count} failed{_named(look, 'quality.failed')}"


def _limit(look: Decision, relative: bool, greater: bool) -> float | None:
    reference, limit = (value_of(f"performance.{name}", look.facts) for name in ("reference", "tolerance"))
    if reference is None or limit is None:
        return None
    most = limit * (abs(reference) if relative else 1.0)
    return float(reference - most if greater else reference + most)


def _drift(time: Time, looks: Sequence[Decision]) -> Chart:
    share, limit = _series(looks, "drift.share"), _series(looks, "drift.threshold")
    level = Level.around(_present(share, limit), zero=True)
    return Chart(
        title="Drift: share of columns that moved",
        about="From the threshold on, the window counts as drifted.",
        up=level.ticks(),
        across=time.ticks(),
        series=[
            _limited("threshold", "vermillion", line(time, level, limit)),
            Series("share drifted", "green", line(time, level, share), dots=_dots(time, level, looks, share, _moved)),
        ],
        empty="" if _present(share) else "No column could be judged in any window.",
    )


def _quality(time: Time, looks: Sequence[Decision]) -> Chart:
    failed: list[Point] = [(each.at, float(len(value_of("quality.failed", each.facts) or ()))) for each in looks]
    level = Level.around([*_present(failed), 1.0], zero=True, whole=True)
    return Chart(
        title="Data quality: failed checks",
        about="0 is what you want.",
        up=level.ticks(),
        across=time.ticks(),
        series=[
            Series(
                "failed checks", "purple", line(time, level, failed), dots=_dots(time, level, looks, failed, _failed)
            )
        ],
        empty="" if looks else "No window was looked at yet.",
    )


def _cost(life: Life, time: Time) -> Chart:
    ended = [(each.ended_at or each.at, each) for each in life.updates if each.outcome != "running"]
    total, sums = 0.0, list[tuple[datetime, float]]()
    for at, each in ended:
        total += each.cpu_seconds
        sums.append((at, total))
    level = Level.around([value for _, value in sums], zero=True)
    steps: list[Point] = [(time.start, 0.0)]
    for before, (at, value) in zip([0.0, *(value for _, value in sums)], sums, strict=False):
        steps += [(at, before), (at, value)]
    steps.append((time.end, total))
    dots = [
        Dot(time.place(at), level.place(value), _ran(at, each))
        for (at, each), (_, value) in zip(ended, sums, strict=True)
        if time.start <= at <= time.end
    ]
    return Chart(
        title="Cost: CPU seconds of training, summed up",
        about="A dot is one training run.",
        up=level.ticks(),
        across=time.ticks(),
        series=[Series("all runs so far", "orange", line(time, level, steps), dots=dots)],
        empty="" if ended else "No training run yet.",
    )


def _ran(at: datetime, update: UpdateRow) -> str:
    return f"{moment(at)}: {update.became}, {rounded(update.cpu_seconds)} CPU s on {update.rows:,} rows"


def _limited(name: str, colour: str, path: str) -> Series:
    return Series(name, colour, path, dash="dash", width=_THIN)


def _series(looks: Sequence[Decision], name: str) -> list[Point]:
    return [(each.at, _number(value_of(name, each.facts))) for each in looks]


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def _present(*series: Iterable[Point]) -> list[float]:
    return [value for each in series for _, value in each if value is not None]


def _named(look: Decision, name: str) -> str:
    names = value_of(name, look.facts) or ()
    return f" ({', '.join(map(str, names))})" if names else ""


def _dots(
    time: Time,
    level: Level,
    looks: Sequence[Decision],
    series: Sequence[Point],
    told: Callable[[Decision], str],
) -> list[Dot]:
    return [
        Dot(time.place(each.at), level.place(value), told(each))
        for each, (_, value) in zip(looks, series, strict=True)
        if value is not None
    ]
