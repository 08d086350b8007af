"""The how-to's monitor is followed as a reader would: its file beside a spec, and the conformance suite."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from blocks import DOCS, blocks

from ratoon.monitors.own.conformance import faults
from ratoon.monitors.own.monitor import make_monitor
from ratoon.monitors.own.signals import own_signals
from ratoon.policy.guards.case import Case
from ratoon.policy.guards.conformance import faults as faults_of_a_guard
from ratoon.policy.guards.own import make_guard
from ratoon.spec.keys.rules import OwnGuardSpec, Policy, Rule
from ratoon.spec.model import Spec
from ratoon.spec.values import History

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


def test_the_guard_of_the_page_holds_back_and_conforms(tmp_path: Path) -> None:
    (code,) = (each.text for each in blocks(DOCS / "how-to" / "extend.md") if each.mark == "guard")
    (tmp_path / "my_guard.py").write_text(code)
    guard = make_guard(OwnGuardSpec.model_validate({"use": "my_guard.py:Freeze", "months": [1]}), tmp_path, "spec.yaml")
    rule = Rule(when="true", do="warm_start")
    policy = Policy(rules=(rule,), metric="mae", every=timedelta(days=1))
    answers = [guard(Case(rule, "healthy", History(model="m"), datetime(2026, month, 5), policy)) for month in (1, 2)]
    assert answers[0] is not None and answers[1] is None
    assert faults_of_a_guard(guard) == []
