"""`ratoon listen`: the receiver of MLflow's webhooks as a process of its own."""

from __future__ import annotations

import logging
import os
import signal
import sys
from pathlib import Path

from ...spec.errors import BadInput, RegistryError
from ...spec.load import load_spec
from ...spec.private import private_folder


def listen(folder: Path, url: str | None = None) -> None:
    """Receive webhooks until it is stopped, for every spec below *folder*.

    With *url*, at which MLflow reaches this receiver, the server of $MLFLOW_TRACKING_URI is asked to send them there;
    where it does not take them that is logged, and the sweep goes on noticing reviews.
    Raises BadInput without $RATOON_WEBHOOK_SECRET, for *url* without $MLFLOW_TRACKING_URI, and for settings or a
    folder that cannot be used.
    """
    from ...servers.settings import Settings

    settings = Settings.settle(Path())
    secret = os.environ.get("RATOON_WEBHOOK_SECRET", "")
    if not secret:
        raise BadInput(
            "RATOON_WEBHOOK_SECRET is not set: without it anybody could send events. Nothing was started. Set it to "
            "the secret that the webhook in MLflow was made with."
        )
    registry = os.environ.get("MLFLOW_TRACKING_URI", "")
    if url is not None and not registry:
        raise BadInput(
            "MLFLOW_TRACKING_URI is not set: --subscribe asks that server to send its events. Nothing was started. "
            "Set it, or leave --subscribe out and make the webhook in MLflow."
        )
    if not folder.is_dir():
        raise BadInput(f"{folder}: there is no such folder; nothing was started. Name the folder that holds the specs.")
    if "PREFECT_API_URL" not in os.environ and "PREFECT_HOME" not in os.environ:  # reviews run within this process
        prefect = settings.home / "prefect"
        private_folder(settings.home)
        private_folder(prefect)
        os.environ["PREFECT_HOME"] = str(prefect)
    import uvicorn

    from ...flows.review import start_review  # Prefect reads its settings when it is imported
    from ...servers.hooks_app import create_app
    from ...servers.hooks_limits import limits

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    logging.getLogger("ratoon").setLevel(logging.INFO)  # Prefect may have set up the root's handlers before
    if url is not None:
        _subscribe(registry, url, secret)
    app = create_app(secret, lambda: models_below(folder), start_review, seen=settings.home / "hooks.db")
    # uvicorn ends by raising SIGTERM again, at which Python would leave Prefect's temporary server behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    uvicorn.run(app, host=settings.host, port=settings.hooks_port, log_level="warning", **limits())


def _subscribe(registry: str, url: str, secret: str) -> None:
    from ...servers.hooks_subscribe import subscribe

    try:
        subscribe(registry, url, secret)
    except RegistryError as error:
        logging.getLogger("ratoon").warning("%s", error)
    else:
        logging.getLogger("ratoon").info("MLflow sends its events to %s", url)


def models_below(folder: Path) -> dict[str, Path]:
    """The spec of each model below *folder*; a spec with a fault is passed over, so that the others are heard."""
    from ...flows.prefect.specs import find_specs

    found = {}
    for path in find_specs(folder):
        try:
            found[load_spec(path).model] = path.resolve()
        except BadInput:
            continue
    return found
