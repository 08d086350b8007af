"""One resolver of store addresses: from the spec, then the environment, then the embedded home."""

from __future__ import annotations

from pathlib import Path

import pytest

from ratoon.models.registry.store import uri_of
from ratoon.spec.errors import SpecError
from ratoon.spec.load import load_spec
from ratoon.spec.model import Spec
from ratoon.spec.stores import sqlite_file, stores_of

SPEC = "model: m\ntask: binary\ndata: {source: d.parquet, id: i, time: t, target: y}\nlearner: {build: t.py:build}\n"


@pytest.fixture
def spec_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A spec in a folder of its own with such `stores`, while the command runs elsewhere."""
    folder = tmp_path / "project"
    (tmp_path / "elsewhere").mkdir()
    folder.mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    for name in ("MLFLOW_TRACKING_URI", "RATOON_LEDGER_URL", "RATOON_WORKSPACE"):
        monkeypatch.delenv(name, raising=False)

    def make(**stores: str) -> Spec:
        written = "".join(f"  {key}: {value}\n" for key, value in stores.items())
        (folder / "spec.yaml").write_text(SPEC + (f"stores:\n{written}" if written else ""))
        return load_spec(folder / "spec.yaml")

    return make


@pytest.mark.parametrize(
    ("written", "resolved"),
    [
        ("sqlite:///registry.db", "sqlite:///{folder}/registry.db"),
        ("sqlite:///../registry.db", "sqlite:///{parent}/registry.db"),
        ("sqlite:///registry.db?timeout=5", "sqlite:///{folder}/registry.db?timeout=5"),
        ("sqlite+pysqlite:///registry.db", "sqlite+pysqlite:///{folder}/registry.db"),
        ("sqlite:////srv/registry.db", "sqlite:////srv/registry.db"),
        ("./mlruns", "{folder}/mlruns"),
        ("postgresql://u@db/registry", "postgresql://u@db/registry"),
        ("http://127.0.0.1:5300", "http://127.0.0.1:5300"),
    ],
)
@pytest.mark.parametrize("by", ["spec", "environment"])
def test_the_registry_is_one_place_for_all_who_ask(spec_with, monkeypatch, written, resolved, by):
    if by == "environment":
        monkeypatch.setenv("MLFLOW_TRACKING_URI", written)
    spec = spec_with(**({"mlflow": written} if by == "spec" else {}))
    expected = resolved.format(folder=spec.folder, parent=spec.folder.parent)

    assert stores_of(spec).mlflow == expected
    assert uri_of(spec) == expected


@pytest.mark.parametrize("by", ["spec", "environment"])
def test_a_relative_ledger_starts_at_the_specs_folder_too(spec_with, monkeypatch, by):
    if by == "environment":
        monkeypatch.setenv("RATOON_LEDGER_URL", "sqlite:///ledger.db")
    spec = spec_with(**({"ledger": "sqlite:///ledger.db"} if by == "spec" else {}))

    assert stores_of(spec).ledger == f"sqlite:///{spec.folder}/ledger.db"


def test_without_a_word_all_are_embedded_in_the_home(spec_with):
    stores = stores_of(spec_with(home="kept"))

    assert sqlite_file(stores.mlflow) == stores.home / "mlflow.db"
    assert sqlite_file(stores.ledger) == stores.home / "ledger.db"
    assert stores.workspace == stores.home / "evidently"
    assert not stores.home.exists()


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "sqlite:///file::memory:?uri=true"])
def test_a_ledger_in_memory_is_refused(spec_with, url):
    with pytest.raises(SpecError, match=r"stores\.ledger"):
        stores_of(spec_with(ledger=f"'{url}'"))


@pytest.mark.parametrize("url", ["postgresql://db/x", "sqlite://", "sqlite:///file:x.db?uri=true", "./mlruns"])
def test_what_is_no_plain_sqlite_file_is_none(url):
    assert sqlite_file(url) is None


@pytest.mark.parametrize("key", ["ledger", "mlflow"])
def test_a_relative_file_that_0_1_made_elsewhere_is_not_left_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    """A new, empty one beside the spec would have no decisions, budgets or digests."""
    project, started = tmp_path / "project", tmp_path / "elsewhere"
    project.mkdir(), started.mkdir()
    (project / "spec.yaml").write_text(
        "model: m\ntask: binary\ndata: {source: a.parquet, id: i, time: t, target: y, label_delay: 1d}\n"
        f"learner: {{build: training.py:build}}\nstores: {{{key}: 'sqlite:///kept.db'}}\n"
    )
    spec = load_spec(project / "spec.yaml")
    monkeypatch.chdir(started)
    assert getattr(stores_of(spec), key) == f"sqlite:///{project / 'kept.db'}"
    (started / "kept.db").write_text("")
    with pytest.raises(SpecError, match=str(started / "kept.db")):
        stores_of(spec)
    (project / "kept.db").write_text("")
    assert getattr(stores_of(spec), key) == f"sqlite:///{project / 'kept.db'}"
