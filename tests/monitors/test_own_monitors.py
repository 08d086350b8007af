"""A team's own monitors: named by file or entry point, called with the windows, and never a traceback."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sensor_stream import pair, spec

from ratoon.cli.commands.check import _own_monitors
from ratoon.loop.rehearsal import write_rehearsal
from ratoon.monitors.observe import Labels, observe
from ratoon.monitors.own.conformance import faults
from ratoon.monitors.own.monitor import make_monitor, make_monitors
from ratoon.monitors.own.signals import BROKEN, own_signals
from ratoon.policy.decide import decide
from ratoon.spec.errors import SpecError
from ratoon.spec.keys.rules import Policy, Rule
from ratoon.spec.load import load_spec
from ratoon.spec.model import Spec
from ratoon.spec.values import History, Signal

FUEL = """
from ratoon.spec.values import Signal

class Fuel:
    name = "fuel"

    def __init__(self, most=30.0):
        self.most = most

    def __call__(self, reference, current):
        value = float(current.frame["load"].mean())
        status = "fail" if value > self.most else "ok"
        return [Signal(monitor="quality", metric="mean_load", value=value, threshold=self.most, status=status,
                       window=current.span, rows=current.rows)]
"""
ODD = """
import sys
from ratoon.spec.values import Signal

def signal(current, **more):
    return Signal(**{"monitor": "x", "metric": "m", "status": "ok", "window": current.span, "rows": 1} | more)

class Odd:
    name = "odd"

class Raises(Odd):
    def __call__(self, reference, current):
        raise KeyError("load")

class Leaves(Odd):
    def __call__(self, reference, current):
        sys.exit(0)

class Nothing(Odd):
    def __call__(self, reference, current):
        return None

class Words(Odd):
    def __call__(self, reference, current):
        return ["fine"]

class Speaks(Odd):
    def __call__(self, reference, current):
        return [signal(current, metric="drop", status="fail", value=9.0)]

class Forever(Odd):
    def __call__(self, reference, current):
        while True:
            yield signal(current)

class Remembers(Odd):
    calls = 0
    def __call__(self, reference, current):
        Remembers.calls += 1
        return [signal(current, value=float(Remembers.calls))]

class Changes(Odd):
    def __call__(self, reference, current):
        current.frame.loc[:, "load"] = 0.0
        return [signal(current)]

class Silent(Odd):
    def __call__(self, reference, current):
        return []

class Twice(Odd):
    def __call__(self, reference, current):
        return [signal(current), signal(current, status="fail")]

class Endless(Odd):
    def __call__(self, reference, current):
        return [signal(current, value=float("nan"), high=float("inf"))]

class Nameless:
    def __call__(self, reference, current):
        return []

class Quality:
    name = "quality"
    def __call__(self, reference, current):
        return []

