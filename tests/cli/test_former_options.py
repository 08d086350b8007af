"""Options of 0.1 that have another name now work, and say so in one line."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ratoon.cli import former, specs
from ratoon.cli.app import app
from ratoon.cli.commands.init import write_starter
from ratoon.flows import retrain
from ratoon.spec.load import load_spec


def test_a_retrain_by_the_former_option_begins_where_the_present_one_would(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, Any]] = []

    def flow(**parameters: Any) -> retrain.Retrained:
        asked.append(parameters)
        return retrain.Retrained(decision="d1", outcome="refused")

    write_starter(tmp_path, "trains")
    monkeypatch.setattr(retrain, "retrain", flow)
    monkeypatch.setattr("ratoon.cli.commands.lifecycle.load_for_flows", load_spec)
    monkeypatch.setattr(former, "_said", set())
    spec = str(tmp_path / "spec.yaml")
    said = [
        CliRunner().invoke(app, ["retrain", spec, "--json", option, "scratch"], catch_exceptions=False)
        for option in ("--rung", "--strategy")
    ]
    assert [each.exit_code for each in said] == [0, 0]
    assert [each["strategy"] for each in asked] == ["scratch", "scratch"]
    assert [("--strategy" in each.stderr) for each in said] == [True, False]
    assert json.loads(said[0].stdout)["outcome"] == "refused"


def test_a_former_key_is_told_in_one_line_however_often_the_spec_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_starter(tmp_path, "trains")
    spec = tmp_path / "spec.yaml"
    spec.write_text(spec.read_text().replace("learner:\n", "learner:\n  rungs: [warm]\n"))
    monkeypatch.setattr(former, "_said", set())
    with warnings.catch_warnings():
        former.show_former_names()
        for _ in range(2):
            specs.load_for_reading(spec)
    told = capsys.readouterr()
    assert told.out == ""
    assert len(told.err.strip().splitlines()) == 1
    assert "learner.strategies" in told.err
