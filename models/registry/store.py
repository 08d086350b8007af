"""Where the registry lives: its URI, its artifacts, and the lock under which it is first created."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ...spec.errors import Unavailable
from ...spec.masked import without_login
from ...spec.model import Spec
from ...spec.private import private_folder
from ...spec.stores import sqlite_file, stores_of
from ...system.locks import file_lock

_LONGEST_MS = 180_000  # that MLflow may take to make its tables
_LOCK = 0x6D6C666C6F77  # "mlflow": the advisory lock's number


def home_of(spec: Spec) -> Path:
    """The folder of the embedded stores, made on first use."""
    home = stores_of(spec).home
    private_folder(home)
    return home


def uri_of(spec: Spec) -> str:
    """The registry's address as MLflow takes it; the folder of one in `stores.home` is made.

    User and password in a web address are handed to MLflow by its own environment variables: with them in the
    address, its errors repeat them in logs.
    """
    stores = stores_of(spec)
    if (login := urlsplit(stores.mlflow)).scheme in ("http", "https") and login.username is not None:
        os.environ["MLFLOW_TRACKING_USERNAME"] = unquote(login.username)
        os.environ["MLFLOW_TRACKING_PASSWORD"] = unquote(login.password or "")
        return without_login(stores.mlflow)
    file = sqlite_file(stores.mlflow)
    if file is not None and file.parent == stores.home:
        private_folder(stores.home)
    return stores.mlflow


def artifacts_of(spec: Spec, uri: str) -> str | None:
    """Where artifacts go; None leaves it to the server. A bare database would take `./mlruns` of any folder."""
    return None if uri.startswith("http") else str(home_of(spec) / "mlartifacts")


@contextmanager
def only_one(spec: Spec, uri: str) -> Iterator[None]:
    """Let one process at a time create or upgrade the registry at *uri*.

    On this machine by a lock file, beside a SQLite file or in `stores.home`; on all that share a PostgreSQL database
    by an advisory lock there, since MLflow's migrations break each other.
    """
    file = sqlite_file(uri)
    folder = home_of(spec) if file is None else file.parent
    folder.mkdir(parents=True, exist_ok=True)
    lock = folder / "mlflow.lock"
    with file_lock(lock, _LONGEST_MS / 1000) as held:
        if not held:
            raise Unavailable(
                f"another process has been opening the registry for {_LONGEST_MS // 1000} s and holds {lock}; "
                "nothing was changed. Look whether one is suspended: `fuser` names those that have the file open"
            )
        with _database_lock(uri) if uri.startswith("postgres") else nullcontext():
            yield


@contextmanager
def _database_lock(uri: str) -> Iterator[None]:
    """Hold an advisory lock of the database at *uri* while its tables are made; it ends with the connection.

    Where they are there nobody waits: MLflow itself refuses those of another release.
    """
    from sqlalchemy import create_engine, inspect, text

    engine = create_engine(uri.replace("postgres://", "postgresql://", 1), isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            if not inspect(connection).has_table("alembic_version"):
                connection.execute(text(f"SET lock_timeout = {_LONGEST_MS}"))
                connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": _LOCK})
            yield
    finally:
        engine.dispose()
