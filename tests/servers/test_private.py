"""What Ratoon keeps is for its owner only, whatever the umask says."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ratoon.cli.commands.init import write_starter
from ratoon.data.sources.engine import Engine
from ratoon.ledger.ledger import Ledger
from ratoon.models.subprocesses import folders
from ratoon.servers.hooks_seen import Seen
from ratoon.servers.kept_secrets import prefect_auth
from ratoon.spec.private import private_files, private_folder, shared_files


@pytest.fixture(autouse=True)
def open_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    assert os.umask(before) == 0o022, "nobody may leave another umask behind"


def open_to_others(folder: Path) -> list[str]:
    return sorted(str(each) for each in (folder, *folder.rglob("*")) if each.stat().st_mode & 0o077)


def mode(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


@pytest.mark.slow
def test_a_model_is_trained_watched_and_reported_into_a_home_of_its_owner(tmp_path: Path) -> None:
    """Ledger, registry, artifacts, windows, facts, pages; the project's own files are as its user likes them."""
    project = tmp_path / "flights"
    for command in (
        ["init", "flights"],
        ["train", "flights/spec.yaml", "--at", "2026-01-31"],
        ["monitor", "flights/spec.yaml", "--at", "2026-02-12"],
        ["report", "flights/spec.yaml"],
        ["report", "flights/spec.yaml", "--out", "flights/page.html"],
    ):
        named = ("PREFECT_", "MLFLOW_", "RATOON_")
        done = subprocess.run(
            [sys.executable, "-m", "ratoon.cli.main", *command],
            cwd=tmp_path,
            env={name: value for name, value in os.environ.items() if not name.startswith(named)},
            capture_output=True,
            text=True,
            timeout=500,
        )
        assert done.returncode == 0, done.stderr

    kept = {each.name for each in (project / ".ratoon").iterdir()}
    assert {"ledger.db", "mlflow.db", "mlartifacts", "report-flights.html"} <= kept
    assert open_to_others(project / ".ratoon") == []
    assert [mode(project / name) for name in ("spec.yaml", "training.py", "page.html")] == [0o644] * 3
    assert mode(project) == mode(project / "data") == 0o755


def test_a_flow_that_no_command_started_keeps_its_stores_private_too(tmp_path: Path) -> None:
    """A worker under somebody's own supervisor, or a script."""
    from ratoon.loop.context import open_context, open_stores
    from ratoon.spec.load import load_spec

    write_starter(tmp_path / "flights", "flights")
    spec = load_spec(tmp_path / "flights" / "spec.yaml")
    with open_stores(spec):
        pass
    with open_context(spec) as context:
        (context.stores.home / "written").write_text("within")
    assert open_to_others(tmp_path / "flights" / ".ratoon") == []


def test_a_folder_that_is_there_keeps_what_its_owner_set(tmp_path: Path) -> None:
    """`stores.home: .` is the project itself, which a team may share."""
    (tmp_path / "team").mkdir(mode=0o755)
    private_folder(tmp_path / "team")
    private_folder(tmp_path / "team" / "new" / "home")
    assert [mode(tmp_path / "team" / each) for each in ("", "new", "new/home")] == [0o755, 0o755, 0o700]


def test_the_last_one_out_sets_the_umask_back(tmp_path: Path) -> None:
    entered, leave = threading.Event(), threading.Event()

    def other() -> None:
        with private_files():
            entered.set()
            leave.wait(20)

    thread = threading.Thread(target=other)
    with private_files():
        thread.start()
        entered.wait(20)
    (tmp_path / "while the other is within").write_text("")
    leave.set()
    thread.join()
    (tmp_path / "after").write_text("")
    with private_files(), shared_files():
        (tmp_path / "shared").write_text("")
    assert [mode(tmp_path / each) for each in ("while the other is within", "after", "shared")] == [0o600, 0o644, 0o644]


def test_a_stricter_umask_stays(tmp_path: Path) -> None:
    os.umask(0o277)
    with private_files():
        (tmp_path / "file").touch()
    os.umask(0o022)
    assert mode(tmp_path / "file") == 0o400


def test_what_was_heard_is_kept_private(tmp_path: Path) -> None:
    Seen(tmp_path / "home" / "hooks.db", seconds=600).close()
    assert open_to_others(tmp_path / "home") == []


def test_rows_that_memory_does_not_hold_go_into_a_folder_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fixed name in a temp folder that users share may be somebody else's by then."""
    engine = Engine.duckdb("here")
    (spill,) = engine.backend.raw_sql("SELECT current_setting('temp_directory')").fetchone()
    assert mode(Path(spill)) == 0o700
    assert Path(spill).name not in ("ratoon-duckdb", f"ratoon-duckdb-{os.getuid()}")


@pytest.mark.parametrize("trap", ["pipe", "link"])
def test_what_others_put_into_the_temp_folder_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trap: str
) -> None:
    """A pipe would be waited for; what a link leads to would be removed."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temp"))
    victim = tmp_path / "victim"
    for folder in (tmp_path / "temp", victim):
        folder.mkdir()
    theirs = tmp_path / "temp" / f"{folders.PREFIX}theirs"
    if trap == "pipe":
        theirs.mkdir()
        os.mkfifo(theirs / folders.LOCK)
        monkeypatch.setattr(os, "geteuid", lambda: 54321)
    else:
        (victim / folders.LOCK).touch()
        theirs.symlink_to(victim)

    folders.sweep()

    assert theirs.exists()
    assert victim.exists()


def test_a_ledger_that_a_script_opens_is_private(tmp_path: Path) -> None:
    with Ledger.open(f"sqlite:///{tmp_path / 'home' / 'ledger.db'}"):
        assert open_to_others(tmp_path / "home") == []


def test_a_secret_that_was_opened_to_others_is_closed_again(tmp_path: Path) -> None:
    """A copy of the home, or a backup that was put back, may have another mode."""
    kept = prefect_auth(tmp_path)
    for each, wrong in ((tmp_path / "secrets", 0o755), (tmp_path / "secrets" / "prefect", 0o644)):
        each.chmod(wrong)
    assert prefect_auth(tmp_path) == kept
    assert open_to_others(tmp_path / "secrets") == []


def test_no_link_leads_a_secret_elsewhere(tmp_path: Path) -> None:
    """Somebody who may write the folder, and knows the number of the process."""
    victim = tmp_path / "victim"
    victim.write_text("kept")
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / f".prefect.{os.getpid()}").symlink_to(victim)
    prefect_auth(tmp_path)
    assert victim.read_text() == "kept"
