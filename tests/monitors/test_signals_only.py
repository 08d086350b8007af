"""Signals without pages: the same, and without Evidently."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sensor_stream import FEATURES, changed, pair, spec

from ratoon.data.metrics.metrics import METRICS, Outcomes, interval
from ratoon.data.window import Window
from ratoon.monitors.observe import Observation, observe


def look(reference: Window, current: Window, *, pages: bool, outcomes: Outcomes | None = None) -> Observation:
    rng = np.random.default_rng(0)
    accepted = interval(METRICS["mae"], Outcomes(np.zeros(200), rng.normal(0, 10, 200)))
    return observe(
        spec(),
        reference=reference,
        current=current,
        outcomes=outcomes,
        accepted=accepted,
        performance_span=current.span,
        coverage=1.0,
        pages=pages,
    )


def served(current: Window) -> Outcomes:
    target = current.frame["_target"].to_numpy()
    return Outcomes(target, target + np.random.default_rng(1).normal(0, 10, len(target)))


def bare(observation: Observation) -> list:
    return [s.model_copy(update={"snapshot": None}) for s in observation.signals]


ODD = {
    "clean": {},
    "drifted": {"temp": lambda c: c + 8, "load": lambda c: c * 1.4},
    "empty columns": {"temp": np.nan, "weather": None},
    "infinite": {"temp": np.inf, "load": lambda c: c.where(c.index % 5 > 0, -np.inf)},
    "other types": {"temp": "text", "weather": 3.0},
    "lists": {"weather": [["list"]] * 336},
    "new categories": {"weather": lambda c: c.str.upper()},
    "constant": {"load": 1.0, "season": "winter"},
}


@pytest.mark.parametrize("kind", ODD)
def test_without_pages_the_signals_are_equal(kind):
    reference, current = pair()
    window = changed(current, **ODD[kind])

    shown = look(reference, window, pages=True, outcomes=served(current))
    quiet = look(reference, window, pages=False, outcomes=served(current))

    assert list(quiet.signals) == bare(shown)
    assert quiet.runs == ()
    assert {s.snapshot for s in quiet.signals} == {None}


@pytest.mark.parametrize("rows", [0, 1, 150])
def test_without_pages_few_rows_give_equal_signals(rows):
    reference, current = pair()
    few = replace(current, frame=current.frame.head(rows), rows=rows)

    assert list(look(reference, few, pages=False).signals) == bare(look(reference, few, pages=True))


def test_evidently_draws_the_scores_and_verdicts_that_the_signals_hold():
    """Method and threshold are handed to it; its own tests then say the same of every column."""
    reference, current = pair()
    seen = look(reference, changed(current, **ODD["drifted"]), pages=True)
    page = next(run.snapshot for run in seen.runs if run.title == "drift")
    drawn = {}
    for result in page.metric_results.values():
        params = result.metric_value_location.metric.params
        if params["type"].endswith("ValueDrift"):
            drawn[params["column"]] = (float(result.value), {test.status.value for test in result.tests} == {"FAIL"})

    ours = {s.column: (s.value, s.status == "fail") for s in seen.signals if s.metric == "drift_score"}
    assert ours == drawn
    assert set(ours) == set(FEATURES)
    assert len(set(drawn.values())) > 2


def test_without_pages_evidently_is_not_imported():
    code = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from ratoon.data.metrics.metrics import Interval, Outcomes
from ratoon.monitors.observe import observe
from sensor_stream import pair, spec
reference, current = pair()
target = current.frame["_target"].to_numpy()
seen = observe(spec(), reference=reference, current=current, outcomes=Outcomes(target, target + 1.0),
               accepted=Interval(1.0, 0.9, 1.1, 200), performance_span=current.span, coverage=1.0, pages=False)
assert {{s.monitor for s in seen.signals}} == {{"quality", "drift", "performance"}}
assert not [s for s in seen.signals if "failed" in s.note or "screened" in s.note], seen.signals
assert "evidently" not in sys.modules
"""

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_reference_read_anew_gives_what_the_kept_one_gave():
    """What is kept of a reference is found by its content: another one with equal shape is another one."""
    reference, current = pair()
    first = look(reference, current, pages=False).signals

    look(changed(reference, temp=lambda c: c + 50), current, pages=False)

    assert look(replace(reference, frame=reference.frame.copy()), current, pages=False).signals == first
