"""What is too old goes; what a reviewer, a roll-back or the loop may need stays, however old it is."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "models"))

from foreign_models import NOW, project

from ratoon.flows.prefect.old_runs import prune_all
from ratoon.ledger.ledger import Promotion
from ratoon.loop.context import ModelContext
from ratoon.loop.learn.first import first_version
from ratoon.loop.moment import wall_clock
from ratoon.loop.retention import prune, prune_if_due, still_needed
from ratoon.models.gate import GateResult
from ratoon.models.registry.evidence import Evidence
from ratoon.models.registry.mlflow_registry import Registry
from ratoon.monitors.evidently.workspace import project_id
from ratoon.spec.errors import SpecError
from ratoon.spec.keys.retention import RetentionSpec
from ratoon.spec.load import load_spec

LATER = wall_clock() + timedelta(days=400)  # by then all that is written here is older than the default ages
PAGE = "<html>" + "x" * 1_000 + "</html>"


def registered(context: ModelContext, number: int, at: datetime) -> None:
    """A version as a retrain registers it: with a passed gate, a report, and a snapshot in the workspace."""
    assert isinstance(context.registry, Registry)
    trained = context.registry.load("1")
    evidence = Evidence(
        decision=f"d{number}",
        at=at,
        example=context.source.as_of(NOW).learned(NOW).head(5),
        gate=GateResult(metric="mae", confidence=0.95, strata=()),
        snapshots=(f"s{number}",),
        reports={"drift.html": PAGE},
    )
    assert context.registry.register(trained, evidence).number == str(number)
    snapshots(context)[0].joinpath(f"s{number}.json").write_text("{}")


def promoted(context: ModelContext, number: str, at: datetime) -> None:
    previous = context.registry.promote(number)
    context.ledger.promotions.record(
        Promotion(
            model="churn",
            version=number,
            previous=previous,
            at=at,
            kind="promotion" if previous else "first",
            actor="t",
            reason="",
            decision=None,
        )
    )


def snapshots(context: ModelContext) -> tuple[Path, list[str]]:
    folder = context.stores.workspace / project_id("churn") / "snapshots"
    folder.mkdir(parents=True, exist_ok=True)
    return folder, sorted(each.stem for each in folder.iterdir())


def html(context: ModelContext) -> set[str]:
    """The versions whose reports are there."""
    found = set()
    for version in context.registry.versions():  # type: ignore[attr-defined]
        uri = context.registry.connection.client.get_run(version.run_id).info.artifact_uri  # type: ignore[attr-defined]
        if (Path(uri.removeprefix("file://")) / "reports" / "drift.html").exists():
            found.add(version.number)
    return found


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory, empty_mlflow: Callable[[Path], None]) -> Iterator[ModelContext]:
    """Champions 1 to 3; 4 passed its gate and nobody reviewed it, 5 was rejected, 6 is the challenger."""
    folder = tmp_path_factory.mktemp("retention")
    empty_mlflow(folder / ".ratoon")
    with project(folder, retention={"champions": 2}) as context:
        first_version(context, NOW)
        for number in range(2, 7):
            registered(context, number, NOW)
        for number in range(1, 4):
            promoted(context, str(number), NOW + timedelta(hours=number))
        context.registry.connection.client.set_model_version_tag("churn", "5", "review", "rejected")  # type: ignore[attr-defined]
        snapshots(context)[0].joinpath("window.json").write_text("{}")  # of a window that no version came of
        yield context


def test_what_is_needed_is_known(lived: ModelContext) -> None:
    """An alias, the last champions, and what waits for a reviewer."""
    assert sorted(still_needed(lived, 2)) == ["2", "3", "4", "6"]
    assert sorted(still_needed(lived, 5)) == ["1", "2", "3", "4", "6"]


def test_nothing_young_is_removed(lived: ModelContext) -> None:
    before = snapshots(lived)[1], html(lived)
    assert all(each.count == 0 for each in prune_all(lived))
    assert (snapshots(lived)[1], html(lived)) == before


def test_a_dry_run_counts_and_removes_nothing(lived: ModelContext) -> None:
    before = snapshots(lived)[1], html(lived)
    found = {each.kind: each for each in prune(lived, LATER, dry=True)}
    assert (found["snapshots"].count, found["html"].count, found["html"].bytes) == (2, 1, len(PAGE))
    assert (snapshots(lived)[1], html(lived)) == before


def test_what_is_old_and_needed_by_nobody_goes_once(lived: ModelContext, tmp_path: Path) -> None:
    """Versions, their files and the ledger stay; links are not followed; done again, nothing is left to do."""
    registry = lived.registry
    assert isinstance(registry, Registry)
    elsewhere = tmp_path / "theirs.json"
    elsewhere.write_text("{}")
    folder = snapshots(lived)[0]
    (folder / "link.json").symlink_to(elsewhere)
    logs = lived.stores.home / "logs"
    logs.mkdir()
    (logs / "prefect.log").write_text("old")
    (logs / "notes.txt").write_text("a user's own")
    promotions = lived.ledger.promotions.of("churn")
    found = {each.kind: each for each in prune(lived, LATER)}
    assert {kind: each.count for kind, each in found.items() if kind != "caches"} == {
        "snapshots": 2,
        "html": 1,
        "logs": 1,
    }
    assert all(each.failed == () for each in found.values())
    assert snapshots(lived)[1] == ["link", "s2", "s3", "s4", "s6"]
    assert elsewhere.exists()
    assert html(lived) == {"2", "3", "4", "6"}
    assert ((logs / "prefect.log").read_text(), (logs / "notes.txt").read_text()) == ("", "a user's own")
    assert lived.ledger.promotions.of("churn") == promotions
    for number in ("1", "2", "3", "4", "5", "6"):
        registry.verify(number)
    assert "ratoon.pruned" in registry.version("5").tags
    assert [each.count for each in prune(lived, LATER)] == [0, 0, 0, 0]


def test_a_long_log_is_cut_to_its_end_while_its_process_writes_on(lived: ModelContext) -> None:
    logs = lived.stores.home / "logs"
    logs.mkdir(exist_ok=True)
    log = logs / "mlflow.log"
    with log.open("ab", buffering=0) as process:
        process.write(b"".join(b"line %07d\n" % n for n in range(200_000)))
        small = lived.spec.model_copy(update={"retention": RetentionSpec(log_size=2**20)})
        (told,) = [each for each in prune(replace(lived, spec=small), wall_clock()) if each.kind == "logs"]
        process.write(b"after\n")
    lines = log.read_bytes().splitlines()
    assert (told.count, lines[-2:]) == (1, [b"line 0199999", b"after"])
    assert log.stat().st_size < 110_000
    assert all(each.startswith(b"line ") for each in lines[:-1])


def test_a_run_that_is_gone_or_leads_elsewhere_is_left_alone(lived: ModelContext, tmp_path: Path) -> None:
    """A version whose run was deleted, and one whose folder of reports became a link to somebody's own."""
    registry = lived.registry
    assert isinstance(registry, Registry)
    client = registry.connection.client
    run = registry.version("4").run_id
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "drift.html").write_text("theirs")
    reports = Path(client.get_run(run).info.artifact_uri.removeprefix("file://")) / "reports"
    for each in reports.iterdir():
        each.unlink()
    reports.rmdir()
    reports.symlink_to(theirs)
    client.set_model_version_tag("churn", "4", "review", "rejected")
    client.delete_run(registry.version("1").run_id)
    assert all(each.failed == () for each in prune(lived, LATER))
    assert (theirs / "drift.html").read_text() == "theirs"
    registry.verify("1")


