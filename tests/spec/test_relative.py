"""A spec that is copied to another folder, as a replay does, names the same files there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from pydantic import BaseModel, PlainSerializer

from ratoon.loop.rehearsal import write_rehearsal
from ratoon.spec.keys.relative import FileEntry, FilePath, RowsPath, with_absolute_paths
from ratoon.spec.load import load_spec
from ratoon.spec.model import Spec

WRITTEN = """
model: m
task: binary
data:
  source: rows/*.parquet
  labels: {source: labels/late.csv}
  id: id
  time: at
  target: y
  label_time: known
learner: {build: code/training.py:build, family: code/own.py:Own}
stores: {home: kept, workspace: pages}
"""


@pytest.fixture
def spec(tmp_path: Path) -> Spec:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "spec.yaml").write_text(WRITTEN)
    return load_spec(folder / "spec.yaml")


def test_every_path_of_a_rehearsal_is_that_of_the_spec(spec: Spec, tmp_path: Path) -> None:
    """Its own learner too: `file.py:Class`."""
    written = load_spec(write_rehearsal(spec, tmp_path / "replay"))
    assert written.data.source == str(spec.folder / "rows/*.parquet")
    assert written.data.labels is not None
    assert written.data.labels.source == str(spec.folder / "labels/late.csv")
    assert written.learner.build == f"{spec.folder}/code/training.py:build"
    assert written.learner.family == f"{spec.folder}/code/own.py:Own"


def test_what_is_no_relative_path_stays_as_it_is(spec: Spec) -> None:
    changed = yaml.safe_load(WRITTEN)
    changed["learner"]["family"] = "sklearn"
    changed["data"]["source"] = "/srv/rows.parquet"
    changed["data"]["labels"] = {"source": "~/labels.csv"}
    spec.path.write_text(yaml.safe_dump(changed))
    content = with_absolute_paths(load_spec(spec.path))
    assert content["learner"]["family"] == "sklearn"
    assert content["data"]["source"] == "/srv/rows.parquet"
    assert content["data"]["labels"]["source"] == str(Path("~/labels.csv").expanduser())


def test_a_spec_reads_and_hashes_as_before(spec: Spec) -> None:
    """Only a copy for another folder has other paths: the key of a kept result knows the spec as it is."""
    assert spec.model_dump(mode="json", exclude_unset=True)["data"]["source"] == "rows/*.parquet"


# Keys of text that name no file. Addresses are resolved by `stores_of`, and a copy has stores of its own.
NO_FILES = {
    "costs.currency", "data.columns", "data.csv.delimiter", "data.csv.dtypes", "data.csv.null", "data.drop",
    "data.features", "data.id", "data.label_time", "data.labels.csv.delimiter", "data.labels.csv.dtypes",
    "data.labels.csv.null", "data.labels.id", "data.labels.table", "data.labels.url", "data.no_label", "data.positive",
    "data.prediction", "data.table", "data.target", "data.time", "data.url", "gate.slices.name", "gate.slices.where",
    "learner.requirements", "learner.trusted", "model", "monitors.drift.columns", "monitors.quality.columns",
    "policy.when", "serving.host", "stores.ledger", "stores.log", "stores.mlflow",
}  # fmt: skip
FILES = {
    "data.source", "data.labels.source", "gate.metric.use", "learner.build", "learner.family", "monitors.own.use",
    "monitors.performance.metric.use", "policy.own.use", "serving.api_keys", "stores.home", "stores.workspace",
}  # fmt: skip


def texts(kind: type[BaseModel], name: str = "") -> Iterator[tuple[str, bool]]:
    """Every key of text below *kind*, and whether its type says that it names a file."""
    for each, field in kind.model_fields.items():
        marked = any(isinstance(one, PlainSerializer) and one in _MARKS for one in field.metadata)
        yield from _texts(f"{name}.{each}".lstrip("."), field.annotation, marked)


_MARKS = [*FilePath.__metadata__, *RowsPath.__metadata__, *FileEntry.__metadata__]  # type: ignore[attr-defined]  # of `Annotated`


def _texts(name: str, kind: Any, marked: bool) -> Iterator[tuple[str, bool]]:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        yield from texts(kind, name)
    elif kind is str:
        yield name, marked
    else:
        marked = marked or any(one in _MARKS for one in getattr(kind, "__metadata__", ()))
        for each in get_args(kind):
            yield from _texts(name, each, marked)


def test_no_key_that_names_a_file_is_forgotten() -> None:
    """A new key of text is a `FilePath` or a `FileEntry`, or is listed here as something else."""
    found = dict(texts(Spec))
    assert {name for name, marked in found.items() if marked} == FILES
    assert {name for name, marked in found.items() if not marked} <= NO_FILES
