"""Several machines of one team: a folder each, with one ledger in PostgreSQL and one registry."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from processes import Processes, dies
from project import LATE, TRAINED, Project, write_project


@contextmanager
def database(server: str, *, like: str | None = None) -> Iterator[str]:
    """The URL of a new database, empty or a copy of *like*."""
    name = f"team_{uuid.uuid4().hex[:10]}"
    copied = f" TEMPLATE {like.rpartition('/')[2]}" if like else ""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}{copied}")
    yield f"{server.rpartition('/')[0]}/{name}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def shared_project(folder: Path, ledger: str, mlflow: str) -> Project:
    """A project whose ledger and registry are elsewhere; nothing is trained yet."""
    project = write_project(folder)
    project.trains_apart()
    project.write(r"\Z", f"\nstores: {{ledger: '{ledger}', mlflow: '{mlflow}'}}\n")
    return project


def trained_and_decided(processes: Processes, project: Project) -> str:
    """The first version serves, and harm was found; the monitor died before it could start the retrain."""
    ended = processes.run("train", spec=project.path, at=TRAINED)
    assert ended.result == "1", ended.trace
    assert processes.run("monitor", dies("ratoon.flows.monitor:start_training"), spec=project.path, at=LATE).killed
    return decision_of(project)


def decision_of(project: Project) -> str:
    """The one decision that the ledger holds."""
    with project.context() as context:
        (decision,) = context.ledger.decisions.of("flights")
    return decision.id


def machine(project: Project, folder: Path) -> Project:
    """The same spec and data on another machine: its home folder, and so its lock files, are its own."""
    shutil.copytree(project.folder, folder, ignore=shutil.ignore_patterns(".ratoon"))
    return Project(folder)


@contextmanager
def copied_ledger(server: str, shared: tuple[Project, str], folder: Path) -> Iterator[Project]:
    """A copy of the shared project with a ledger of its own in PostgreSQL, and the registry in its folder."""
    project, its_ledger = shared
    with database(server, like=its_ledger) as ledger:
        copy = project.copy(folder)
        copy.write(r"stores:.*", f"stores: {{ledger: '{ledger}', mlflow: 'sqlite:///{folder}/.ratoon/mlflow.db'}}")
        yield copy
