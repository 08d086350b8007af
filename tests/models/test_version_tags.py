"""A version's tags: written and read as one typed value, whichever release wrote them."""

from __future__ import annotations

from datetime import datetime

import pandas as pd

from ratoon.models.learning.state import TrainingState
from ratoon.models.registry.evidence import Evidence
from ratoon.models.registry.tags import MAX_CHARACTERS, VersionTags
from ratoon.models.subprocesses.used import Used
from ratoon.spec.values import Span

OF_0_1 = {  # as the release 0.1 wrote them
    "ratoon.decision": "d2",
    "ratoon.at": "2026-02-01T00:00:00",
    "ratoon.action": "warm_start",
    "ratoon.triage": "harm",
    "ratoon.parent": "1",
    "ratoon.strategy": "warm",
    "ratoon.family": "partial_fit",
    "ratoon.watermark": "2026-01-31T12:00:00.000250",
    "ratoon.updates": "3",
    "ratoon.learned_rows": "1200",
    "ratoon.against": "none",
    "ratoon.rows": "300",
    "ratoon.cpu_seconds": "0.250",
    "ratoon.gate": "passed",
    "ratoon.window": "2026-01-20T00:00:00/2026-02-01T00:00:00",
    "ratoon.snapshots": "a,b",
    "ratoon.flow_run": "none",
}


def test_the_tags_of_an_older_release_are_read_and_written_as_they_were() -> None:
    tags = VersionTags.read(OF_0_1)
    assert (tags.at, tags.parent, tags.against, tags.updates) == (datetime(2026, 2, 1), "1", None, 3)
    assert tags.watermark == datetime(2026, 1, 31, 12, 0, 0, 250)
    assert tags.window == Span(start=datetime(2026, 1, 20), end=datetime(2026, 2, 1))
    assert (tags.snapshots, tags.cpu_seconds, tags.rows, tags.flow_run) == (("a", "b"), 0.25, 300, None)
    assert tags.to_mlflow() == OF_0_1
    assert tags.text("flow_run") == "none" and tags.text("files") == ""


def test_what_was_registered_reads_back_equal() -> None:
    state = TrainingState(
        family="partial_fit",
        task="binary",
        features=(),
        watermark=datetime(2026, 1, 31),
        learned_rows=1200,
        fingerprint=0,
        updates=3,
        strategy="warm",
        parent="1",
        seed=0,
    )
    evidence = Evidence(
        decision="d2",
        at=datetime(2026, 2, 1),
        example=pd.DataFrame(),
        action="warm_start",
        verdict="harm",
        window=Span(start=datetime(2026, 1, 20), end=datetime(2026, 2, 1)),
        against="1",
        rows=300,
        cpu_seconds=0.25,
        used=Used(cpu_seconds=1.0, peak_memory_bytes=2**20),
        snapshots=("a", "b"),
        flow_run="run",
    )
    tags = VersionTags.of(state, evidence, files='{"MLmodel":"x"}')
    assert VersionTags.read(tags.to_mlflow()) == tags


def test_unknown_and_missing_tags_are_no_error_and_a_stranger_has_no_strategy() -> None:
    tags = VersionTags.read({"ratoon.of_tomorrow": "x", "team": "risk", "strategy": "warm", "gate": "passed"})
    assert tags == VersionTags()
    assert not tags.made_by_ratoon and tags.gate is None and tags.to_mlflow() == {}


def test_a_value_that_somebody_edited_counts_as_missing_and_is_named() -> None:
    tags = VersionTags.read(OF_0_1 | {"ratoon.at": "yesterday", "ratoon.rows": "many", "ratoon.window": "no"})
    assert (tags.at, tags.rows, tags.window) == (None, 0, None)
    assert tags.unreadable == ("ratoon.at", "ratoon.rows", "ratoon.window")
    assert tags.strategy == "warm" and tags.made_by_ratoon


def test_no_tag_is_longer_than_every_store_holds() -> None:
    tags = VersionTags(snapshots=tuple(f"snapshot-{n}" for n in range(900)))
    assert len(tags.to_mlflow()["ratoon.snapshots"]) == MAX_CHARACTERS


def test_a_tag_under_its_former_name_is_read_and_the_present_one_wins() -> None:
    """Versions that 0.1 registered have the tag `ratoon.rung`."""
    assert VersionTags.read({"ratoon.rung": "warm"}).strategy == "warm"
    assert VersionTags.read({"ratoon.rung": "warm", "ratoon.strategy": "scratch"}).strategy == "scratch"
    assert VersionTags(strategy="warm").to_mlflow() == {"ratoon.strategy": "warm"}
