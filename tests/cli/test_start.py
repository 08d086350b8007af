"""What a command imports before it does anything: starting `ratoon` must not cost what its engines cost."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ratoon.cli.commands.init import write_starter

HEAVY = {"scipy", "pandas", "numpy", "mlflow", "prefect", "evidently", "sklearn", "ibis", "duckdb", "pyarrow", "skops"}
SPY = """
import sys
sys.argv = ["ratoon", *sys.argv[1:]]
from ratoon.cli.main import run
try:
    run()
except SystemExit as end:
    print("code", end.code, file=sys.stderr)
print("modules", *sorted({name.partition(".")[0] for name in sys.modules}), file=sys.stderr)
"""


def imported(*arguments: str) -> tuple[set[str], str]:
    """The top-level modules after `ratoon ARGUMENTS`, and its exit code."""
    said = subprocess.run([sys.executable, "-c", SPY, *arguments], capture_output=True, text=True, timeout=120)
    lines = dict(line.partition(" ")[::2] for line in said.stderr.splitlines())
    return set(lines["modules"].split()), lines["code"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(("--help",), "0"), (("monitor", "--help"), "0"), (("monitr",), "2"), (("policy",), "2"), ((), "2")],
)
def test_help_and_a_typo_import_no_engine(arguments: tuple[str, ...], code: str) -> None:
    modules, ended = imported(*arguments)
    assert ended == code
    assert not modules & (HEAVY | {"sqlalchemy"})


@pytest.mark.parametrize("command", [("status",), ("history",), ("status", "--json")])
def test_reading_a_project_imports_neither_engine_nor_numbers(command: tuple[str, ...], tmp_path: Path) -> None:
    write_starter(tmp_path / "starter", "starter")
    modules, ended = imported(command[0], str(tmp_path / "starter" / "spec.yaml"), *command[1:])
    assert ended == "0"
    assert not modules & HEAVY


def test_the_table_of_a_folder_imports_neither_engine_nor_numbers(tmp_path: Path) -> None:
    write_starter(tmp_path / "starter", "starter")
    modules, ended = imported("status", str(tmp_path))
    assert ended == "0"
    assert not modules & HEAVY
