"""A lock is held by one living process, is dropped with it, and a name that cannot be one is told at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ratoon.spec.errors import Unavailable
from ratoon.system.locks import file_lock, is_locked, take

HOLD = """
import sys
import threading
from pathlib import Path
from ratoon.system.locks import file_lock
with file_lock(Path(sys.argv[1])) as held:
    print(held, flush=True)
    sys.stdin.read()
"""


@contextmanager
def another(lock: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that holds *lock*."""
    command = [sys.executable, "-c", HOLD, str(lock)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "True\n"
        yield process
        process.kill()


def test_one_process_at_a_time_has_it_and_what_the_file_holds_stays(tmp_path: Path) -> None:
    lock = tmp_path / "a.lock"
    lock.write_text("kept")
    with another(lock):
        assert is_locked(lock)
        with file_lock(lock, 0.1) as held:
            assert not held
    with file_lock(lock) as held:
        assert held
        with file_lock(lock) as again:
            assert not again
    assert not is_locked(lock)
    assert lock.read_text() == "kept"


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL there")
def test_a_killed_process_leaves_none(tmp_path: Path) -> None:
    lock = tmp_path / "a.lock"
    with another(lock) as process:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        with file_lock(lock) as held:
            assert held


def test_a_folder_or_a_pipe_of_that_name_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "folder.lock").mkdir()
    names = ["folder.lock"]
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.lock")
        names.append("pipe.lock")
    for name in names:
        assert not is_locked(tmp_path / name)
        with pytest.raises(Unavailable, match=name), file_lock(tmp_path / name):
            pytest.fail("it was taken")


def test_what_is_not_there_is_not_locked_and_asking_makes_nothing(tmp_path: Path) -> None:
    assert not is_locked(tmp_path / "none.lock")
    assert list(tmp_path.iterdir()) == []


def test_two_that_only_look_do_not_take_each_other_for_the_holder(tmp_path: Path) -> None:
    """Two commands of one minute, where nobody has the lock."""
    lock = tmp_path / "up.lock"
    lock.write_text("")
    held = take(lock)
    assert held is not None
    threading.Timer(0.05, held.release).start()
    assert not is_locked(lock)
