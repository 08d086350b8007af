"""Where sealed days lie: in a folder beside the SQLite file, `log.db` and `log-sealed/`."""

from __future__ import annotations

import re
from hashlib import sha256
from pathlib import Path

from sqlalchemy import URL

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,100}")


def sealed_folder(url: URL) -> Path | None:
    """The folder of the sealed days of the log at *url*; None for PostgreSQL, which keeps all in its tables."""
    if url.get_backend_name() != "sqlite":
        return None
    file = Path(str(url.database)).absolute()
    return file.with_name(f"{file.stem}-sealed")


def file_name(model: str, partition: str, kind: str, day: str, digest: str) -> str:
    """A sealed file's path below the folder. Part of its content's hash ends it: no file is ever rewritten."""
    parts = [_named(model)] + ([_named(partition)] if partition else [])
    return "/".join((*parts, f"{kind}-{day}-{digest[:12]}.parquet"))


def _named(text: str) -> str:
    if _PLAIN.fullmatch(text):
        return text
    return f"{re.sub(r'[^A-Za-z0-9_-]', '_', text)[:60]}~{sha256(text.encode()).hexdigest()[:12]}"
