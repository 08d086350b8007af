"""Secrets that the servers share: made once, kept in a folder of home that only its owner may enter."""

from __future__ import annotations

import os
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Callable
from pathlib import Path

from ..spec.private import private_folder

FOLDER = "secrets"
PREFECT = "prefect"


def hooks_secret(home: Path) -> str:
    """With which MLflow signs its webhooks."""
    return _kept(home, "hooks", lambda: secrets.token_urlsafe(32))


def hooks_key(home: Path) -> str:
    """Under which MLflow keeps the webhooks' secrets in its database: a Fernet key. Without it they are lost."""
    return _kept(home, "hooks_encryption_key", lambda: urlsafe_b64encode(os.urandom(32)).decode())


def session_key(home: Path) -> str:
    """With which MLflow signs the sessions of its sign-in pages."""
    return _kept(home, "mlflow_session_key", lambda: secrets.token_urlsafe(32))


def prefect_auth(home: Path, chosen: str | None = None) -> str:
    """What Prefect's server asks its clients and its pages for, as `user:password`, made once.

    *chosen* by the operator it is kept too, so that commands in other terminals know it.
    """
    if chosen:
        keep_private(prefect_file(home), chosen)
    return _kept(home, PREFECT, lambda: f"ratoon:{secrets.token_urlsafe(24)}")


def prefect_file(home: Path) -> Path:
    """Where a person finds `prefect_auth`."""
    return home / FOLDER / PREFECT


def keep_private(file: Path, text: str) -> None:
    """Write *file* whole or not at all, readable by its owner only."""
    private_folder(file.parent)
    beside = file.with_name(f".{file.name}.{os.getpid()}")
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as opened:
        opened.write(text)
        opened.flush()
        os.fsync(opened.fileno())
    beside.replace(file)


def _kept(home: Path, name: str, make: Callable[[], str]) -> str:
    file = home / FOLDER / name
    if not (file.is_file() and file.read_text().strip()):  # an empty one would let anybody in
        keep_private(file, make())
    return file.read_text().strip()
