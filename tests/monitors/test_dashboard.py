"""The dashboard of a model's project: made once, kept up with the spec, left to whoever changes it, and shown live."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sensor_stream import pair, spec

from ratoon.data.metrics.metrics import METRICS, Outcomes, interval
from ratoon.monitors.evidently.workspace import keep, project_id
from ratoon.monitors.observe import Observation, observe
from ratoon.spec.values import Span

MODEL = "sensor"


@pytest.fixture(scope="module")
def seen() -> tuple[Observation, Span]:
    """One window with all its pages."""
    reference, current = pair()
    rng = np.random.default_rng(0)
    target = current.frame["_target"].to_numpy()
    observation = observe(
        spec(),
        reference=reference,
        current=current,
        outcomes=Outcomes(target, target + rng.normal(0, 10, len(target))),
        accepted=interval(METRICS["mae"], Outcomes(np.zeros(200), rng.normal(0, 10, 200))),
        performance_span=current.span,
        coverage=1.0,
    )
    return observation, current.span


def kept(workspace: Path, seen: tuple[Observation, Span], *, metric: str = "mae") -> Path:
    """The project's folder after one window was kept."""
    observation, window = seen
    runs = [replace(run, metric=metric) for run in observation.runs]
    keep(workspace, MODEL, runs, window=window, decision="d1", action="warm_start", triage="harm")
    return workspace / project_id(MODEL)


def drawn(folder: Path) -> list[dict[str, str]]:
    """The labels of every line on the dashboard."""
    panels = json.loads((folder / "dashboard.json").read_text())["panels"]
    return [value["metric_labels"] for panel in panels for value in panel["values"]]


def points(folder: Path) -> dict[tuple[str, str], float]:
    """Every number that the snapshots hold for the dashboard."""
    found = {}
    for file in (folder / "snapshots").glob("*.json"):
        for result in json.loads(file.read_text())["metric_results"].values():
            params = result["metric_value_location"]["metric"]["params"]
            if params["type"].endswith("RatoonMeasure"):
                found[params["measure"], params["of"]] = result["value"]
    return found


def test_every_line_of_the_dashboard_has_a_point_in_every_window(tmp_path, seen):
    """No panel is empty: what is drawn is kept, thresholds and the decision included."""
    folder = kept(tmp_path, seen)
    numbers = points(folder)

    for labels in drawn(folder):
        assert any(labels["measure"] == m and labels.get("of", of) == of for m, of in numbers), labels
    assert [of for (measure, of), value in numbers.items() if measure == "action" and value] == ["warm_start"]
    assert [of for (measure, of), value in numbers.items() if measure == "verdict" and value] == ["harm"]


def test_the_level_where_harm_begins_is_that_of_the_drops_tolerance(tmp_path, seen):
    """For an error it lies above the accepted level by the tolerated share."""
    numbers = points(kept(tmp_path, seen))
    drop = next(s for s in seen[0].signals if s.metric == "drop")

    assert numbers["performance_accepted", "mae"] == drop.reference
    assert numbers["performance_limit", "mae"] == pytest.approx(drop.reference * (1 + drop.threshold))
    assert numbers["drop_limit", ""] == drop.threshold


def test_panels_are_made_once(tmp_path, seen):
    """Each is on one tab, under an id of its own, and keeping again writes nothing."""
    folder = kept(tmp_path, seen)
    first = (folder / "dashboard.json").read_bytes()
    written = (folder / "dashboard.json").stat().st_mtime_ns

    kept(tmp_path, seen)

    assert (folder / "dashboard.json").read_bytes() == first
    assert (folder / "dashboard.json").stat().st_mtime_ns == written
    made = json.loads(first)
    ids = [panel["id"] for panel in made["panels"]]
    assert sorted(ids) == sorted(set(ids)) == sorted(id for tab in made["tabs"] for id in tab["panels"])


