"""Engines that several rooms test against, and what is made once for all of a run's processes."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from filelock import FileLock
from xdist.scheduler import LoadFileScheduling

import ratoon.flows  # before any test imports Prefect, MLflow or Evidently: it switches their telemetry off

from .models.counts import table

assert ratoon.flows


class _FilesTogether(LoadFileScheduling):
    """Each file on one process, as `--dist loadfile`; and on the same one all files that start every server there is,
    since two such installations at once starve each other on two cores, and all flows, which share a Prefect server."""

    def _split_scope(self, nodeid: str) -> str:
        for scope, folders in {"live": ("tests/live/", "tests/pages/"), "flows": ("tests/flows/",)}.items():
            if nodeid.startswith(folders):
                return scope
        return super()._split_scope(nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadFileScheduling | None:
    return _FilesTogether(config, log) if config.getoption("dist") == "loadfile" else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest scope first: begun last, it would leave all other cores idle."""
    items.sort(key=lambda item: not item.nodeid.startswith("tests/live/"))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """What the learners' conformance suite counted. Here, since with xdist the rooms' own conftest files are not
    loaded where the summary is printed."""
    found = [each for kind in ("passed", "failed") for each in terminalreporter.stats.get(kind, ())]
    lines = table(found)
    if lines:
        terminalreporter.section("learners: cases, kills and rows")
        for line in lines:
            terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Callable[[Path], object]], Path]:
    """A function from a name, and what makes a folder that is not there yet, to that folder.

    Whichever process of the run comes first makes it, the others wait. Copy it, never change it.
    """
    own = tmp_path_factory.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own

    def made(name: str, make: Callable[[Path], object]) -> Path:
        folder, ready = shared / f"once-{name}" / name, shared / f"once-{name}" / "ready"
        folder.parent.mkdir(exist_ok=True)
        with FileLock(folder.parent / "lock"):
            if not ready.exists():
                shutil.rmtree(folder, ignore_errors=True)  # what another began and failed at
                make(folder)
                ready.touch()
        return folder

    return made


@pytest.fixture(scope="session")
def empty_mlflow(made_once: Callable[..., Path]) -> Callable[[Path], None]:
    """A function that puts an MLflow database without content into a folder: its migrations take 3 CPU seconds."""

    def make(folder: Path) -> None:
        from mlflow import MlflowClient

        folder.mkdir()
        uri = f"sqlite:///{folder / 'mlflow.db'}"
        MlflowClient(uri, uri).search_experiments()
        (folder / "mlflow.db").chmod(0o600)

    def put(into: Path) -> None:
        into.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.copy2(made_once("mlflow", make) / "mlflow.db", into / "mlflow.db")

    return put


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A throw-away PostgreSQL cluster, as `postgresql://postgres@127.0.0.1:port/postgres`.

    Its collation (ICU en-US) and time zone (New York) are not the ones that code quietly relies on.
    Tests share it: give tables names of their own. Skipped where the server binaries are missing.
    """
    with _cluster() as url:
        yield url


@pytest.fixture(scope="module")
def guarded_postgres_url() -> Iterator[str]:
    """One more, which asks for a password (SCRAM): one that must be escaped in URLs and in libpq's files."""
    with _cluster(password="s3cr3t:p@ss/w%rd\\x") as url:
        yield url


@contextmanager
def _cluster(password: str | None = None) -> Iterator[str]:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda each: int(each.parts[4]))
    initdb = str(found[-1]) if found else shutil.which("initdb")
    if initdb is None:
        pytest.skip("no PostgreSQL server binaries (initdb) on this machine: install postgresql")
    bin_folder = Path(initdb).parent
    # Not under pytest's own folder, which only its owner may enter: root runs the server as `postgres`.
    home = Path(tempfile.mkdtemp(prefix="ratoon-postgres-"))
    (home / "password").write_text(password or "")
    login = ["-A", "scram-sha-256", "--pwfile", str(home / "password")] if password else ["-A", "trust"]
    as_user: list[str] = []
    if os.geteuid() == 0:
        for each in (home, home / "password"):
            shutil.chown(each, "postgres", "postgres")
        as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    cluster = home / "cluster"
    locale = ["--encoding=UTF8", "--locale=C", "--locale-provider=icu", "--icu-locale=en-US"]
    run = {"check": True, "capture_output": True, "cwd": home, "timeout": 120}
    options = f"-p {port} -h 127.0.0.1 -k {home} -c timezone=America/New_York -c fsync=off"
    control = [*as_user, str(bin_folder / "pg_ctl"), "-D", str(cluster), "-w"]
    try:
        subprocess.run([*as_user, initdb, "-D", str(cluster), "-U", "postgres", *login, *locale], **run)
        subprocess.run([*control, "-l", str(home / "log"), "-o", options, "start"], **run)
        try:
            user = f"postgres:{quote(password, safe='')}" if password else "postgres"
            yield f"postgresql://{user}@127.0.0.1:{port}/postgres"
        finally:
            subprocess.run([*control, "-m", "immediate", "stop"], **run)
    finally:
        shutil.rmtree(home, ignore_errors=True)
