"""The installed package: it imports, brings its files, and shadows nobody's own packages."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import tomllib
from importlib.resources import files
from pathlib import Path

import pytest

ROOMS = ("spec", "data", "monitors", "policy", "ledger", "models", "pages", "report", "flows", "cli", "demo")


def test_the_pinned_versions_import_together():
    """Prefect with a newer fastapi, or Evidently with a newer pandas, would die right here."""
    code = "import evidently, fastapi, ibis, mlflow, prefect, sklearn, skops"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert ended.returncode == 0, ended.stderr


def test_prefect_s_server_application_can_be_built():
    """From fastapi 0.155 on this import alone fails."""
    code = "from prefect.server.api.server import create_app; create_app()"
    environment = {**os.environ, "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment)

    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize("room", ROOMS)
def test_every_room_imports_as_part_of_ratoon(room):
    assert importlib.import_module(f"ratoon.{room}").__doc__


def test_no_room_is_installed_bare():
    """A top-level `models` in site-packages would hide a user's own `models` from MLflow's `code_paths`."""
    code = f"import importlib.util as u; print([r for r in {ROOMS!r} if u.find_spec(r)])"
    ended = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)

    assert ended.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "file",
    [
        "demo/orders.yaml",
        "demo/stream.py",
        "demo/training.py",
        "cli/starter/spec.yaml",
        "cli/starter/training.py",
        "ledger/migrations/env.py",
        "pages/page.css",
        "backtest/page.html.jinja",
        "report/report.css",
        "report/report.html.jinja",
        "py.typed",
    ],
)
def test_the_package_brings_its_files(file):
    assert Path(str(files("ratoon") / file)).is_file()


def test_every_package_is_listed_so_that_it_is_built():
    """One that pyproject.toml does not name works in a checkout and is missing in what users install."""
    root = Path(__file__).parents[1]
    listed = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    rooms = [each for each in root.iterdir() if each.name not in ("tests", "build") and not each.name.startswith(".")]
    found = [each.parent.relative_to(root).parts for room in rooms for each in room.rglob("__init__.py")]
    packages = {".".join(["ratoon", *parts]) for parts in found}

    lacking = sorted(packages - set(listed))
    assert not lacking, f"not in `packages` of pyproject.toml: {', '.join(lacking)}"


def test_no_family_is_left_out_of_the_rule_that_none_knows_another():
    root = Path(__file__).parents[1]
    contracts = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (held,) = (each["modules"] for each in contracts if each["name"] == "No family knows another")
    families = {f"ratoon.models.families.{each.parent.name}" for each in root.glob("models/families/*/__init__.py")}

    # `custom` is no family: it is how users' own learners are called.
    lacking = sorted(families - {"ratoon.models.families.custom"} - set(held))
    assert not lacking, f"not in the contract `No family knows another` of pyproject.toml: {', '.join(lacking)}"


def test_the_command_answers_without_starting_anything():
    ended = subprocess.run(
        [sys.executable, "-m", "ratoon.cli.main", "--help"], capture_output=True, text=True, check=False
    )

    assert ended.returncode == 0
    for command in ("init", "check", "train", "monitor", "retrain", "promote", "rollback", "status", "replay", "demo"):
        assert command in ended.stdout


def test_the_caps_carry_their_reason_and_day():
    """Every bound in pyproject.toml says why it is there and when that was seen."""
    pyproject = Path(__file__).parents[1] / "pyproject.toml"
    lines = pyproject.read_text().split("dependencies = [", 1)[1].split("]\n\n", 1)[0].splitlines()
    bounded = [line for line in lines if "<" in line and line.strip().startswith('"')]

    assert bounded
    assert [line for line in bounded if "# 20" not in line] == []
