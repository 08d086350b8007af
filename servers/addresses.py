"""Where the running servers are: a file in home, by which every other command of Ratoon finds them."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import BaseModel, ValidationError

from ..system.locks import is_locked
from ..system.processes import own_uid
from .kept_secrets import keep_private, prefect_auth, prefect_file

FILE = "servers.json"
PREFECT_AUTH = "PREFECT_API_AUTH_STRING"
LOCK = "up.lock"  # held by a living `ratoon up`


class Addresses(BaseModel):
    """What `ratoon up` started. No field holds a password; *without_servers* are the databases themselves."""

    home: Path
    prefect: str  # of the UI; the API is below /api
    mlflow: str
    evidently: str
    hooks: str | None = None
    pool: str
    ledger: str
    workspace: Path
    mlflow_database: str

    def environment(self) -> dict[str, str]:
        """What lets flows and commands use the servers."""
        return {
            "PREFECT_API_URL": f"{self.prefect}/api",
            "MLFLOW_TRACKING_URI": self.mlflow,
            "RATOON_EVIDENTLY_URL": self.evidently,
            **self._stores(),
        }

    def credentials(self) -> dict[str, str]:
        """What Prefect's server asks its clients for: for the environment of processes, never of deployments."""
        return {PREFECT_AUTH: prefect_auth(self.home)} if prefect_file(self.home).exists() else {}

    def without_servers(self) -> dict[str, str]:
        """What lets commands go on beside stopped servers: the same databases, opened directly."""
        return {"MLFLOW_TRACKING_URI": self.mlflow_database, **self._stores()}

    def alive(self) -> bool:
        """Whether Prefect's and MLflow's servers listen."""
        return listens(self.prefect) and listens(self.mlflow)

    def keep(self) -> None:
        """Write the file in home, readable by its owner only."""
        keep_private(self.home / FILE, self.model_dump_json(indent=1) + "\n")

    def _stores(self) -> dict[str, str]:
        return {"RATOON_LEDGER_URL": self.ledger, "RATOON_WORKSPACE": str(self.workspace)}


def homes(folder: Path, home: Path) -> list[Path]:
    """Where the servers of a spec in *folder* may live: $RATOON_HOME, else the spec's own *home*, then the
    `.ratoon` in each of the folders above, the nearest first.
    """
    named = os.environ.get("RATOON_HOME")
    if named:
        return [Path(named).resolve()]
    return list(dict.fromkeys([home, *(each / ".ratoon" for each in (folder, *folder.parents))]))


def find_addresses(places: Sequence[Path], project: Path) -> Addresses | None:
    """What the first of these homes that ever had servers says of them; None where none had.

    Only a file of this user's, root's or the owner of *project* is believed: a folder above may be anybody's, as /tmp
    is, and models are loaded from where it points.
    """
    trusted = {own_uid(), 0, project.stat().st_uid}
    for place in places:
        try:
            with (place / FILE).open() as file:
                if os.fstat(file.fileno()).st_uid in trusted:
                    return Addresses.model_validate_json(file.read())
        except (OSError, ValidationError):
            continue
    return None


def somebody_is_up(home: Path) -> bool:
    """Whether a living `ratoon up` holds the lock of this home, its servers healthy yet or not."""
    return is_locked(home / LOCK)


def listens(address: str) -> bool:
    """Whether something takes connections at this URL."""
    parts = urlsplit(address)
    try:
        with socket.create_connection((parts.hostname or "127.0.0.1", parts.port or 80), timeout=0.5):
            return True
    except OSError:
        return False
