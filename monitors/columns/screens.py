"""Screens over one column: missing values, a column gone constant, new categories. Ranges have a file of their own.

Each returns a Finding: the measure, what it was held against, and whether it broke, is unusual, or is fine.
A share fails only when its one-sided 95 % Wilson bound (Wilson 1927) is above the threshold as well, so that
a small window does not fail by chance.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from ...data.doubts.doubts import NULL_WORDS, is_number
from ...spec.values import Status
from ..columnar import Codes, Columnar
from ..kept import REMEMBERED, Remembered
from ..profile import ColumnProfile
from ..stretches import Stretches, longest_run
from .pauses import pauses

FEW = 20  # fewer values than this say nothing of a column
_WORDS = 0.01  # of the rows, with a word for a missing value
HANDFUL = 5  # fewer rows than this are worth a look, not an alarm
_RUN = 0.3  # a reference run this long, as a share of the current window, makes a constant window ordinary
_COMPLETE = 500  # rows without a missing value, from which on a column has none by its nature
DOMINANT = 0.8  # so does a value that the reference holds this often
_POINTS = 6  # places in the reference from which the rest is looked at

# What follows from the reference alone, by its key and the column
_RUNS: Remembered[tuple[timedelta, int]] = Remembered(REMEMBERED)
_LATER: Remembered[float] = Remembered(REMEMBERED)
_ABSENT: Remembered[tuple[float, float, float]] = Remembered(REMEMBERED)


@dataclass(frozen=True)
class Finding:
    """What one screen saw; *value* in the metric's unit, *status* as in Signal."""

    metric: str
    column: str | None
    status: Status
    value: float | None = None
    reference: float | None = None
    threshold: float | None = None
    note: str = ""
    lasting: bool = False  # as in Signal
    within: tuple[float, float] | None = None  # as in Signal
    broke_off: bool = False  # the screen raised, so that nobody knows


def guarded(metric: str, column: str | None, screen: Callable[[], Iterable[Finding]]) -> list[Finding]:
    """What *screen* found, or one `unknown` of *metric*: no window, however broken, stops the other screens."""
    try:
        return list(screen())
    except Exception as error:
        note = f"could not be screened: {type(error).__name__}: {error}"
        return [Finding(metric, column, "unknown", note=note, broke_off=True)]


def surely_above(share: float, rows: int, threshold: float) -> bool:
    """Whether *share* of *rows* is above *threshold* with 95 % one-sided confidence (Wilson's bound)."""
    if share <= threshold or rows == 0:
        return False
    z = 1.645
    centre = share + z * z / (2 * rows)
    half = z * np.sqrt(share * (1 - share) / rows + z * z / (4 * rows * rows))
    return bool((centre - half) / (1 + z * z / rows) > threshold)


def missing_share(name: str, reference: Columnar, current: Columnar, at: Stretches, rise: float) -> Finding:
    """The share of missing values (NaN, None, ±inf) may rise by *rise* over the reference's worst stretch.

    Where the reference's own stretches lie further apart than *rise*, it may rise by as much as that; and it
    may double, since a column that is often missing is one that the model, and its owners, live with.
    """
    now = current.missing(name)
    ordinary, worst, apart = _ABSENT.make((at.key, name), lambda: _absent(reference.missing(name), at))
    rise = max(rise, worst, apart)
    share = float(now.mean()) if len(now) else 0.0
    limit = min(worst + rise, 0.999)
    status: Status = "ok"
    if share > worst and share > limit:
        status = "fail" if share >= 1 or surely_above(share, len(now), limit) else "warn"
    if worst >= 0.99 and status == "fail":
        status = "warn"  # it was as good as empty before
    note = f"{share:.1%} of {name} is missing; the reference had {ordinary:.1%}" if status != "ok" else ""
    return Finding("missing_share", name, status, share, ordinary, limit, note)


def nulls(
    name: str, reference: Columnar, current: Columnar, most: float, known: ColumnProfile | None
) -> Finding | None:
    """Missing values in a column that never lacked any, neither in the reference nor in what the champion learned.

    None where that is not so, or too few rows say so.
    """
    if len(reference) < _COMPLETE or reference.missing(name).any() or (known is not None and known.missing > 0):
        return None
    count, rows = int(current.missing(name).sum()), max(len(current), 1)
    status: Status = "fail" if count >= HANDFUL and count > most * rows else "warn" if count else "ok"
    note = f"{name} is missing in {count:,} of {rows:,} rows; it never was in the reference" if count else ""
    return Finding("nulls", name, status, count / rows, 0.0, most, note)


def constant(
    name: str,
    reference: Columnar,
    current: Columnar,
    length: timedelta,
    at: Stretches,
    known: ColumnProfile | None = None,
) -> Finding | None:
    """A column that varied in the reference holds one value all through the window.

    Ordinary where the reference itself stood still for long (a month, a season, a dry spell), where it held this very
    value nearly always, or where all others merely pause. None where the window has too few values to tell.
    """
    if current.is_number(name):
        values = current.array(name)
        values = values[~np.isnan(values)]
        rows, only = len(values), values[0] if len(values) else None
        several = rows > 0 and bool((values != only).any())
    else:
        codes = current.codes(name)
        rows, several = int((codes.of_row >= 0).sum()), len(codes.values) > 1
        only = codes.values[0] if len(codes.values) else None
    if rows < FEW:
        return None
    if several:
        return Finding("constant", name, "ok", 0.0, 0.0)
    present = reference.frame[name].dropna()
    if present.nunique() <= 1:
        return Finding("constant", name, "ok", 1.0, 1.0, note="")
    run, longest = _RUNS.make((at.key, name), lambda: longest_run(reference, name))
    held = float((present == only).mean())
    ordinary = run >= _RUN * length or longest >= max(_RUN * rows, FEW) or held >= DOMINANT
    ordinary = ordinary or pauses(name, only, reference, current, at, known)
    note = f"{name} is {only!r} in all {rows} rows; the reference had {present.nunique()} values"
    if ordinary:
        note += f", but stood still for up to {format_run(run)} and held this value in {held:.0%} of its rows"
    return Finding("constant", name, "warn" if ordinary else "fail", 1.0, 0.0, note=note)


