"""Prefect's and Evidently's own servers behind `OwnPages`, for uvicorn:

    uvicorn --factory ratoon.servers.guarded:prefect --host 127.0.0.1 --port 4200

Each reads its own settings as ever (`PREFECT_…`, `EVIDENTLY_SECRET`), Evidently's workspace is $RATOON_WORKSPACE, and
$RATOON_ALLOWED_HOSTS names the hosts, beside this machine, under which browsers reach them.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from .own_pages import OwnPages
from .settings import Settings


def prefect() -> OwnPages:
    """The application of `prefect server start`, with all of its background services."""
    from prefect.server.api.server import create_app

    return OwnPages(create_app(final=True), Settings.settle(Path()).names)  # type: ignore[arg-type]


def evidently() -> OwnPages:
    """The application of `evidently ui`, which changes nothing: windows are written to its folder, not by it."""
    from evidently.ui.service.app import create_app, get_config

    # What asks for a change has to send this; left out, it is one that nobody knows.
    secret = os.environ.get("EVIDENTLY_SECRET") or secrets.token_urlsafe(32)
    config = get_config(workspace=os.environ["RATOON_WORKSPACE"], secret=secret)
    return OwnPages(create_app(config), Settings.settle(Path()).names)
