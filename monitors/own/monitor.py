"""What a monitor of one's own is, and how those that the spec names are made.

from ratoon.data.window import Window
from ratoon.spec.values import Signal

class Fuel:
    name = "fuel"

    def __init__(self, most: float = 0.05) -> None:
        self.most = most

    def __call__(self, reference: Window, current: Window) -> list[Signal]:
        share = float((current.frame["fuel"] <= 0).mean())
        status = "fail" if share > self.most else "ok"
        return [Signal(monitor=self.name, metric="empty_tanks", value=share, threshold=self.most, status=status,
                       window=current.span, rows=current.rows)]
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Protocol

from ...data.window import Window
from ...spec.errors import SpecError
from ...spec.keys.watching import OwnMonitorSpec
from ...spec.model import Spec
from ...spec.user_code import OWN_NAME, check_own, make_own
from ...spec.values import BUILT_IN_MONITORS, Signal

GROUP = "ratoon.monitors"  # of entry points: packages that bring a monitor
RESERVED = frozenset({"drop", "estimated_drop", "drift_share", "drift_score", "label_delay_bias"})  # triage reads these
_CALL = "__call__(self, reference, current) that returns signals"


class OwnMonitor(Protocol):
    """A monitor: *name* is that of its signals; it is called with the windows, and keeps nothing between calls."""

    name: str

    def __call__(self, reference: Window, current: Window) -> Iterable[Signal]:
        """The signals of *current* beside *reference*; an empty window must not raise. Equal windows, equal signals.

        The frames are copies: rows in (_time, _id) order, features under their own names, `_target` NaN if no label
        has arrived. Counts such as `current.rows` are of the whole window, of which the frame may be a sample.
        """


def make_monitor(spec: Spec, number: int) -> OwnMonitor:
    """The monitor of `monitors.own[number]`. Raises SpecError naming what it lacks."""
    asked = spec.monitors.own[number]
    where = f"{spec.path}: monitors.own[{number}]"
    monitor: OwnMonitor = make_own(asked, GROUP, spec.folder, where)
    check_own(monitor, f"{where}: {asked.use!r}", BUILT_IN_MONITORS, _CALL)
    return monitor


def make_monitors(spec: Spec) -> list[OwnMonitor]:
    """All monitors of `monitors.own`, for `ratoon check`. Raises SpecError, for two of one name as well."""
    made = [make_monitor(spec, number) for number in range(len(spec.monitors.own))]
    names = [each.name for each in made]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise SpecError(f"{spec.path}: monitors.own: two of them are named {twice!r}; give each a name of its own")
    return made


def label_of(asked: OwnMonitorSpec) -> str:
    """What signals are named by if the monitor could not be made: what the spec calls it, as a name."""
    last = re.sub(r"[^a-z0-9_]+", "_", asked.use.rpartition(":")[2].lower()).strip("_")[:40]
    return last if OWN_NAME.fullmatch(last) and last not in BUILT_IN_MONITORS else f"own_{last}"[:40]
