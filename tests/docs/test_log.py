"""What the page on the log shows in Python does what it says."""

from __future__ import annotations

from pathlib import Path

import pytest
from blocks import DOCS, blocks


def test_the_pages_python_runs_as_it_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One block after the other, as a reader would; each holds what it says by its own asserts."""
    monkeypatch.chdir(tmp_path)
    pieces = [each.text for each in blocks(DOCS / "how-to" / "log.md") if each.kind == "python"]

    assert len(pieces) == 2
    for piece in pieces:
        exec(compile(piece, "log.md", "exec"), {})
