"""`ratoon listen`: the receiver of MLflow's webhooks as a process of its own."""

from __future__ import annotations

import os
from pathlib import Path

from ..spec.errors import BadInput
from ..spec.load import load_spec


def listen(folder: Path) -> None:
    """Receive webhooks until it is stopped, for every spec below *folder*.

    Raises BadInput without $RATOON_WEBHOOK_SECRET.
    """
    import logging

    import uvicorn

    from ..flows.review import start_review
    from ..servers.hooks_app import create_app
    from ..servers.settings import Settings

    settings = Settings()
    secret = os.environ.get("RATOON_WEBHOOK_SECRET", "")
    if not secret:
        raise BadInput(
            "RATOON_WEBHOOK_SECRET is not set: without it anybody could send events. Nothing was started. Set it to "
            "the secret that the webhook in MLflow was made with."
        )
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    app = create_app(secret, lambda: models_below(folder), start_review, seen=settings.home / "hooks.db")
    uvicorn.run(app, host=settings.host, port=settings.hooks_port, log_level="warning")


def models_below(folder: Path) -> dict[str, Path]:
    """The spec of each model below *folder*; what is no spec is passed over."""
    found = {}
    for path in sorted(folder.rglob("*.yaml")):
        if any(part.startswith(".") for part in path.relative_to(folder).parts):
            continue
        try:
            found[load_spec(path).model] = path.resolve()
        except BadInput:
            continue
    return found
