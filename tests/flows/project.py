"""A small project on made-up flights: trained once for a run, copied with all its stores for each test."""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from ratoon.cli.commands.init import example_flights, write_starter
from ratoon.loop.context import ModelContext, open_context
from ratoon.spec.load import load_spec
from ratoon.spec.model import Spec
from ratoon.spec.values import Decision

TRAINED = datetime(2026, 2, 3)  # the first version, before the change on 2026-02-10
CALM = datetime(2026, 2, 9)  # a healthy window
LATE = datetime(2026, 2, 20)  # the evening has turned: harm, and rows enough to mend it

POLICY = """\
triage: {persist: 1 of 1}   # the tests look at single windows
policy:
  - when: triage == "broken_data"
    do: alert
  - when: triage == "harm"
    do: warm_start
    min_rows: 50
"""
GATE = """\
gate:
  recent: not_worse
  anchor: {margin: 0.5}
  resamples: 200
"""


@dataclass(frozen=True)
class Project:
    """A folder with a spec, its data and its stores."""

    folder: Path

    @property
    def path(self) -> str:
        return str(self.folder / "spec.yaml")

    @property
    def spec(self) -> Spec:
        return load_spec(self.path)

    @contextmanager
    def context(self) -> Iterator[ModelContext]:
        """The project's stores and data, opened afresh."""
        with open_context(self.spec) as context:
            yield context

    @property
    def data(self) -> pd.DataFrame:
        return pd.read_parquet(self.folder / "data" / "flights.parquet")

    def feed(self, rows: pd.DataFrame) -> None:
        """Let *rows* be the project's data."""
        rows.to_parquet(self.folder / "data" / "flights.parquet", index=False)

    def write(self, pattern: str, text: str) -> None:
        """Replace what *pattern* finds in the spec."""
        file = self.folder / "spec.yaml"
        changed, found = re.subn(pattern, text, file.read_text(), flags=re.MULTILINE | re.DOTALL)
        assert found, f"{pattern} is not in the spec"
        file.write_text(changed)

    def trains_apart(self) -> None:
        """Train in a process of its own, as shipped; its start takes 4 CPU seconds, which most tests can spare."""
        self.write(r"\n  limits: \{apart: false\}", "")

    def copy(self, to: Path) -> Project:
        """The whole project elsewhere; MLflow's absolute paths follow, so that nothing is shared."""
        shutil.copytree(self.folder, to)
        database = to / ".ratoon" / "mlflow.db"
        if database.exists():
            _move_paths(database, str(self.folder), str(to))
        return Project(to)


def timeless(decision: Decision) -> dict[str, Any]:
    """All of a decision but the CPU seconds that earlier runs took, which no two runs measure alike."""
    found = decision.model_dump(mode="json")
    found["facts"].get("last_run", {}).pop("cpu_seconds", None)
    found["facts"].get("cost", {}).pop("cpu_seconds", None)
    if found["basis"] is not None:
        found["basis"].pop("first_cpu_seconds")
    return found


def write_project(folder: Path, *, rows: int = 6000, review: str = "automatic") -> Project:
    """The starter of `ratoon init`, made quicker: no cooldown, the warm strategy alone, trained in the flow's
    process."""
    write_starter(folder, "flights")
    project = Project(folder)
    project.feed(example_flights(rows))
    project.write(r"policy:.*?(?=gate:)", POLICY)
    project.write(r"gate:.*?(?=review:)", GATE)
    project.write(r"review: \w+", f"review: {review}")
    project.write(r"window: 7d", "window: 5d")
    project.write(r"metric: roc_auc, min_labels: 200", "metric: brier, min_labels: 100")  # quick to resample
    project.write(r"(build: training.py:build)[^\n]*", r"\1\n  strategies: [warm]\n  limits: {apart: false}")
    return project


def _move_paths(database: Path, old: str, new: str) -> None:
    with sqlite3.connect(database) as connection:
        tables = [name for (name,) in connection.execute("select name from sqlite_master where type = 'table'")]
        for table in tables:
            columns: list[Any] = connection.execute(f"pragma table_info('{table}')").fetchall()
            for _, column, kind, *_ in columns:
                if kind.upper().startswith(("VARCHAR", "TEXT")):
                    connection.execute(
                        f'update "{table}" set "{column}" = replace("{column}", ?, ?) where "{column}" like ?',
                        (old, new, f"%{old}%"),
                    )
    connection.close()