def test_the_schedule_removes_once_in_its_period_and_never_stops_a_look(lived: ModelContext) -> None:
    folder = snapshots(lived)[0]
    old = folder / "of-long-ago.json"
    for removed in (True, False):  # the second time it is not due
        old.write_text("{}")
        os.utime(old, (0, 0))
        assert bool(prune_if_due(lived, prune_all)) == removed
        assert old.exists() != removed
    unasked = lived.spec.model_copy(update={"retention": None})
    assert prune_if_due(replace(lived, spec=unasked), prune_all) == ()


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("{snapshots: 5m}", "retention.snapshots"),
        ("{html: -3d}", "retention.html"),
        ("{champions: 0}", "retention.champions"),
        ("{artifacts: 3d}", "artifacts"),
        ("{every: null}", "retention.every"),
    ],
)
def test_ages_that_would_remove_what_is_in_use_are_refused(tmp_path: Path, written: str, says: str) -> None:
    file = tmp_path / "spec.yaml"
    file.write_text(
        "model: m\ntask: regression\ndata: {source: rows.parquet, id: id, time: t, target: y, label_delay: 1h}\n"
        f"learner: {{build: 'training.py:build'}}\nretention: {written}\n"
    )
    with pytest.raises(SpecError, match=says):
        load_spec(file)
    assert RetentionSpec(snapshots=None).snapshots is None
