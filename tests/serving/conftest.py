"""A registry with versions that answer differently, and replicas of it on free ports."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from local_replica import Running, running
from models_served import Served, made_registry, open_served


@pytest.fixture(scope="session")
def registry_folder(made_once: Callable[..., Path], empty_mlflow: Callable[[Path], None]) -> Path:
    """A project with three versions, the first of which serves. Copy it, never change it."""
    return made_once("served", lambda folder: made_registry(folder, empty_mlflow))


@pytest.fixture
def served(registry_folder: Path, tmp_path: Path) -> Served:
    """A copy of it, for one test to move aliases in."""
    return open_served(registry_folder, tmp_path / "project")


@pytest.fixture
def start(served: Served) -> Iterator[Callable[..., Running]]:
    """A function from keys of `serving:` to a replica that listens."""
    started: list[Any] = []

    def begin(**more: Any) -> Running:
        entered = running(served, **more)
        started.append(entered)
        return entered.__enter__()

    yield begin
    for each in reversed(started):
        each.__exit__(None, None, None)
