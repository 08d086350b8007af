"""The how-to's monitor, guard and metric are followed as a reader would: a file beside a spec, and the suites."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from blocks import DOCS, blocks

from ratoon.data.metrics.conformance import faults as faults_of_a_metric
from ratoon.data.metrics.conformance import made_outcomes
from ratoon.data.metrics.own import metric_of
from ratoon.monitors.own.conformance import faults
from ratoon.monitors.own.monitor import make_monitor
from ratoon.monitors.own.signals import own_signals
from ratoon.policy.guards.case import Case
from ratoon.policy.guards.conformance import faults as faults_of_a_guard
from ratoon.policy.guards.own import make_guard
from ratoon.spec.keys.rules import OwnGuardSpec, Policy, Rule
from ratoon.spec.load import load_spec
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


def test_the_metrics_of_the_page_say_what_a_reader_counts_and_conform(tmp_path: Path) -> None:
    page = blocks(DOCS / "how-to" / "extend.md")
    for mark, file in (("metric", "my_metric.py"), ("scorer", "my_scorer.py")):
        (code,) = (each.text for each in page if each.mark == mark)
        (tmp_path / file).write_text(code)
    good, _ = made_outcomes("binary")
    parts = [each.text for each in page if each.mark == "spec" and "metric:" in each.text]
    for part, name in zip(parts, ("fraud_cost", "fraud_cost", "f2"), strict=True):
        (tmp_path / "spec.yaml").write_text(
            "model: m\ntask: binary\ndata: {source: a.parquet, id: i, time: t, target: y, label_delay: 1d}\n"
            f"learner: {{build: training.py:build}}\n{part}"
        )
        spec = load_spec(tmp_path / "spec.yaml")
        metric, declared = metric_of(spec), spec.own_metric
        assert metric.name == name and declared is not None
        assert faults_of_a_metric(declared, "binary") == []
        if name == "fraud_cost":
            missed = declared.function.missed  # type: ignore[attr-defined]
            flagged = good.score >= 1 / (1 + missed)
            lost = missed * np.sum((good.target == 1) & ~flagged) + np.sum((good.target == 0) & flagged)
            assert np.isclose(metric(good), lost / len(good))
