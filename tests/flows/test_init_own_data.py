"""`ratoon init --data`: a project over the reader's own file that passes its check as written."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from ratoon.cli.commands.check import check_spec
from ratoon.cli.commands.init import example_flights
from ratoon.cli.commands.init_own_data import OwnData, write_own
from ratoon.cli.main import app
from ratoon.spec.errors import BadInput, DataError
from ratoon.spec.load import load_spec


@pytest.mark.parametrize(
    ("ending", "target", "task"),
    [("csv", "late", "binary"), ("parquet", "carrier", "multiclass"), ("parquet", "distance", "regression")],
)
def test_a_project_over_own_data_passes_its_check(tmp_path: Path, ending: str, target: str, task: str) -> None:
    """Holes in a number, a text column and a time that is no feature included."""
    flights = example_flights(3000)
    flights.loc[::7, "wind"] = None
    data = tmp_path / f"flights.{ending}"
    flights.to_csv(data, index=False) if ending == "csv" else flights.to_parquet(data, index=False)
    written = write_own(tmp_path / "p", "p", OwnData(data, target, "event_time", "row_id", label_delay="6h"))
    assert written.task == task
    assert written.left_out == ["label_time"]
    found = check_spec(load_spec(tmp_path / "p" / "spec.yaml"))
    assert {each.status for each in found} == {"ok"}, found


def test_a_clustering_over_own_data_needs_no_target(tmp_path: Path) -> None:
    """Every column is a feature, and the check fits the eight centres that were written."""
    data = tmp_path / "flights.parquet"
    example_flights(3000).drop(columns="late").to_parquet(data, index=False)
    own = OwnData(data, None, "event_time", "row_id", task="clustering")
    assert write_own(tmp_path / "p", "p", own).task == "clustering"
    spec = load_spec(tmp_path / "p" / "spec.yaml")
    assert (spec.data.target, spec.metric) == (None, "distance")
    found = check_spec(spec)
    assert {each.status for each in found} == {"ok"}, found


def test_a_clustering_is_not_given_a_target(tmp_path: Path) -> None:
    options = ["--data", "x", "--time", "t", "--id", "i", "--target", "y", "--task", "clustering"]
    said = CliRunner().invoke(app, ["init", str(tmp_path / "p"), *options])
    assert isinstance(said.exception, BadInput)
    assert "--target has no meaning for a clustering" in str(said.exception)
    assert not (tmp_path / "p").exists()


def test_a_column_that_is_not_there_is_named_and_nothing_is_written(tmp_path: Path) -> None:
    data = tmp_path / "flights.parquet"
    example_flights(100).to_parquet(data)
    with pytest.raises(DataError, match="did you mean 'late'"):
        write_own(tmp_path / "p", "p", OwnData(data, "lat", "event_time", "row_id"))
    assert not (tmp_path / "p").exists()


def test_a_spec_that_is_there_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "spec.yaml").write_text("mine")
    with pytest.raises(BadInput, match="nothing was written"):
        write_own(tmp_path, "p", OwnData(tmp_path / "x.csv", "late", "event_time", "row_id"))
    assert (tmp_path / "spec.yaml").read_text() == "mine"


def test_names_of_columns_write_nothing_but_themselves(tmp_path: Path) -> None:
    """They stand in a spec and in code, where a sign too much would be another key, or another line of Python."""
    evil = [
        "a  # b",
        '"]; raise SystemExit  # ',
        "x: {y}\nlearner: {build: evil.py:build}",
        "@TARGET@",
        "'''",
        "é | [red]",
    ]
    flights = example_flights(3000).rename(columns={"row_id": "null", "late": "yes"})
    for number, name in enumerate(evil):
        flights[name] = flights["wind"] + number
    data = tmp_path / "flights.parquet"
    flights.to_parquet(data, index=False)
    written = write_own(tmp_path / "p", "p", OwnData(data, "yes", "event_time", "null", label_delay="6h"))
    spec = load_spec(tmp_path / "p" / "spec.yaml")
    scope: dict[str, object] = {}
    exec(compile((tmp_path / "p" / "training.py").read_text(), "training.py", "exec"), scope)
    assert set(evil) <= set(written.numbers)
    assert (list(spec.data.id), spec.data.target, spec.learner.build) == (["null"], "yes", "training.py:build")
    assert any(value == written.numbers for value in scope.values())