def test_the_dashboard_follows_the_metric(tmp_path, seen):
    folder = kept(tmp_path, seen)
    kept(tmp_path, seen, metric="rmse")

    assert {labels["of"] for labels in drawn(folder) if labels["measure"] == "performance_value"} == {"rmse"}


def test_a_dashboard_that_a_person_changed_is_theirs(tmp_path, seen):
    """Also when the metric changes later; deleting the file brings ours back."""
    folder = kept(tmp_path, seen)
    (folder / "dashboard.json").write_text('{"tabs": [], "panels": []}')

    kept(tmp_path, seen, metric="rmse")
    assert json.loads((folder / "dashboard.json").read_text()) == {"tabs": [], "panels": []}

    (folder / "dashboard.json").unlink()
    kept(tmp_path, seen)
    assert drawn(folder)


def test_an_old_workspace_gains_the_dashboard_with_its_past(tmp_path, seen):
    """The first dashboard's lines bore no metric; its snapshots are given it, so that nothing is lost."""
    folder = kept(tmp_path, seen)
    titles = ["Performance: mae", "Drifted columns", "Broken data", "Drift of each column", "Rows", "Drop"]
    old = {"tabs": [{"title": "Windows"}], "panels": [{"title": title} for title in titles]}
    (folder / "ratoon.json").unlink()
    (folder / "dashboard.json").write_text(json.dumps(old))
    page = folder / "snapshots" / f"{seen[0].runs[0].id}.json"
    before = page.with_name("00000000-0000-4000-8000-000000000000.json")
    before.write_text(page.read_text().replace('"of": "mae"', '"of": ""'))

    kept(tmp_path, seen)

    assert before.read_text() == page.read_text()
    assert {"measure": "performance_value", "of": "mae"} in drawn(folder)


def test_an_open_ui_sees_a_new_model_and_its_next_window(tmp_path, seen):
    """Evidently's own watcher, as `evidently ui` starts it: no page must be refreshed by hand."""
    from evidently.ui.service.storage.local import create_local_project_manager
    from evidently.ui.service.storage.local.base import LocalState

    state = LocalState.load(str(tmp_path), None)
    create_local_project_manager(str(tmp_path), autorefresh=True, state=state)
    kept(tmp_path, seen)
    wanted = {run.id for run in seen[0].runs}
    until = time.monotonic() + 30

    def known() -> set[str]:
        return {str(id) for snapshots in list(state.snapshots.values()) for id in list(snapshots)}

    while known() != wanted and time.monotonic() < until:
        time.sleep(0.05)
    assert known() == wanted

    observation, window = seen
    other = replace(observation.runs[0], id="00000000-0000-4000-8000-000000000001")
    keep(tmp_path, MODEL, [other], window=window, decision="d2", action="hold", triage="healthy")
    while other.id not in known() and time.monotonic() < until:
        time.sleep(0.05)
    assert other.id in known()


def test_the_ui_reads_the_workspace_without_ratoon(tmp_path, seen):
    """A plain `evidently ui` finds points at the window's end; nothing of ours is imported there."""
    kept(tmp_path, seen)
    code = (
        "import sys, asyncio, warnings; warnings.simplefilter('ignore')\n"
        "from evidently.ui.service.storage.local.base import InMemoryDataStorage\n"
        "from evidently.ui.service.base import SeriesFilter\n"
        f"data = InMemoryDataStorage(path={str(tmp_path)!r})\n"
        "wanted = SeriesFilter(tags=[], metadata={}, metric='evidently:metric_v2:RatoonMeasure',"
        " metric_labels={'measure': 'drift_share'})\n"
        "(project,) = data.state.snapshots\n"
        "found = asyncio.run(data.get_data_series(project, [wanted], None, None))\n"
        "assert not [name for name in sys.modules if name.startswith('ratoon')]\n"
        "print(found.sources[0].timestamp.isoformat(), len(found.series[0].values))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert ran.stdout.split() == [seen[1].end.isoformat(), "1"]
