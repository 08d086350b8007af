"""Quality: our own screen for broken data, before any engine sees the window.

Evidently is blind to a missing column, to missingness and to types, and crashes on what is ordinary in
production (an empty column, inf, an unseen class); so this screen is ours and needs no engine. A `fail` here is
evidence of broken data, which must never train a model; ordinary change (season, growth) must not fail.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from ..data.window import Window
from ..spec.model import QualitySpec
from ..spec.values import Signal, Status
from .columns import Finding, constant, missing_share, new_categories, out_of_range
from .profile import Profile
from .stretches import Stretches, stretches
from .units import envelope, quantiles, scale, swapped

MONITOR = "quality"
_ORDER = ("fail", "unknown", "warn", "ok")
_FAULTS = 0.05  # share of rows whose labels make no sense
_EXPECTED = 5  # fewer rows expected than this: their absence says nothing


@dataclass(frozen=True)
class Quality:
    """Screens for broken data over *features* (or the spec's `quality.columns`).

    Per metric one Signal for every column that failed, is unusual or could not be screened; where all are fine,
    one `ok` Signal that carries the largest value seen. No column, however broken, stops the others.
    *known* is all that the champion's history ever held: the reference is a stretch of it, and a category or
    value that was ordinary a year ago (a season) is not new because that stretch lacks it.
    """

    spec: QualitySpec
    features: tuple[str, ...]
    known: Profile | None = None

    def __call__(self, reference: Window, current: Window) -> list[Signal]:
        findings = [*self._window(reference, current)]
        if len(current.frame) and len(reference.frame):
            findings += self._columns(reference, current)
        return _signals(findings, current)

    def _window(self, reference: Window, current: Window) -> Iterator[Finding]:
        screened = self.spec.columns or self.features
        yield from _guarded("volume", None, lambda: [volume(reference, current, self.spec.volume)])
        yield from _guarded("duplicates", None, lambda: [duplicates(reference, current, self.spec.duplicates)])
        yield from _guarded("label_faults", None, lambda: [label_faults(reference, current)])
        yield from _guarded("missing_column", None, lambda: missing_columns(screened, current))
        yield from _guarded("schema", None, lambda: schema(screened, reference, current, self.known))

    def _columns(self, reference: Window, current: Window) -> Iterator[Finding]:
        at = stretches(reference, current)
        numbers = []
        for name in self.spec.columns or self.features:
            if name in current.missing_columns or name not in current.frame or name not in reference.frame:
                continue
            yield from _guarded("missing_share", name, lambda n=name: self._values(n, reference, current, at))  # type: ignore[misc]
            if reference.frame[name].dtype.kind == "f" and current.frame[name].dtype.kind == "f":
                numbers.append(name)
        yield from _guarded("scale", None, lambda: units(numbers, reference, current, at))

    def _values(self, name: str, reference: Window, current: Window, at: Stretches) -> Iterator[Finding]:
        was, now = reference.frame[name], current.frame[name]
        known = self.known.columns.get(name) if self.known else None
        found: list[Finding | None] = [missing_share(name, was, now, at, self.spec.missing)]
        if was.dtype.kind == "f" and now.dtype.kind == "f":
            found.append(out_of_range(name, was, now, at, self.spec.out_of_range, known=known))
        elif was.dtype.kind != "f" and now.dtype.kind != "f":
            found.append(new_categories(name, was, now, at, self.spec.new_categories, known=known))
        found.append(constant(name, reference.frame, now, current.span.length))
        return (each for each in found if each is not None)


def volume(reference: Window, current: Window, bounds: tuple[float, float]) -> Finding:
    """Rows in the window as a multiple of what the reference had in the same time.

    The reference's pace is the median over its stretches that have rows, so that a gap or a late start of the
    data does not dilute it; what its own slowest and busiest stretch had is ordinary. Too many rows are worth a
    look, not an alarm: growth is no fault, and rows that were written twice show as duplicates.
    """
    low, high = bounds
    length = current.span.length
    at = stretches(reference, current)
    if current.rows == 0:
        return Finding("volume", None, "fail", 0.0, 1.0, low, "the window has no rows")
    if length <= timedelta(0) or reference.rows < _EXPECTED or at.count == 0:
        return Finding("volume", None, "unknown", note="the reference is too small to know its pace")
    times = reference.frame["_time"]
    counts = np.bincount(at.of_row, minlength=at.count) * (reference.rows / len(reference.frame))
    covered = (times.max() - times.min()).to_pytimedelta()
    if covered <= timedelta(0):
        return Finding("volume", None, "unknown", note="all rows of the reference have the same time")
    paces = counts[counts > 0] * (length / (covered / at.count))
    expected = float(np.median(paces))
    ratio = current.rows / expected
    least, most = min(low, float(paces.min()) / expected), max(high, float(paces.max()) / expected)
    if ratio < least:
        # Poisson: so few rows must also be improbable at the least ordinary pace
        sure = expected >= _EXPECTED and current.rows + 2 * math.sqrt(current.rows + 1) < max(least * expected, 1)
        status: Status = "fail" if sure else "warn"
    else:
        status = "warn" if ratio > most and current.rows >= 2 * _EXPECTED else "ok"
    note = f"{current.rows} rows where the reference had about {expected:.0f} in the same time"
    return Finding("volume", None, status, ratio, 1.0, least if ratio < 1 else most, note if status != "ok" else "")


def duplicates(reference: Window, current: Window, most: float) -> Finding:
    """Share of the window's rows whose id was seen before; twice the reference's share is ordinary."""
    share, was = (w.duplicates / max(w.rows + w.duplicates, 1) for w in (current, reference))
    limit = max(most, 2 * was)
    status: Status = "fail" if share > limit else "ok"
    note = f"{current.duplicates} rows repeat an id that was seen before" if status == "fail" else ""
    return Finding("duplicates", None, status, share, was, limit, note)


def label_faults(reference: Window, current: Window) -> Finding:
    """Labels that make no sense: before their row's time, without a time, or for an unknown id."""
    faults = current.label_faults + current.orphan_labels
    share = faults / max(current.rows, 1)
    was = (reference.label_faults + reference.orphan_labels) / max(reference.rows, 1)
    limit = max(_FAULTS, 2 * was)
    status: Status = "fail" if share > limit and faults >= _EXPECTED else "warn" if faults else "ok"
    note = f"{current.label_faults} labels with an impossible time, {current.orphan_labels} for unknown ids"
    return Finding("label_faults", None, status, share, was, limit, note if faults else "")


def missing_columns(screened: Iterable[str], current: Window) -> list[Finding]:
    """Features that the source no longer has."""
    found = [
        Finding("missing_column", name, "fail", 1.0, 0.0, note=f"the source has no column {name!r} any more")
        for name in screened
        if name in current.missing_columns
    ]
    return found or [Finding("missing_column", None, "ok", 0.0, 0.0)]


def schema(screened: Iterable[str], reference: Window, current: Window, known: Profile | None = None) -> list[Finding]:
    """Columns whose type is of another sort than in the reference; a wider number is only worth a look.

    A source whose column changed its type as a whole reads alike in both windows, so that a column is also held
    against the kind that the champion learned (*known*), where it holds any value.
    """
    found = []
    for name in screened:
        learned = known.columns.get(name) if known else None
        if learned and name in current.frame and current.frame[name].notna().any():
            kind = "number" if current.frame[name].dtype.kind == "f" else "category"
            if kind != learned.kind:
                note = f"{name} was a {learned.kind} when the champion learned it and is a {kind}"
                found.append(Finding("schema", name, "fail", 1.0, 0.0, note=note))
                continue
        before, after = reference.schema.get(name), current.schema.get(name)
        if name in reference.frame and name in current.frame and name not in current.missing_columns:
            frames = reference.frame[name].dtype.kind != current.frame[name].dtype.kind
            sorts = before is not None and after is not None and sort_of(before) != sort_of(after)
            if frames or sorts or before != after:
                status: Status = "fail" if frames or sorts else "warn"
                note = f"{name} was {before or reference.frame[name].dtype} and is {after or current.frame[name].dtype}"
                found.append(Finding("schema", name, status, 1.0, 0.0, note=note))
    return found or [Finding("schema", None, "ok", 0.0, 0.0)]


def sort_of(kind: str) -> str:
    """`number`, `text`, `time` or the type's own name, from a type as the source writes it."""
    plain = kind.lower().lstrip("!")
    if plain.startswith(("int", "uint", "float", "double", "decimal", "bool", "real", "bigint", "smallint", "numeric")):
        return "number"
    if plain.startswith(("str", "varchar", "text", "enum", "object", "char", "uuid")):
        return "text"
    if plain.startswith(("timestamp", "date", "time")):
        return "time"
    return plain.split("(")[0].split("<")[0]


def units(names: list[str], reference: Window, current: Window, at: Stretches) -> list[Finding]:
    """Unit changes and swapped columns among the number columns *names*."""
    known = {n: e for n in names if (e := envelope(reference.frame[n].to_numpy(dtype=float), at)) is not None}
    now = {n: q for n in known if (q := quantiles(current.frame[n].to_numpy(dtype=float), known[n])) is not None}
    found, paired = [], set()
    for a, b, finding in swapped(known, now):
        found.append(finding)
        paired |= {a, b}
    if not found:
        found.append(Finding("swapped", None, "ok", 0.0, 0.0))
    found += [scale(n, known[n], now[n]) for n in now if n not in paired]
    return found


def _guarded(metric: str, column: str | None, screen: Callable[[], Iterable[Finding]]) -> list[Finding]:
    try:
        return list(screen())
    except Exception as error:  # a window, however broken, must not stop the other screens
        return [Finding(metric, column, "unknown", note=f"could not be screened: {type(error).__name__}: {error}")]


def _signals(findings: list[Finding], current: Window) -> list[Signal]:
    kept: list[Finding] = []
    for metric in dict.fromkeys(f.metric for f in findings):
        group = [f for f in findings if f.metric == metric]
        loud = [f for f in group if f.status != "ok"]
        kept += loud or [max(group, key=lambda f: f.value or 0.0)]
    kept.sort(key=lambda f: _ORDER.index(f.status))
    return [
        Signal(
            monitor=MONITOR,
            metric=f.metric,
            column=f.column,
            value=_plain(f.value),
            reference=_plain(f.reference),
            threshold=_plain(f.threshold),
            status=f.status,
            note=f.note,
            window=current.span,
            rows=current.rows,
        )
        for f in kept
    ]


def _plain(value: float | None) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None
