"""Versions, tags and aliases as MLflow's client reads and writes them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from ...spec.errors import RegistryError
from . import card
from .connection import Connection
from .tags import CAUGHT, MAX_CHARACTERS, TAKEN_BACK
from .versions import Version

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion

PAGE = 1000  # versions read at once


class MlflowVersions:
    """One model's versions through MLflow's client: whatever its store is."""

    def __init__(self, connection: Connection) -> None:
        self._to = connection
        self.model = connection.model

    # -- reading: a `VersionSource` --------------------------------------------------------------

    def aliases(self) -> dict[str, str]:
        """Each alias with the number it points to; RegistryError if the registry does not answer."""
        from mlflow.protos.databricks_pb2 import RESOURCE_DOES_NOT_EXIST, ErrorCode

        try:
            found = self._to.client.get_registered_model(self.model).aliases
        except self._to.error as error:
            if error.error_code == ErrorCode.Name(RESOURCE_DOES_NOT_EXIST):
                return {}
            raise RegistryError(f"the registry at {self._to.uri} does not answer: {error}") from error
        return {str(alias): str(number) for alias, number in found.items()}

    def versions(self, *, number: str | None = None, tag: tuple[str, str] | None = None) -> list[Version]:
        """The versions, newest first: all, the one of a *number*, or those with a *tag*. Without aliases."""
        if number is not None:
            return self._one(number)
        wanted = f"name='{self.model}'" + (f" and tags.`{tag[0]}`='{tag[1]}'" if tag else "")
        return sorted(map(as_version, self._pages(wanted)), key=lambda each: int(each.number), reverse=True)

    def _one(self, number: str) -> list[Version]:
        try:
            return [as_version(self._to.client.get_model_version(self.model, number))]
        except self._to.error:
            return []

    def _pages(self, wanted: str) -> Iterator[ModelVersion]:
        """All that there are: MLflow hands out at most a page at once, and says so by a token alone."""
        token = None
        while True:
            page = self._to.client.search_model_versions(wanted, max_results=PAGE, page_token=token)
            yield from page
            token = page.token
            if not token:
                return

    # -- writing: an `AliasWriter` ---------------------------------------------------------------

    def set_alias(self, alias: str, number: str) -> None:
        """Point *alias* at version *number*; NotAllowed or RegistryError if MLflow refuses."""
        what = f"let v{number} serve" if alias == "champion" else f"point the alias {alias} at v{number}"
        self._to.write(partial(self._to.client.set_registered_model_alias, self.model, alias, number), what)

    def delete_alias(self, alias: str) -> None:
        """Take *alias* away; NotAllowed or RegistryError if MLflow refuses."""
        self._to.write(
            partial(self._to.client.delete_registered_model_alias, self.model, alias), f"delete the alias {alias}"
        )

    def discard(self, number: str) -> None:
        """Delete a version that was never offered; if the account may not, it stays, marked, without an alias."""
        try:
            self._to.client.delete_model_version(self.model, number)
        except self._to.error:
            self.set_tag(number, TAKEN_BACK, "true")

    def set_tag(self, number: str, key: str, value: str) -> None:
        """Set one tag of a version, cut to what every store holds; NotAllowed or RegistryError if MLflow refuses."""
        with self._to.wording(f"set the tag {key} of v{number}"):
            self._to.client.set_model_version_tag(self.model, number, key, value[:MAX_CHARACTERS])

    def flag(self, number: str | None, text: str) -> None:
        """A tag, and for a version also the first lines of its description; what it said stays below them."""
        client = self._to.client
        with self._to.wording("show that the champion alias was caught"):
            if number is None:
                client.set_registered_model_tag(self.model, CAUGHT, text[:MAX_CHARACTERS])
                return
            client.set_model_version_tag(self.model, number, CAUGHT, text[:MAX_CHARACTERS])
            said = client.get_model_version(self.model, number).description or ""
            client.update_model_version(self.model, number, card.caught(text, said))


def as_version(found: ModelVersion) -> Version:
    """MLflow's entity as ours, without aliases."""
    return Version(
        model=found.name,
        number=str(found.version),
        tags={str(k): str(v) for k, v in found.tags.items()},
        description=found.description or "",
        created=datetime.fromtimestamp((found.creation_timestamp or 0) / 1000, UTC).replace(tzinfo=None),
        run_id=found.run_id or None,
    )
