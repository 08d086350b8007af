"""A version offered for review carries all that its reviewer needs (invariant 8)."""

from __future__ import annotations

import json
from pathlib import Path

from project import LATE, Project


def test_the_versions_tags_and_description_answer_a_reviewer(finished_project: Project) -> None:
    """Parent, decision, window, watermark, strategy, gate with intervals, snapshots, cost: without opening code."""
    with finished_project.context() as context:
        version = context.registry.version("2")
        (decision,) = context.ledger.decisions.of("flights")
        state = context.registry.load("2").state
        (run,) = context.ledger.runs.of("flights")
        shown = {s.snapshot for s in context.ledger.decisions.signals(decision.id) if s.snapshot}
    tags = version.tags
    assert decision.window is not None
    assert tags["ratoon.parent"] == "1" == state.parent
    assert tags["ratoon.decision"] == decision.id
    assert tags["ratoon.window"] == f"{decision.window.start.isoformat()}/{decision.window.end.isoformat()}"
    assert tags["ratoon.watermark"] == state.watermark.isoformat()
    assert (tags["ratoon.strategy"], tags["ratoon.gate"], tags["ratoon.triage"]) == ("warm", "passed", "harm")
    assert tags["ratoon.at"] == LATE.isoformat()
    assert int(tags["ratoon.rows"]) == run.rows > 0
    assert float(tags["ratoon.cpu_seconds"]) > 0
    assert set(tags["ratoon.snapshots"].split(",")) == shown
    assert tags["ratoon.flow_run"] not in ("", "none")
    gate = run.evidence.attempts[-1].gate.model_dump()
    for words in (
        "Update of version 1",
        decision.id,
        str(decision.window),
        *(reason.rstrip(".") for reason in decision.reasons),
        "| recent | &emsp;",
        "| anchor | &emsp;",
        "95% interval",
        "CPU seconds",
        "ratoon rollback",
        *(f"({each['gain']['low']:+.4g} to {each['gain']['high']:+.4g})" for each in gate["strata"]),
    ):
        assert words in version.description, words


def test_gate_and_evidently_report_are_artifacts_of_its_run(finished_project: Project) -> None:
    """Whole HTML files, so that no workspace is needed; the gate also as JSON, equal to the ledger's."""
    from mlflow import MlflowClient

    with finished_project.context() as context:
        version = context.registry.version("2")
        (run,) = context.ledger.runs.of("flights")
        client = MlflowClient(context.registry.uri, context.registry.uri)
    assert version.run_id is not None
    names = {each.path for each in client.list_artifacts(version.run_id)}
    reports = {each.path: each.file_size for each in client.list_artifacts(version.run_id, "reports")}
    assert {"gate.md", "gate.json", "reports"} <= names
    assert reports
    assert all(path.endswith(".html") and size > 10_000 for path, size in reports.items())
    root = Path(client.get_run(version.run_id).info.artifact_uri.removeprefix("file://"))
    assert json.loads((root / "gate.json").read_text()) == run.evidence.attempts[-1].gate.model_dump(mode="json")
    assert client.get_run(version.run_id).info.status == "FINISHED"


def test_a_model_loads_without_ratoon(finished_project: Project) -> None:
    """Native flavour, explicit requirements, a signature and an input example."""
    with finished_project.context() as context:
        folder = context.registry.folder("2")
    requirements = (folder / "requirements.txt").read_text()
    assert "scikit-learn==" in requirements
    assert "ratoon" not in requirements
    described = (folder / "MLmodel").read_text()
    assert "signature" in described
    assert "skops" in described
    assert (folder / "input_example.json").exists()
