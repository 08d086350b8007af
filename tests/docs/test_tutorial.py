"""The tutorial's commands, one by one and in order, in a fresh folder: they work and show what the page says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from blocks import DOCS, blocks


@pytest.mark.slow
@pytest.mark.timeout(2400)
def test_the_tutorial_does_what_it_says(tmp_path: Path) -> None:
    scripts = tmp_path / "bin"
    scripts.mkdir()
    command = scripts / "ratoon"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m ratoon.cli.main "$@"\n')
    command.chmod(0o755)
    home = tmp_path / "home"
    home.mkdir()
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "MLFLOW_", "RATOON_"))
    }
    kept |= {"PATH": f"{scripts}:{os.environ['PATH']}", "HOME": str(home), "COLUMNS": "80", "OMP_NUM_THREADS": "1"}
    said, ran = "", 0
    for block in blocks(DOCS / "tutorial.md"):
        if block.mark == "run":
            said = ""
            for line in block.text.splitlines():
                done = subprocess.run(
                    line, shell=True, cwd=tmp_path, env=kept, capture_output=True, text=True, timeout=500
                )
                said += done.stdout
                assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
                ran += 1
        elif block.mark == "shows":
            for line in block.text.splitlines():
                assert _plain(line) in _plain(said), f"not shown: {line}\n{said}"
    assert ran >= 10


def _plain(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()
