"""Every benchmark can be started: a name that moves must not leave one behind."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.mark.parametrize("name", sorted(each.stem for each in HERE.glob("*.py")))
def test_each_name_that_it_imports_is_there(name: str) -> None:
    """Read from its text, since some import what only their extras bring."""
    for node in ast.walk(ast.parse((HERE / f"{name}.py").read_text())):
        ours = isinstance(node, ast.ImportFrom) and node.module and not node.level
        if ours and (node.module.startswith("ratoon.") or (HERE / f"{node.module}.py").is_file()):
            module = importlib.import_module(node.module)
            gone = [each.name for each in node.names if not _there(module, each.name)]
            assert not gone, f"benchmarks/{name}.py: {node.module} has no {', '.join(gone)}"


def _there(module: object, name: str) -> bool:
    if hasattr(module, name):
        return True
    try:
        importlib.import_module(f"{module.__name__}.{name}")  # type: ignore[attr-defined]
    except ImportError:
        return False
    return True
