"""Looking at one window, and what is left in Evidently's workspace."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from sensor_stream import FEATURES, changed, pair, spec

from ratoon.data.metrics.metrics import METRICS, Outcomes, interval
from ratoon.monitors.evidently.workspace import keep, link, project_id
from ratoon.monitors.observe import Observation, observe
from ratoon.monitors.profile import Profile, kinds_of, profile


def look(reference, current, outcomes="served", **monitors) -> Observation:
    rng = np.random.default_rng(0)
    target = current.frame["_target"].to_numpy()
    served = Outcomes(target, target + rng.normal(0, 10, len(target)))
    accepted = interval(METRICS["mae"], Outcomes(np.zeros(200), rng.normal(0, 10, 200)))
    return observe(
        spec(**monitors),
        reference=reference,
        current=current,
        outcomes=served if outcomes == "served" else outcomes,
        accepted=accepted,
        performance_span=current.span,
        coverage=1.0,
    )


def saved(workspace, observation, window, decision="d1"):
    return keep(
        workspace, "sensor", observation.runs, window=window, decision=decision, action="hold", triage="healthy"
    )


def test_a_window_gives_signals_of_every_monitor_and_a_page_for_each():
    seen = look(*pair())

    assert {s.monitor for s in seen.signals} == {"quality", "drift", "performance"}
    assert [run.title for run in seen.runs] == ["signals", "drift", "performance"]
    assert seen.faults == ()
    assert {s.snapshot for s in seen.signals} == {run.id for run in seen.runs}


def test_a_monitor_that_the_spec_turns_off_is_silent():
    seen = look(*pair(), quality=None, drift=None)

    assert {s.monitor for s in seen.signals} == {"performance"}


def test_looking_again_gives_the_same_signals():
    assert look(*pair()).signals == look(*pair()).signals


@pytest.mark.parametrize(
    "fault",
    [
        {name: np.nan if name in ("hour", "month", "temp", "load", "rain") else None for name in FEATURES},
        {"temp": np.inf, "load": -np.inf},
        {"weather": [["list"]] * 336},
        {"temp": "text", "weather": 3.0},
        {"_target": np.nan},
    ],
)
def test_no_window_however_broken_stops_the_monitors(fault):
    reference, current = pair()

    seen = look(reference, changed(current, **fault))

    assert {s.monitor for s in seen.signals} == {"quality", "drift", "performance"}


def test_an_empty_window_is_broken_and_unknown():
    reference, current = pair()

    seen = look(reference, replace(current, frame=current.frame.head(0), rows=0), outcomes=None)

    assert {s.metric for s in seen.signals if s.status == "fail"} == {"volume"}
    assert {s.status for s in seen.signals if s.monitor != "quality"} == {"unknown"}


def test_evidently_reads_what_was_kept(tmp_path):
    """The workspace opens by Evidently's own class: project, dashboard, snapshots with tags and the data's time."""
    from evidently.ui.workspace import Workspace

    reference, current = pair()
    ids = saved(tmp_path, look(reference, current), current.span)

    workspace = Workspace(str(tmp_path))
    (project,) = workspace.search_project("sensor")
    assert sorted(map(str, workspace.list_runs(project.id))) == sorted(ids)
    run = workspace.get_run(project.id, ids[1])
    assert run.timestamp == current.span.end
    assert {"drift", "action: hold", "triage: healthy", "decision: d1"} <= set(run.tags)
    assert run.metadata["model"] == "sensor"
    assert workspace.get_dashboard(project.id).panels


def test_keeping_twice_keeps_one(tmp_path):
    reference, current = pair()
    saved(tmp_path, look(reference, current), current.span)
    saved(tmp_path, look(reference, current), current.span, decision="d2")

    assert len(list((tmp_path / project_id("sensor") / "snapshots").iterdir())) == 3


def test_a_link_names_the_command_and_the_page(tmp_path):
    text = link(tmp_path, "sensor", "abc", port=9000)

    assert text.startswith(f"evidently ui --workspace {tmp_path} --port 9000")
    assert text.endswith(f"/projects/{project_id('sensor')}/reports/abc")


@pytest.mark.parametrize("task", ["binary", "multiclass"])
@pytest.mark.parametrize("classes", [(0, 1, 2), ("no", "yes", "maybe")])
def test_the_page_of_a_classification_is_drawn_or_left_out(task, classes):
    from ratoon.monitors.evidently.outcomes import outcome_report

    rng = np.random.default_rng(0)
    known = classes[:2] if task == "binary" else classes
    target = rng.choice(np.array(known, dtype=object), 300)
    score = rng.uniform(size=300) if task == "binary" else None

    assert outcome_report(task, Outcomes(target, rng.permutation(target), score, known)) is not None
    assert outcome_report(task, Outcomes(np.array([known[0]] * 300, dtype=object), target, score, known)) is None


def test_a_profile_describes_the_reference_and_survives_the_registry():
    reference, _ = pair()
    kinds = kinds_of(reference.frame, list(FEATURES))

    described = profile(reference, kinds)

    assert described.rows_per_day == pytest.approx(24)
    assert described.columns["hour"].low == 0 and described.columns["hour"].high == 23
    assert sum(described.columns["weather"].categories.values()) == pytest.approx(1)
    assert Profile.model_validate_json(described.model_dump_json()) == described


def test_the_screen_and_the_profile_cost_no_import_of_evidently():
    code = (
        "import sys, os, ratoon.monitors.profile, ratoon.monitors.quality, ratoon.monitors.observe; "
        "assert 'evidently' not in sys.modules; assert 'DO_NOT_TRACK' in os.environ"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
