"""Processes are found and ended by the mark they inherit, however they were orphaned."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ratoon.servers.processes import MARK, RUN, end, marked

pytestmark = pytest.mark.skipif(not Path("/proc").is_dir(), reason="the mark is read from /proc")
ORPHAN = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', sys.argv[1]], start_new_session=True)"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"


def test_an_orphan_in_a_session_of_its_own_is_found_and_ended(tmp_path: Path) -> None:
    """As a killed worker leaves its runs; also one that does not listen to SIGTERM."""
    environment = os.environ | {MARK: str(tmp_path), RUN: "run-1"}
    subprocess.run([sys.executable, "-c", ORPHAN, STUBBORN], env=environment, check=True)
    until = time.monotonic() + 20
    while not marked(tmp_path) and time.monotonic() < until:
        time.sleep(0.05)
    assert [each.run for each in marked(tmp_path)] == ["run-1"]

    assert end(lambda: marked(tmp_path), patience=0.5) == 1

    assert marked(tmp_path) == []


def test_another_installation_is_left_alone(tmp_path: Path) -> None:
    """Two homes on one machine know nothing of each other."""
    with subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(60)"], env=os.environ | {MARK: str(tmp_path / "theirs")}
    ) as theirs:
        end(lambda: marked(tmp_path / "ours"))

        assert theirs.poll() is None
        theirs.kill()
