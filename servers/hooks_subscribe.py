"""Ask an MLflow server to send its registry's events to our receiver."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..spec.errors import RegistryError

if TYPE_CHECKING:
    from mlflow.entities.webhook import WebhookEvent, WebhookEventStr

NAME = "ratoon"
EVENTS: tuple[WebhookEventStr, ...] = (
    "model_version_alias.created",
    "model_version_alias.deleted",
    "model_version_tag.set",
)


def subscribe(mlflow_uri: str, url: str, secret: str, *, name: str = NAME) -> str:
    """Create, or bring up to date, the webhook *name* of the MLflow server; its id. Done again it changes nothing.

    The server has to allow *url*: MLFLOW_WEBHOOK_ALLOWED_SCHEMES=http,https for plain http,
    MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS=true for an address of the same machine or network, and
    MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY so that the secret outlives a restart. With accounts only an admin may.
    Raises RegistryError with the server's reason; the secret is never part of a message.
    """
    from mlflow import MlflowClient
    from mlflow.entities.webhook import WebhookEvent, WebhookStatus
    from mlflow.exceptions import MlflowException

    client = MlflowClient(tracking_uri=mlflow_uri, registry_uri=mlflow_uri)
    events: list[WebhookEventStr | WebhookEvent] = [WebhookEvent.from_str(each) for each in EVENTS]
    try:
        known, token = None, None
        while known is None:
            page = client.list_webhooks(max_results=100, page_token=token)
            known, token = next((each for each in page if each.name == name), None), page.token
            if not token:
                break
        if known is None:
            about = "Tells Ratoon that somebody reviewed"
            return str(client.create_webhook(name, url, events, description=about, secret=secret).webhook_id)
        client.update_webhook(known.webhook_id, url=url, events=events, secret=secret, status=WebhookStatus.ACTIVE)
        return str(known.webhook_id)
    except MlflowException as error:
        reason = str(error.message).replace(secret, "…") if secret else str(error.message)
        raise RegistryError(
            f"the MLflow server at {mlflow_uri} does not take the webhook {name!r} to {url}: {reason}. Reviews are "
            "still noticed by the review that runs every few minutes. For http or an address of this machine start it "
            "with MLFLOW_WEBHOOK_ALLOWED_SCHEMES=http,https and MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS=true"
        ) from None
