"""The how-to's monitor is followed as a reader would: its file beside a spec, and the conformance suite."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from blocks import DOCS, blocks

from ratoon.monitors.own.conformance import faults
from ratoon.monitors.own.monitor import make_monitor
from ratoon.monitors.own.signals import own_signals
from ratoon.spec.model import Spec

sys.path.insert(0, str(Path(__file__).parents[1] / "monitors"))
from sensor_stream import pair, spec


def test_the_monitor_of_the_page_finds_what_it_says_and_conforms(tmp_path: Path) -> None:
    (code,) = (each.text for each in blocks(DOCS / "how-to" / "extend.md") if each.mark == "monitor")
    (tmp_path / "my_monitor.py").write_text(code)
    made: Spec = spec(own=["my_monitor.py:Tanks"])
    made._path = tmp_path / "spec.yaml"
    reference, current = pair()
    full = replace(current, frame=current.frame.assign(fuel=10.0))
    empty = replace(current, frame=current.frame.assign(fuel=0.0))
    before = replace(reference, frame=reference.frame.assign(fuel=10.0))
    for window, status in ((full, "ok"), (empty, "fail"), (current, "unknown")):
        (found,) = own_signals(made, before, window)
        assert (found.monitor, found.metric, found.status) == ("fuel", "empty_tanks", status)
    assert faults(make_monitor(made, 0), before, full) == []
