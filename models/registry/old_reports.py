"""The HTML among the artifacts of a version's training run: what it takes, and removing it when nobody needs it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ...spec.errors import RegistryError
from .mlflow_registry import Registry
from .tags import PRUNED
from .versions import Version

if TYPE_CHECKING:
    from mlflow.store.artifact.artifact_repo import ArtifactRepository

_FOLDER = "reports"


@dataclass(frozen=True)
class Reports:
    """The HTML files of the run of *version*: artifact paths with bytes."""

    version: Version
    files: tuple[tuple[str, int], ...]


def reports(registry: Registry, version: Version) -> Reports | None:
    """The HTML that the version's run holds; None where there is none, or where its run is gone."""
    if version.run_id is None or version.meta.pruned is not None:
        return None
    with suppress(registry.connection.error, OSError), registry.connection.aimed():
        store = _store(registry, version.run_id)
        found = [each for each in store.list_artifacts(_FOLDER) if not each.is_dir and each.path.endswith(".html")]
        return Reports(version, tuple((each.path, int(each.file_size or 0)) for each in found)) if found else None
    return None


def remove(registry: Registry, old: Reports, now: datetime) -> None:
    """Remove the files, and say so in the version's tags. Raises RegistryError where the store does not let it."""
    try:
        with registry.connection.aimed():
            store = _store(registry, str(old.version.run_id))
            for path, _ in old.files:
                if _is_ours(store, path):
                    store.delete_artifacts(path)  # type: ignore[no-untyped-call]  # MLflow's
        text = f"{now:%Y-%m-%d}: {len(old.files)} HTML reports of its run were removed by age"
        registry.set_tag(old.version.number, PRUNED, text)
    except Exception as error:  # each store raises its own
        raise RegistryError(
            f"the HTML reports of v{old.version.number} of {registry.model!r} cannot be removed from "
            f"{registry.uri}: {error}. No version was changed"
        ) from error


def _store(registry: Registry, run_id: str) -> ArtifactRepository:
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    uri = registry.connection.client.get_run(run_id).info.artifact_uri
    return get_artifact_repository(uri, tracking_uri=registry.uri, registry_uri=registry.uri)


def _is_ours(store: ArtifactRepository, path: str) -> bool:
    """Whether a file of a local store lies in the run's own folder: a link may lead to anybody's."""
    local = getattr(store, "artifact_dir", None)
    if local is None:
        return True
    root = Path(local)
    places = list(_upto(root, root / path))
    return not any(each.is_symlink() for each in places) and (root / path).resolve().is_relative_to(root.resolve())


def _upto(root: Path, path: Path) -> Iterator[Path]:
    while path != root:
        yield path
        path = path.parent
