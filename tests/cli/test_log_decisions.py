"""Monitors, retrains and a backtest on the log decide as on the same rows in Parquet."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from commands import ratoon

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning")]
MOMENTS = ("2026-02-12", "2026-02-14")
COSTS = ("cpu", "seconds", "bytes", "cost")  # what keys are called that another run measures anew


@pytest.fixture(scope="module")
def both(empty_mlflow: Callable[[Path], None], tmp_path_factory: Any) -> list[Path]:
    """The specs of two starters: one on its files, one on its log, most of which is sealed."""
    folder = tmp_path_factory.mktemp("both")
    specs = []
    for name in ("files", "log"):
        spec = folder / name / "calm" / "spec.yaml"
        assert ratoon("init", spec.parent).code == 0
        empty_mlflow(spec.parent / ".ratoon")
        specs.append(spec)
    assert ratoon("log", "import", specs[1]).code == 0
    content = yaml.safe_load(specs[1].read_text())
    content["data"]["source"] = "log"
    specs[1].write_text(yaml.safe_dump(content, sort_keys=False))
    shutil.rmtree(specs[1].parent / "data")
    assert "sealed" in ratoon("log", "seal", specs[1]).out
    return specs


def known(found: Any) -> Any:
    """*found* without what names a run, and what another run measures anew."""
    if isinstance(found, dict):
        kept = {name: each for name, each in found.items() if not any(cost in name for cost in COSTS)}
        return {name: known(each) for name, each in kept.items() if name not in ("id", "run", "decision", "spec")}
    if isinstance(found, list):
        return [known(each) for each in found]
    return str(found) if isinstance(found, float) else found  # nan is equal to nan


def test_the_same_decisions_versions_and_gains(both: list[Path]) -> None:
    decided = []
    for spec in both:
        assert ratoon("train", spec, "--at", "2026-01-31").code == 0
        for moment in MOMENTS:
            said = ratoon("monitor", spec, "--at", moment)
            assert said.code == 0, said.err
        decided.append(ratoon("history", spec, "--json").json)

    files, log = ([(each["action"], each["rule"], known(each["facts"])) for each in one] for one in decided)
    assert len(files) >= len(MOMENTS)
    assert log == files
    assert {action for action, *_ in files} > {"hold"}


def test_the_same_backtest(both: list[Path]) -> None:
    files, log = (ratoon("backtest", spec, "--every", "6d", "--start", "2026-01-31", "--json").json for spec in both)

    assert known(log) == known(files)
