"""MLflow's client for one registry, and what every call of it needs: its address, its words for errors, its retries."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

from ...spec.errors import NotAllowed, RegistryError
from ...spec.masked import without_login
from ...spec.model import Spec

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)  # it prints what it raises, with its stack

_AIM = threading.RLock()  # MLflow's tracking URI is global to the process
_PAUSES = (0.1, 0.4, 1.0)  # seconds between tries of a write


class Connection:
    """The registry at *uri*. MLflow is imported when something needs it: that takes seconds, and a monitoring run that
    holds needs none."""

    def __init__(self, spec: Spec, uri: str) -> None:
        self.spec = spec
        self.model = spec.model
        self.uri = uri

    @cached_property
    def client(self) -> MlflowClient:
        """MLflow's own client."""
        from mlflow import MlflowClient

        return MlflowClient(tracking_uri=self.uri, registry_uri=self.uri)

    @cached_property
    def error(self) -> type[MlflowException]:
        """What MLflow raises."""
        from mlflow.exceptions import MlflowException

        return MlflowException

    @property
    def page(self) -> str | None:
        """The address of MLflow's UI, if a server is used."""
        home = without_login(self.uri).rstrip("/")
        return f"{home}/#" if home.startswith("http") else None

    def write(self, write: Callable[[], object], what: str) -> None:
        """Do one *write* that may be repeated, such as of an alias; *what* says in words what it does.

        Writes of aliases that meet each other fail with 400 now and then. Raises NotAllowed if MLflow refuses our
        account, and RegistryError for its other refusals.
        """
        with self.wording(what):
            for pause in (*_PAUSES, None):
                try:
                    write()
                    return
                except self.error as error:
                    if pause is None or _forbidden(error):
                        raise
                    time.sleep(pause)

    @contextmanager
    def wording(self, what: str) -> Iterator[None]:
        """Turn MLflow's refusal of our account into NotAllowed, and its other errors into RegistryError."""
        try:
            yield
        except self.error as error:
            who = os.environ.get("MLFLOW_TRACKING_USERNAME") or "that Ratoon uses"
            if _forbidden(error):
                raise NotAllowed(
                    f"the account {who} may not {what}: a reviewer, who has MANAGE on {self.model!r} in MLflow, has "
                    "to. The aliases are as they were"
                ) from error
            raise RegistryError(
                f"{self.uri} refuses to {what}: {error.message}. The aliases are as they were"
            ) from error

    @contextmanager
    def aimed(self) -> Iterator[None]:
        """Point MLflow's process-wide URIs at this registry, and back afterwards.

        MLflow writes them into the environment too, where another spec would find them.
        """
        import mlflow

        names = ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI")
        with _AIM:
            before = {name: os.environ.get(name) for name in names}
            mlflow.set_tracking_uri(self.uri)
            mlflow.set_registry_uri(self.uri)
            try:
                yield
            finally:
                # Unset, then restore the environment: who had set a URI had it exported there as well. MLflow's types
                # do not know that None unsets it.
                mlflow.set_tracking_uri(None)  # type: ignore[arg-type]
                mlflow.set_registry_uri(None)  # type: ignore[arg-type]
                for name, value in before.items():
                    if value is None:
                        os.environ.pop(name, None)
                    else:
                        os.environ[name] = value


def _forbidden(error: MlflowException) -> bool:
    """Whether MLflow refuses our account; its authentication says 403 in plain text, not in its own errors."""
    return error.error_code == "PERMISSION_DENIED" or ("403" in str(error) and "ermission denied" in str(error))
