"""What the tests of backtests share."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from small_project import write_spec

from ratoon.spec.model import Spec


@pytest.fixture
def spec(tmp_path: Path) -> Spec:
    return write_spec(tmp_path / "project")
