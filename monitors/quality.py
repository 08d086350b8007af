"""Quality: our own screen for broken data, before any engine sees the window.

Evidently is blind to a missing column, to missingness and to types, and crashes on what is ordinary in
production (an empty column, inf, an unseen class); so this screen is ours and needs no engine. A `fail` here is
evidence of broken data, which must never train a model; ordinary change (season, growth) must not fail.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache

from ..data.columns import TARGET
from ..data.window import Window
from ..spec.keys.watching import QualitySpec
from ..spec.values import Signal, Status, finite
from .columnar import Columnar
from .columns.alignment import misaligned
from .columns.order import scrambled
from .columns.ranges import out_of_range
from .columns.screens import FEW, Finding, constant, guarded, missing_share, new_categories, nulls
from .columns.stuck import stuck
from .columns.units import Envelope, envelope, quantiles, scale, swapped
from .labels.explained import explained
from .labels.judged import Judged
from .labels.revised import label_revisions
from .labels.screens import label_screens
from .lasting import CAN_LAST, lasting
from .profile import ColumnProfile, Profile
from .rows.clock import clock
from .rows.gone import REFERENCE, drawn, gone
from .rows.holes import holes
from .rows.multiplied import multiplied
from .rows.screens import copies, duplicates, label_faults, nameless, unreadable, volume
from .stretches import Stretches, known_stretches
from .unmeasured import UNSCREENED, Answered, Arrivals, silent_labels, unpredicted, unscreened

MONITOR = "quality"
_ORDER = ("fail", "unknown", "warn", "ok")


@dataclass(frozen=True)
class Quality:
    """Screens for broken data over *features* (or the spec's `quality.columns`).

    Per metric one Signal for every column that failed, is unusual or could not be screened; where all are fine,
    one `ok` Signal that carries the largest value seen. No column, however broken, stops the others.
    *known* is all that the champion's history ever held: the reference is a stretch of it, and a category or
    value that was ordinary a year ago (a season) is not new because that stretch lacks it. *judged* are labelled
    rows beside what the champion said of them: with them the labels are screened as well. *recent* gives the windows
    just before the current one, where the reference is older: what they already held lasts, and is no fault (see
    lasting.py). It is asked only where something failed. *answered* and *arrivals* tell whether champion and labels
    speak at all (see unmeasured.py).
    """

    spec: QualitySpec
    features: tuple[str, ...]
    known: Profile | None = None
    judged: Judged | None = None
    recent: Callable[[], Window | None] | None = None
    answered: Answered | None = None
    arrivals: Arrivals | None = None
    again: bool = False  # held against the windows just before, for what can last

    def __call__(self, reference: Window, current: Window) -> list[Signal]:
        recent = cache(self.recent) if self.recent is not None else None  # read once
        findings = replace(self, recent=recent)._findings(reference, current)
        if recent is not None and any(f.status == "fail" and f.metric in CAN_LAST for f in findings):
            before = recent()
            if before is not None and len(before.frame) >= FEW:
                again = replace(self, recent=None, again=True)._findings(before, current)
                findings = [lasting(each, again) for each in findings]
        return _signals(findings, current)

    def _findings(self, reference: Window, current: Window) -> list[Finding]:
        findings = [*self._window(reference, current)]
        if self.known and any(each.metric == REFERENCE and each.status == "fail" for each in findings):
            findings += self._by_profile(drawn(self.known, reference.span), current)
        elif len(current.frame) and len(reference.frame):
            findings += self._columns(reference, current)
        findings = [each for each in findings if each.metric not in self.spec.off]
        if UNSCREENED not in self.spec.off:
            findings += unscreened(findings, reference, current)
        return findings

    def _window(self, reference: Window, current: Window) -> Iterator[Finding]:
        screened = self.spec.columns or self.features
        yield from guarded("volume", None, lambda: [volume(reference, current, self.spec.rows)])
        yield from guarded("duplicates", None, lambda: [duplicates(reference, current, self.spec.limit("duplicates"))])
        yield from guarded("label_faults", None, lambda: [label_faults(reference, current)])
        yield from guarded("label_revisions", None, lambda: label_revisions(reference, current))
        yield from guarded("missing_column", None, lambda: missing_columns(screened, current))
        yield from guarded("schema", None, lambda: schema(screened, reference, current, self.known))
        yield from guarded("unreadable", None, lambda: unreadable(current, self.spec.apart))
        yield from guarded("nameless", None, lambda: nameless(current))
        if not self.again:
            yield from guarded(REFERENCE, None, lambda: gone(reference, current, self.known))
        yield from guarded("unpredicted", None, lambda: unpredicted(self.answered))
        yield from guarded("label_silence", None, lambda: silent_labels(self.arrivals, reference, current))

    def _columns(self, reference: Window, current: Window) -> Iterator[Finding]:
        old, new = Columnar(reference.frame), Columnar(current.frame)
        at = known_stretches(reference, current, old)
        numbers, screened, later = list[str](), list[str](), list[Finding]()
        scale = _per_row(reference) / _per_row(current)
        for name in self.spec.columns or self.features:
            if name in current.missing_columns or name not in current.frame or name not in reference.frame:
                continue
            if old.array(name).dtype.kind == new.array(name).dtype.kind:
                screened.append(name)
            yield from guarded("missing_share", name, lambda n=name: self._values(n, old, new, current, at))  # type: ignore[misc]
            if old.is_number(name) and new.is_number(name):
                numbers.append(name)
                # Here, while the column is sorted
                later += guarded("stuck", name, lambda n=name: _present(stuck(n, old, new, at, scale, self._known(n))))  # type: ignore[misc]
                later += guarded("misaligned", name, lambda n=name: _order(n, old, new, at))  # type: ignore[misc]
        yield from later
        yield from guarded("scale", None, lambda: units(numbers, reference, current, at, self.recent))
        yield from guarded("misaligned", None, lambda: misaligned(screened, old, new, at))
        yield from guarded("clock", None, lambda: clock([*numbers, TARGET], reference, current, old, new, at))
        yield from guarded("copies", None, lambda: [copies(old, new, self.spec.limit("duplicates"), at, self.features)])
        pace = _pace(current) / max(_pace(reference), 1e-9)
        yield from guarded("multiplied", None, lambda: multiplied(old, new, at, self.features, pace))
        yield from guarded("holes", None, lambda: holes(old, new, current, at))
        if self.judged is not None:
            yield from label_screens(self.judged, numbers, reference, current, old, new, at)
        if self.judged is not None and not self.again:  # these hold their own windows against each other
            judged = self.judged
            yield from guarded("label_group", None, lambda: explained(judged))

    def _by_profile(self, learned: Window, current: Window) -> Iterator[Finding]:
        """The screens of single columns against *learned*, rows that stand for what the champion learned."""
        old, new = Columnar(learned.frame), Columnar(current.frame)
        at = known_stretches(learned, current, old)
        for name in self.spec.columns or self.features:
            if name in current.frame and name in learned.frame and name not in current.missing_columns:
                yield from guarded("missing_share", name, lambda n=name: self._values(n, old, new, current, at))  # type: ignore[misc]

    def _known(self, name: str) -> ColumnProfile | None:
        return self.known.columns.get(name) if self.known else None

    def _values(self, name: str, was: Columnar, now: Columnar, current: Window, at: Stretches) -> Iterator[Finding]:
        known = self._known(name)
        found: list[Finding | None] = [
            missing_share(name, was, now, at, self.spec.limit("missing")),
            nulls(name, was, now, self.spec.lacking, known),
        ]
        if was.is_number(name) and now.is_number(name):
            found.append(
                out_of_range(name, was, now, at, self.spec.limit("out_of_range"), self.spec.apart, known=known)
            )
        elif not was.is_number(name) and not now.is_number(name):
            found.append(new_categories(name, was, now, at, self.spec.limit("new_categories"), known=known))
        found.append(constant(name, was, now, current.span.length, at, known))
        return (each for each in found if each is not None)


def missing_columns(screened: Iterable[str], current: Window) -> list[Finding]:
    """Features that the source no longer has."""
    near = {name.casefold(): name for name in current.schema}
    found = []
    for name in screened:
        if name in current.missing_columns:
            note = f"the source has no column {name!r} any more"
            note += f", but {near[name.casefold()]!r}" if name.casefold() in near else ""
            found.append(Finding("missing_column", name, "fail", 1.0, 0.0, note=note))
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


def units(
    names: list[str],
    reference: Window,
    current: Window,
    at: Stretches,
    recent: Callable[[], Window | None] | None = None,
) -> list[Finding]:
    """Unit changes and swapped columns among the number columns *names*; *recent* gives the windows just before."""
    known = {n: e for n in names if (e := envelope(n, reference.frame[n].to_numpy(dtype=float), at)) is not None}
    values = {n: current.frame[n].to_numpy(dtype=float) for n in known}
    now = {n: q for n in known if (q := quantiles(values[n], known[n])) is not None}
    found: list[Finding] = []
    paired: set[str] = set()
    for names_held, finding in swapped(known, now):
        found.append(finding)
        paired |= names_held
    if not found:
        found.append(Finding("swapped", None, "ok", 0.0, 0.0))

    def before(name: str) -> Envelope | None:
        window = recent() if recent is not None else None
        if window is None or name not in window.frame or window.frame[name].dtype.kind != "f":
            return None
        at_then = known_stretches(window, current, Columnar(window.frame))
        return envelope(name, window.frame[name].to_numpy(dtype=float), at_then)

    judged = (scale(n, known[n], values[n], lambda n=n: before(n)) for n in now if n not in paired)  # type: ignore[misc]
    return [*found, *(each for each in judged if each is not None)]


def _order(name: str, was: Columnar, now: Columnar, at: Stretches) -> list[Finding]:
    return _present(scrambled(name, was.numbers(name), now.numbers(name), at))


def _per_row(window: Window) -> float:
    """How many rows of the source one row of the frame stands for."""
    return window.rows / max(len(window.frame), 1)


def _pace(window: Window) -> float:
    """Rows of the frame by the second."""
    return len(window.frame) / max(window.span.length.total_seconds(), 1e-6)


def _present(finding: Finding | None) -> list[Finding]:
    return [] if finding is None else [finding]


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
            value=finite(f.value),
            reference=finite(f.reference),
            threshold=finite(f.threshold),
            status=f.status,
            note=f.note,
            lasting=f.lasting,
            within=f.within,
            window=current.span,
            rows=current.rows,
        )
        for f in kept
    ]
