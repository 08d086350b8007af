"""The pages logged with a version: small, whole, without script or network, and nothing in the data writes markup."""

from __future__ import annotations

import base64
import gzip
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ratoon.monitors.evidently.pages import MOST, reports_of
from ratoon.monitors.evidently.report import Run, drift_report
from ratoon.monitors.evidently.workspace import keep, project_id
from ratoon.spec.values import Span

EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>&\"'"


def kept(folder: Path, *snapshots: dict[str, Any]) -> list[str]:
    place = folder / project_id("m") / "snapshots"
    place.mkdir(parents=True)
    for number, each in enumerate(snapshots):
        (place / f"{number}.json").write_text(json.dumps(each))
    return [str(number) for number in range(len(snapshots))]


def snapshot(title: str, columns: int, points: int = 50, name: str = "c") -> dict[str, Any]:
    """As Evidently writes one: for each column a figure, a graph and a test, of which the last one failed."""
    widgets: list[dict[str, Any]] = []
    results = {}
    for number in range(columns):
        column, key = f"{name}{number}", f"k{number}"
        bars = {"type": "bar", "name": "current", "x": list(range(points)), "y": [number + 1.5] * points}
        names = {"type": "scatter", "name": name, "x": [name, "b"], "y": [1, float("1e300")]}
        counter = {"counters": [{"value": column, "label": "drift"}]}
        widgets += [
            {"type": "counter", "params": counter, "linked_metrics": [key]},
            {"type": "big_graph", "title": column, "params": {"data": [bars, names]}, "linked_metrics": [key]},
        ]
        results[key] = {"tests": [{"status": "FAIL" if number == columns - 1 else "SUCCESS"}]}
    table = {"header": ["column", name], "data": [[name, name]]}
    return {
        "name": f"{name} {title}",
        "tags": [title],
        "metadata": {"model": name},
        "metric_results": results,
        "widgets": [*widgets, {"type": "table", "title": name, "params": table}],
        "tests_widgets": [],
    }


@pytest.mark.parametrize("columns", [1, 40, 700])
def test_all_pages_of_a_version_fit_into_one_megabyte(tmp_path: Path, columns: int) -> None:
    """However wide the data: what failed is kept, and what was left out is counted."""
    wide = [snapshot(title, columns, points=200) for title in ("drift", "performance", "signals")]
    pages = reports_of(tmp_path, "m", kept(tmp_path, *wide))
    assert sorted(pages) == ["drift.html", "performance.html", "signals.html"]
    assert sum(len(each.encode()) for each in pages.values()) <= MOST <= 1_000_000
    drift = pages["drift.html"]
    assert f"<h2>c{columns - 1}" in drift or f": c{columns - 1}</h2>" in drift
    assert ("did not fit" in drift) == (columns == 700)


def test_names_and_values_of_the_data_write_no_markup(tmp_path: Path) -> None:
    (page,) = reports_of(tmp_path, "m", kept(tmp_path, snapshot("drift", 3, name=EVIL))).values()
    assert not re.search(r"<(script|img|iframe|link|object)\b", page)
    assert "onerror=alert" in page.replace("&gt;", "")  # it is shown, as text
    assert not re.search(r"""(src|href)=["'](?!data:application/gzip)""", page)
    assert "default-src 'none'" in page


def test_the_snapshot_itself_lies_in_the_page(tmp_path: Path) -> None:
    there = snapshot("drift", 2)
    (page,) = reports_of(tmp_path, "m", kept(tmp_path, there)).values()
    found = re.search(r"data:application/gzip;base64,([^\"]+)", page)
    assert found is not None
    assert json.loads(gzip.decompress(base64.b64decode(found[1]))) == there


@pytest.mark.parametrize("torn", ["", "{", "[]", '{"tags": []}', "null"])
def test_a_torn_or_missing_snapshot_stops_nothing(tmp_path: Path, torn: str) -> None:
    ids = kept(tmp_path, snapshot("drift", 1), snapshot("performance", 1))
    (tmp_path / project_id("m") / "snapshots" / "1.json").write_text(torn)
    assert list(reports_of(tmp_path, "m", [*ids, "not there"])) == ["drift.html"]


def test_evidentlys_own_snapshot_shows_its_tests_figures_and_graphs(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    before = pd.DataFrame({"a": rng.normal(size=400), "b": rng.choice(["x", "<y>"], 400)})
    after = before.assign(a=before.a + 5)
    made = drift_report(before, after, {"a": 0.2, "b": 0.2}, "psi")
    run = Run("3f5af500-77f8-5172-9e8c-2e098e24765c", "drift", made)
    span = Span(start=pd.Timestamp("2026-01-01"), end=pd.Timestamp("2026-01-08"))
    ids = keep(tmp_path, "m", [run], window=span, decision="d", action="alert", triage="harm")
    (page,) = reports_of(tmp_path, "m", ids).values()
    for words in ("decision: d", "fail", "success", "column &#39;a&#39;", "&lt;y&gt;", "<svg", "<rect"):
        assert words in page, words
