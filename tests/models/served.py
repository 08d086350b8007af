"""Serve a registered version as a user would: MLflow alone, in a process that cannot import Ratoon."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pandas as pd

SERVE = """
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "ratoon":
            raise ImportError("Ratoon is not installed here")

sys.meta_path.insert(0, Blocked())
import mlflow.pyfunc
import pandas as pd

folder, rows, answer = sys.argv[1:]
# Without its warning of what is installed otherwise, for which it reads the file lists of all packages.
found = mlflow.pyfunc.load_model(folder, suppress_warnings=True).predict(pd.read_parquet(rows))
pd.DataFrame(found).to_parquet(answer)
assert not [name for name in sys.modules if name.split(".")[0] == "ratoon"]
"""


def serve_without_ratoon(version: Path, X: pd.DataFrame, work: Path) -> pd.DataFrame:
    """What MLflow says of X for the files in *version*."""
    rows, answer = work / "rows.parquet", work / "answer.parquet"
    X.reset_index(drop=True).rename(columns=str).to_parquet(rows)
    command = [sys.executable, "-W", "ignore", "-P", "-c", SERVE, str(version), str(rows), str(answer)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, cwd=work)
    assert done.returncode == 0, done.stderr
    return pd.read_parquet(answer)
