"""`ratoon` as tests of the command line start it: a process of its own, which no server is named to."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

FOREIGN = ("PREFECT_", "MLFLOW_", "RATOON_")


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def ratoon(*arguments: object) -> Said:
    """`ratoon ARGUMENTS` in a process of its own, which no server is named to."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    said = subprocess.run(
        [sys.executable, "-m", "ratoon.cli.main", *map(str, arguments)],
        capture_output=True,
        text=True,
        env=environment | {"COLUMNS": "200", "OMP_NUM_THREADS": "1"},
        timeout=500,
    )
    return Said(said.returncode, said.stdout, said.stderr)
