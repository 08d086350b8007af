"""Call the monitors of the team's own: whatever they do, the window gets its signals and no traceback."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ...data.window import Window
from ...spec.errors import SpecError
from ...spec.model import Spec
from ...spec.unexpected import users_code, worded
from ...spec.values import Signal, finite
from .monitor import RESERVED, OwnMonitor, label_of, make_monitor

MOST = 1_000  # signals of one monitor in one window: each is a row of the ledger
BROKEN = "monitor"  # the metric of a signal that says why a monitor said nothing


def own_signals(spec: Spec, reference: Window, current: Window) -> list[Signal]:
    """The signals of every monitor in `monitors.own`; `unknown`, with the reason, of one that cannot be made or called.

    Each is named by its monitor, whatever it says itself, so that none speaks for another.
    """
    signals: list[Signal] = []
    names: set[str] = set()
    for number, asked in enumerate(spec.monitors.own):
        try:
            monitor = make_monitor(spec, number)
        except SpecError as error:
            signals.append(_unknown(label_of(asked), current, str(error)))
            continue
        if monitor.name in names:
            signals.append(
                _unknown(f"{monitor.name}_{number}"[:40], current, f"two monitors are named {monitor.name!r}")
            )
            continue
        names.add(monitor.name)
        signals += called(monitor, reference, current)
    return signals


def called(monitor: OwnMonitor, reference: Window, current: Window) -> list[Signal]:
    """What one monitor says of the window; a signal `unknown` in its place if it raises or returns anything else."""
    try:
        with users_code():
            found = list(_taken(monitor(reference=_copy(reference), current=_copy(current))))
        return [_checked(monitor.name, each) for each in found]
    except Exception as error:
        text = str(error) if isinstance(error, _Unfit) else f"it raised {worded(error)}"
        return [_unknown(monitor.name, current, text)]


class _Unfit(Exception):
    """What a monitor returned is no signals."""


def _taken(found: object) -> Iterable[object]:
    if not isinstance(found, Iterable) or isinstance(found, str | bytes | dict):
        raise _Unfit(f"it returned {type(found).__name__}; expected a list of Signal")
    for number, each in enumerate(found):
        if number >= MOST:
            raise _Unfit(f"it returned more than {MOST:,} signals; expected one for each thing that somebody acts on")
        yield each


def _checked(name: str, found: object) -> Signal:
    if not isinstance(found, Signal):
        raise _Unfit(f"it returned {type(found).__name__} among its signals; expected Signal")
    if found.metric in RESERVED:
        raise _Unfit(f"its metric {found.metric!r} is one that triage reads; expected another name")
    numbers = {each: finite(getattr(found, each)) for each in ("value", "low", "high", "reference", "threshold")}
    return found.model_copy(update={**numbers, "monitor": name, "snapshot": None, "within": None, "lasting": False})


def _copy(window: Window) -> Window:
    """The same rows for the monitor alone: what it changes in them, no other monitor sees."""
    return replace(window, frame=window.frame.copy())


def _unknown(name: str, current: Window, why: str) -> Signal:
    note = f"the monitor failed: {why}"
    return Signal(monitor=name, metric=BROKEN, status="unknown", note=note, window=current.span, rows=current.rows)
