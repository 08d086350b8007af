"""Where the stores of one spec are: from the spec, then the environment, then embedded in its home folder.

The one resolver: whoever opens, checks, locks or names a store asks here.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..former import moved
from .errors import SpecError
from .model import Spec
from .places import real

_SQLITE = re.compile(r"(?P<scheme>sqlite(?:\+\w+)?:///)(?P<path>[^?]*)(?P<options>\?.*)?", re.DOTALL)


@dataclass(frozen=True)
class StoreAddresses:
    """Resolved addresses: *mlflow* a tracking URI, *ledger* and *log* SQLAlchemy URLs, *workspace* a folder.

    SQLite addresses are absolute, so that they name one file from whatever folder they are opened.
    """

    home: Path
    mlflow: str
    ledger: str
    workspace: Path
    log: str


def stores_of(spec: Spec) -> StoreAddresses:
    """Resolve the stores; creates nothing.

    A relative path, of the spec or of the environment, starts at the spec's folder, not where a command was started.
    Raises SpecError for a ledger or a log in memory, which each process would have for itself.
    """
    declared = spec.stores
    home = real(spec.folder / declared.home)
    mlflow = declared.mlflow or os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{home / 'mlflow.db'}"
    ledger = declared.ledger or os.environ.get("RATOON_LEDGER_URL") or f"sqlite:///{home / 'ledger.db'}"
    log = declared.log or os.environ.get("RATOON_LOG_URL") or f"sqlite:///{home / 'log.db'}"
    for key, url in (("ledger", ledger), ("log", log)):
        if url == "sqlite://" or ":memory:" in url:
            raise SpecError(
                f"{spec.path.name}: stores.{key} (or $RATOON_{key.upper()}_URL) is {url!r}, a database in memory, "
                f"which ends with its process; expected a file, such as sqlite:////var/lib/ratoon/{key}.db, or "
                "postgresql://…"
            )
    for key, url in (("stores.mlflow", mlflow), ("stores.ledger", ledger)):
        _refuse_left_behind(spec, key, url)
    workspace = (
        real(spec.folder / declared.workspace)
        if declared.workspace
        else Path(os.environ.get("RATOON_WORKSPACE") or home / "evidently")
    )
    return StoreAddresses(
        home=home,
        mlflow=_absolute(mlflow, spec.folder),
        ledger=_absolute(ledger, spec.folder),
        workspace=workspace,
        log=_absolute(log, spec.folder),
    )


def _refuse_left_behind(spec: Spec, key: str, url: str) -> None:
    """SpecError for a relative SQLite file that 0.1 made where the command was started: a new one would begin empty."""
    file = sqlite_file(url)
    if file is None or file.is_absolute():
        return
    before, now = Path.cwd() / file, real(spec.folder / file)
    if before.is_file() and not now.exists():
        raise SpecError(
            f"{spec.path.name}: {key}: {url!r} starts at the spec's folder, where {now} is not; {before} is, which 0.1 "
            "used when it was started here. Move that file there, or write its whole path. Nothing was changed"
        )


def sqlite_file(url: str) -> Path | None:
    """The file of a resolved SQLite address, there or not; None for any other, and for SQLite's own `file:` URIs."""
    found = _SQLITE.fullmatch(url)
    if found is None or not found["path"] or found["path"].startswith(("file:", ":memory:")):
        return None
    return Path(found["path"])


def _absolute(url: str, folder: Path) -> str:
    """*url*, but a relative SQLite path, or a folder given as `./…` or `../…`, from *folder* on."""
    if url.startswith(("./", "../")):
        return str(real(folder / url))
    file, found = sqlite_file(url), _SQLITE.fullmatch(url)
    if file is None or found is None or file.is_absolute():
        return url
    return f"{found['scheme']}{real(folder / file)}{found['options'] or ''}"


if not TYPE_CHECKING:  # mypy knows no former names, and so every misspelt one
    __getattr__ = moved(__name__)
