"""A command without a server: the same decisions in the ledger, without Prefect, and MLflow only where it writes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from commands import ratoon

from ratoon.ledger.ledger import Ledger
from ratoon.models.registry.embedded import EmbeddedVersions
from ratoon.models.registry.mlflow_registry import Registry
from ratoon.models.registry.mlflow_versions import MlflowVersions
from ratoon.spec.load import load_spec
from ratoon.spec.stores import stores_of

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

CALM, HARM = "2026-02-08", "2026-02-19"
SPY = """
import sys
from ratoon.cli.main import run
sys.argv = ["ratoon", *sys.argv[1:]]
try:
    run()
except SystemExit as end:
    print("code", end.code, file=sys.stderr)
print("modules", *sorted({name.partition(".")[0] for name in sys.modules}), file=sys.stderr)
"""


def test_a_look_that_holds_starts_no_server_and_imports_neither_prefect_nor_mlflow(models: Path) -> None:
    """Where strategies learn in the background, their versions are written through MLflow: not so here."""
    spec = models / "calm" / "spec.yaml"
    spec.write_text(spec.read_text().replace("learner:\n", "learner:\n  unproven: drop\n"))
    said = subprocess.run(
        [sys.executable, "-c", SPY, "monitor", str(spec), "--at", CALM], capture_output=True, text=True, timeout=300
    )
    assert "code 0" in said.stderr, said.stderr
    modules = set(said.stderr.rpartition("modules ")[2].split())
    assert not modules & {"prefect", "mlflow"}
    assert not (spec.parent / ".ratoon" / "prefect").exists()
    with Ledger.open(stores_of(load_spec(spec)).ledger) as ledger:
        (decision,) = ledger.decisions.of("calm")
        assert ledger.runs.of("calm") == []
    assert (decision.action, f"{decision.at:%Y-%m-%d}") == ("hold", CALM)


def test_harm_retrains_within_the_command_and_what_came_of_it_is_in_the_ledger(models: Path) -> None:
    spec = models / "calm" / "spec.yaml"
    for moment in ("2026-02-13", HARM):
        said = ratoon("monitor", spec, "--at", moment, "--json")
        assert said.code == 0, said.err
    with Ledger.open(stores_of(load_spec(spec)).ledger) as ledger:
        assert any(each.fires for each in ledger.decisions.of("calm"))
        assert [each.outcome for each in ledger.runs.of("calm")]
        runs = [each.run for each in ledger.runs.of("calm")]
    assert all(runs)
    assert {each["differs"] == [] for each in ratoon("history", spec, "--recompute", "--json").json} == {True}


def test_what_is_refused_is_refused_with_the_same_exit_codes(models: Path) -> None:
    spec = models / "calm" / "spec.yaml"
    assert ratoon("train", spec, "--at", CALM).code == 1  # there is a champion already
    assert ratoon("rollback", spec).code == 1  # there is none to go back to
    assert ratoon("retrain", spec, "--decision", "x").code == 2
    assert ratoon("monitor", models / "none.yaml").code == 2


def test_the_registry_reads_the_same_from_its_file_as_through_mlflow(models: Path) -> None:
    spec = load_spec(models / "calm" / "spec.yaml")
    registry = Registry.open(spec)
    direct = registry.reads.source
    assert isinstance(direct, EmbeddedVersions), (
        "MLflow's tables have another revision: see models/registry/embedded.py"
    )
    registry.connection.client.set_model_version_tag("calm", "1", "review", "rejected")
    registry.connection.client.set_registered_model_alias("calm", "mine", "1")
    found = {}
    for name, reader in (("file", direct), ("mlflow", MlflowVersions(registry.connection))):
        registry.reads.source = reader
        found[name] = (
            registry.versions(),
            registry.champion(),
            registry.version("mine"),
            registry.rejected(),
            registry.of_decision(registry.version(1).decision or ""),
            registry.of_decision("none"),
            registry.reads.aliases(),
            registry.folder("1"),
        )
    assert found["file"] == found["mlflow"]


def test_a_deleted_version_is_gone_for_both(models: Path) -> None:
    spec = load_spec(models / "calm" / "spec.yaml")
    registry = Registry.open(spec)
    registry.connection.client.delete_model_version("calm", "1")
    assert registry.versions() == ()
    assert registry.champion() is None
