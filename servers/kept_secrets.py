"""Secrets that the servers share: made once, kept in a folder of home that only its owner may enter."""

from __future__ import annotations

import os
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Callable
from pathlib import Path


def hooks_secret(home: Path) -> str:
    """With which MLflow signs its webhooks."""
    return _kept(home, "hooks", lambda: secrets.token_urlsafe(32))


def hooks_key(home: Path) -> str:
    """Under which MLflow keeps the webhooks' secrets in its database: a Fernet key. Without it they are lost."""
    return _kept(home, "hooks_encryption_key", lambda: urlsafe_b64encode(os.urandom(32)).decode())


def session_key(home: Path) -> str:
    """With which MLflow signs the sessions of its sign-in pages."""
    return _kept(home, "mlflow_session_key", lambda: secrets.token_urlsafe(32))


def keep_private(file: Path, text: str) -> None:
    """Write *file* whole or not at all, readable by its owner only."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    beside = file.with_name(f".{file.name}.{os.getpid()}")
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as opened:
        opened.write(text)
        opened.flush()
        os.fsync(opened.fileno())
    beside.replace(file)


def _kept(home: Path, name: str, make: Callable[[], str]) -> str:
    file = home / "secrets" / name
    if not file.exists():
        keep_private(file, make())
    return file.read_text().strip()
