"""`ratoon log`: a history in, a history out, and what is there."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest
import yaml

from ratoon.cli.commands.check import check_spec
from ratoon.cli.commands.init import write_starter
from ratoon.cli.commands.log_body import export_history, import_history, log_status, seal_log
from ratoon.data.source import open_source
from ratoon.log import LabelEvent, open_log
from ratoon.spec.errors import BadInput
from ratoon.spec.load import load_spec
from ratoon.spec.model import Spec
from ratoon.spec.stores import stores_of
from ratoon.spec.values import Span

pytestmark = pytest.mark.filterwarnings("ignore:fetch_arrow_table.. is deprecated:DeprecationWarning")


@pytest.fixture(scope="module")
def starter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The starter project, whose history is in the log of its home as well."""
    folder = tmp_path_factory.mktemp("starter") / "late"
    write_starter(folder, "late")
    import_history(load_spec(folder / "spec.yaml"), [], None, "imported")
    return folder


@pytest.fixture
def project(starter: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(starter, tmp_path / "late"))


def on_log(project: Path) -> Spec:
    """The project's spec with `source: log`."""
    content = yaml.safe_load((project / "spec.yaml").read_text())
    content["data"]["source"] = "log"
    (project / "on_log.yaml").write_text(yaml.safe_dump(content))
    return load_spec(project / "on_log.yaml")


def everything(spec: Spec) -> pd.DataFrame:
    with open_source(spec) as source:
        span = source.extent()
        assert span is not None
        end = span.end + pd.Timedelta(days=60)
        return source.as_of(end).window(Span(start=span.start, end=end)).frame


def test_a_history_is_read_from_the_log_as_from_its_files(project: Path) -> None:
    spec = load_spec(project / "spec.yaml")

    pd.testing.assert_frame_equal(everything(on_log(project)), everything(spec))
    again = import_history(spec, [], None, "imported")
    assert (again.rows, again.new_rows, again.labels, again.new_labels) == (8_000, 0, 8_000, 0)


def test_files_are_named_with_the_columns_of_the_spec(project: Path) -> None:
    """With `source: log` too; the files that are brought in have the names that the log shows."""
    shutil.rmtree(project / ".ratoon")
    spec = on_log(project)

    found = import_history(spec, [str(each) for each in sorted((project / "data").glob("*.parquet"))], None, "v0")

    assert (found.new_rows, found.new_labels, found.orphans) == (8_000, 8_000, 0)
    with pytest.raises(BadInput, match="log itself"):
        import_history(spec, [], None, "v0")


def test_what_goes_out_comes_in_again_with_its_corrections(project: Path, tmp_path: Path) -> None:
    spec = on_log(project)
    with open_log(stores_of(spec).log) as log:
        first = log.labels_after(spec.model, limit=3)
        log.append_labels(spec.model, [LabelEvent(each.event.row_id, 1 - each.event.value) for each in first])  # type: ignore[operator]
        seal_log(spec)
    before = everything(spec)

    assert export_history(spec, tmp_path / "out") == (8_000, 8_003)
    content = yaml.safe_load((project / "on_log.yaml").read_text())
    content["stores"] = {"home": str(tmp_path / "other")}
    content["data"] |= {"time": "time", "target": "label", "label_time": "label_time"}
    (project / "other.yaml").write_text(yaml.safe_dump(content))
    other = load_spec(project / "other.yaml")
    files = [str(tmp_path / "out" / "rows.parquet")]
    content["data"]["drop"] = ["version", "watermark", "arm", "prediction"]
    (project / "other.yaml").write_text(yaml.safe_dump(content))
    other = load_spec(project / "other.yaml")
    found = import_history(other, files, str(tmp_path / "out" / "labels.parquet"), "imported")

    assert (found.new_rows, found.new_labels, found.corrections) == (8_000, 8_003, 3)
    pd.testing.assert_frame_equal(everything(other), before)
    with pytest.raises(BadInput, match="there already"):
        export_history(spec, tmp_path / "out")


def test_status_and_check_say_what_is_there(project: Path) -> None:
    spec = on_log(project)
    with open_log(stores_of(spec).log) as log:
        log.append_labels(spec.model, [LabelEvent("nowhere", 1)])
    sealed = seal_log(spec)

    found = log_status(spec).as_json()

    assert (found["rows"], found["labels"], found["waiting"], found["orphans"]) == (8_000, 8_000, 1, 0)
    assert found["sealed_days"] == len({each.day for each in sealed}) > 50
    assert [each.status for each in check_spec(spec) if each.what == "log"] == ["ok"]


def test_orphans_are_warned_of(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = on_log(project)
    with open_log(stores_of(spec).log) as log:
        log.append_labels(spec.model, [LabelEvent(f"nowhere{n}", 1) for n in range(500)])
    late = spec.model_copy(update={"log": spec.log.model_copy(update={"orphan_after": pd.Timedelta(0)})})

    assert [each.status for each in check_spec(late) if each.what == "log"] == ["ok", "warn"]


def test_nothing_is_made_by_asking(tmp_path: Path) -> None:
    write_starter(tmp_path / "late", "late")
    spec = on_log(tmp_path / "late")

    assert log_status(spec).summary is None
    for ask in (seal_log, lambda s: export_history(s, tmp_path / "out")):
        with pytest.raises(BadInput):
            ask(spec)
    assert [each.status for each in check_spec(spec) if each.what == "data"] == ["fail"]
    assert not (tmp_path / "late" / ".ratoon").exists()