def new_categories(
    name: str,
    reference: Columnar,
    current: Columnar,
    at: Stretches,
    most: float,
    *,
    known: ColumnProfile | None = None,
) -> Finding | None:
    """The share of rows whose category the reference lacks; ordinary is what later stretches had of it.

    What the champion's whole history held (*known*) is not new. A handful of rows is enough where they have a known
    category, written otherwise, and one in a hundred where they are blank or have a word for a missing value.
    """
    now, was = current.codes(name), reference.codes(name)
    counts = now.counts()
    rows = int(counts.sum())
    if rows == 0 or int((was.of_row >= 0).sum()) < FEW:
        return None
    seen = set(was.values)
    before = known.categories if known is not None else {}
    strange = np.flatnonzero([value not in seen and str(value) not in before for value in now.values])
    count = int(counts[strange].sum())
    share = count / rows
    ordinary = _LATER.make((at.key, name), lambda: _later_unseen(was, at))
    limit = max(most, ordinary)
    status: Status = "ok"
    if count:
        broken = count >= HANDFUL and len(seen) > 1 and ordinary < 0.999 and surely_above(share, rows, limit)
        status = "fail" if broken else "warn"
    note = ""
    spelt = _spelt_otherwise(now, was, strange)
    if spelt >= HANDFUL and status != "fail":
        status = "fail"
        note = f"{spelt} rows have a {name} that differs from a known one only by case, blanks or quotes; "
    nothing = int(sum(counts[each] for each in strange if _nothing(str(now.values[each]).strip(), was)))
    if nothing >= HANDFUL and nothing > _WORDS * rows and status != "fail":
        status = "fail"
        note += f"{nothing} rows have a blank, a word for a missing value or a bare number; "
    if count:
        often = strange[np.argsort(-counts[strange], kind="stable")][:3]
        names = ", ".join(repr(str(now.values[each])) for each in often)
        note += f"{count} of {rows} rows have a {name} that the reference lacks: {names}"
    return Finding("new_categories", name, status, share, ordinary, limit, note)


def _nothing(text: str, was: Codes) -> bool:
    """Whether *text* stands for no value: blank, a word for nothing, or -1 and the like where no name is a number."""
    return not text or text in NULL_WORDS or (is_number(text) and not any(is_number(str(each)) for each in was.values))


def _spelt_otherwise(now: Codes, was: Codes, strange: NDArray[np.intp]) -> int:
    """How many rows have one of the *strange* values that is a known one but for case and blanks; 0 where the reference
    itself is so."""
    if not len(strange):
        return 0
    known = {_plainly(value) for value in was.values}
    if len(known) < len(was.values):
        return 0
    counts = now.counts()
    return int(sum(counts[each] for each in strange if _plainly(now.values[each]) in known))


def _plainly(value: object) -> str:
    """A category without case, and without what surrounds it: blanks, quotes, the mark of a file's byte order."""
    return str(value).strip(" \t\r\n\u00a0\ufeff\"'").casefold()


def format_run(run: timedelta) -> str:
    return (
        f"{run / timedelta(days=1):.3g} days" if run >= timedelta(days=2) else f"{run / timedelta(hours=1):.3g} hours"
    )


def _absent(missing: NDArray[np.bool_], at: Stretches) -> tuple[float, float, float]:
    """The share of missing values, the largest in any stretch (or as a whole), and how far the stretches are apart."""
    share = float(missing.mean()) if len(missing) else 0.0
    shares = _shares(missing, at.of_row, at.count)
    return share, max(share, float(shares.max(initial=0.0))), float(np.ptp(shares)) if len(shares) else 0.0


def _shares(flags: NDArray[np.bool_], groups: NDArray[np.intp], count: int) -> NDArray[np.float64]:
    """The share of flagged rows in each stretch that has rows enough."""
    sizes = np.bincount(groups, minlength=count)
    shares = np.bincount(groups, weights=flags, minlength=count) / np.maximum(sizes, 1)
    return np.asarray(shares[sizes >= FEW])


def _largest_share(flags: NDArray[np.bool_], groups: NDArray[np.intp], count: int) -> float:
    return float(_shares(flags, groups, count).max(initial=0.0))


def points_of(count: int) -> list[int]:
    """Stretches after which the rest of the reference is compared with what came before."""
    return sorted({int(p) for p in np.linspace(0, count - 2, _POINTS)}) if count > 1 else []


def _later_unseen(values: Codes, at: Stretches) -> float:
    known = values.of_row >= 0
    codes, groups, count = values.of_row[known], at.of(known), at.count
    came = np.full(len(values.values), count)
    np.minimum.at(came, codes, groups)
    first = came[codes]  # stretch in which each value first came
    worst = 0.0
    for point in points_of(count):
        later = groups > point
        if (~later).sum() >= FEW and later.any():
            worst = max(worst, _largest_share(first[later] > point, groups[later], count))
    return worst