uncallable = type("U", (), {"name": "uncallable"})
"""


def own(folder: Path, *named: Any) -> Spec:
    (folder / "fuel.py").write_text(FUEL)
    (folder / "odd.py").write_text(ODD)
    made = spec(own=list(named))
    made._path = folder / "spec.yaml"
    return made


@pytest.fixture(autouse=True)
def without_their_modules() -> Iterator[None]:
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if name.startswith("_ratoon_build_"):
            del sys.modules[name]


def looked(made: Spec, *, pages: bool = False) -> Any:
    reference, current = pair()
    return observe(
        made,
        reference=reference,
        current=current,
        labels=Labels(
            outcomes=None,
            accepted=None,
            performance_span=current.span,
            coverage=1.0,
        ),
        pages=pages,
    )


def test_a_monitor_beside_the_spec_speaks_by_its_own_name_and_with_its_settings(tmp_path: Path) -> None:
    for entry, status in (("fuel.py:Fuel", "fail"), ({"use": "fuel.py:Fuel", "most": 1000}, "ok")):
        (found,) = (each for each in looked(own(tmp_path, entry)).signals if each.monitor == "fuel")
        assert (found.metric, found.status) == ("mean_load", status)


def test_a_package_brings_one_by_an_entry_point(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "installed"
    info = package / "teams_monitors-1.dist-info"
    info.mkdir(parents=True)
    (package / "teams_monitors.py").write_text(FUEL)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: teams-monitors\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[ratoon.monitors]\nfuel = teams_monitors:Fuel\n")
    monkeypatch.syspath_prepend(str(package))
    made = own(tmp_path, "fuel", {"use": "absent"})
    assert make_monitor(made, 0).name == "fuel"
    with pytest.raises(SpecError, match=r"monitors\.own\[1\]: 'absent'.*ratoon\.monitors \(.*fuel"):
        make_monitor(made, 1)


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("Raises", "KeyError"), ("Leaves", "SystemExit"), ("Nothing", "NoneType"), ("Words", "str"),
        ("Speaks", "drop"), ("Forever", "1,000"),
    ],
)  # fmt: skip
def test_whatever_one_does_the_others_speak_and_the_reason_is_a_signal(tmp_path: Path, kind: str, why: str) -> None:
    signals = looked(own(tmp_path, f"odd.py:{kind}", "fuel.py:Fuel")).signals
    (odd,) = (each for each in signals if each.monitor == "odd")
    assert (odd.metric, odd.status) == (BROKEN, "unknown")
    assert why in odd.note
    assert {each.monitor for each in signals} >= {"quality", "drift", "performance", "fuel"}


def test_one_that_cannot_be_made_is_a_signal_and_a_finding_of_check(tmp_path: Path) -> None:
    for named, why in (
        ("gone.py:Fuel", "gone.py"), ("fuel.py:Foul", "Fuel"), ({"use": "fuel.py:Fuel", "least": 1}, "least"),
        ("odd.py:Nameless", "name"), ("odd.py:Quality", "quality"), ("odd.py:uncallable", "__call__"),
    ):  # fmt: skip
        made = own(tmp_path, named)
        (found,) = own_signals(made, *pair())
        assert (found.metric, found.status) == (BROKEN, "unknown")
        assert why in found.note and found.monitor not in ("quality", "drift", "performance")
        with pytest.raises(SpecError, match=r"monitors\.own\[0\]"):
            list(_own_monitors(made))


def test_two_of_one_name_are_told_apart(tmp_path: Path) -> None:
    made = own(tmp_path, "fuel.py:Fuel", {"use": "fuel.py:Fuel", "most": 1.0})
    first, second = own_signals(made, *pair())
    assert (first.monitor, second.status) == ("fuel", "unknown")
    with pytest.raises(SpecError, match="fuel"):
        make_monitors(made)


def test_numbers_that_are_none_are_left_out_and_rows_stay_as_they_were(tmp_path: Path) -> None:
    reference, current = pair()
    kept = current.frame.copy()
    odd, fuel = own_signals(own(tmp_path, "odd.py:Endless", "fuel.py:Fuel"), reference, current)
    assert (odd.value, odd.high) == (None, None)
    own_signals(own(tmp_path, "odd.py:Changes"), reference, current)
    assert current.frame.equals(kept) and fuel.status == "fail"


def test_a_rule_acts_on_what_it_found_and_a_decision_says_so(tmp_path: Path) -> None:
    reference, current = pair()
    rule = Rule.model_validate({"when": "'fuel/mean_load' in own.failed", "do": "alert"})
    policy = Policy(metric="mae", every=timedelta(days=14), rules=(rule,))
    for most, action in ((1.0, "alert"), (1000.0, "hold")):
        signals = own_signals(own(tmp_path, {"use": "fuel.py:Fuel", "most": most}), reference, current)
        made = decide(signals, History(model="m"), policy, current.span.end, model="m", window=current.span)
        assert made.action == action
        assert any("fuel" in each for each in made.triage.evidence) is (action == "alert")
    silent = decide([], History(model="m"), policy, current.span.end, model="m", window=current.span)
    assert "failed" not in silent.facts.get("own", {})


def test_the_pages_show_it_beside_the_others(tmp_path: Path) -> None:
    seen = looked(own(tmp_path, "fuel.py:Fuel"), pages=True)
    assert seen.faults == ()
    (found,) = (each for each in seen.signals if each.monitor == "fuel")
    assert isinstance(found, Signal) and found.snapshot in {run.id for run in seen.runs}


@pytest.mark.parametrize(
    ("file", "kind", "fault"),
    [
        ("fuel.py", "Fuel", None), ("odd.py", "Raises", "KeyError"), ("odd.py", "Remembers", "second time"),
        ("odd.py", "Changes", "changes the rows"), ("odd.py", "Silent", "no signal"), ("odd.py", "Twice", "twice"),
    ],
)  # fmt: skip
def test_the_conformance_suite_names_what_is_wrong(tmp_path: Path, file: str, kind: str, fault: str | None) -> None:
    found = faults(make_monitor(own(tmp_path, f"{file}:{kind}"), 0), *pair())
    if fault is None:
        assert found == []
    else:
        assert any(fault in each for each in found)


def test_a_replay_finds_the_monitor_beside_the_live_spec(tmp_path: Path) -> None:
    live = own(tmp_path, "fuel.py:Fuel", {"use": "fuel.py:Fuel", "most": 5})
    written = load_spec(write_rehearsal(live, tmp_path / "elsewhere"))
    assert [make_monitor(written, number).name for number in (0, 1)] == ["fuel", "fuel"]
    assert written.monitors.own[1].settings == {"most": 5}
