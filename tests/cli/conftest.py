"""Two starter projects, trained once by the command itself, without any server; copied for each test."""

from __future__ import annotations

import shutil
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from commands import ratoon


@pytest.fixture(scope="session")
def projects(made_once: Callable[..., Path], empty_mlflow: Callable[[Path], None]) -> Path:
    """A folder with two trained models, `calm` and `other`. Copy it, never change it."""

    def make(folder: Path) -> None:
        for model in ("calm", "other"):
            assert ratoon("init", folder / model).code == 0
            empty_mlflow(folder / model / ".ratoon")
            said = ratoon("train", folder / model / "spec.yaml", "--at", "2026-01-31")
            assert said.code == 0, said.err

    return made_once("models", make)


@pytest.fixture
def models(projects: Path, tmp_path: Path) -> Path:
    """A copy of the folder, with all stores, for one test to change."""
    folder = tmp_path / "models"
    shutil.copytree(projects, folder)
    for database in folder.glob("*/.ratoon/mlflow.db"):
        with closing(sqlite3.connect(database)) as opened, opened:
            opened.execute(
                "update model_versions set storage_location = replace(storage_location, ?, ?)",
                (str(projects), str(folder)),
            )
    return folder
