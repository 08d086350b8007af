"""Where the stores of one spec are: from the spec, then the environment, then embedded in its home folder."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from .errors import SpecError
from .model import Spec
from .places import real


@dataclass(frozen=True)
class Stores:
    """Resolved addresses: *mlflow* a tracking URI, *ledger* a SQLAlchemy URL, *workspace* a folder."""

    home: Path
    mlflow: str
    ledger: str
    workspace: Path


def stores_of(spec: Spec) -> Stores:
    """Resolve the stores; creates nothing.

    Raises SpecError for a ledger in memory, which each process would have for itself.
    """
    declared = spec.stores
    home = real(spec.folder / declared.home)
    mlflow = declared.mlflow or os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{home / 'mlflow.db'}"
    ledger = declared.ledger or os.environ.get("RATOON_LEDGER_URL") or f"sqlite:///{home / 'ledger.db'}"
    if ledger == "sqlite://" or ":memory:" in ledger:
        raise SpecError(
            f"{spec.path.name}: stores.ledger (or $RATOON_LEDGER_URL) is {ledger!r}, a database in memory, which ends "
            "with its process; expected a file, such as sqlite:////var/lib/ratoon/ledger.db, or postgresql://…"
        )
    workspace = (
        real(spec.folder / declared.workspace)
        if declared.workspace
        else Path(os.environ.get("RATOON_WORKSPACE") or home / "evidently")
    )
    return Stores(home=home, mlflow=mlflow, ledger=ledger, workspace=workspace)
