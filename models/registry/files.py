"""The files of registered versions: where they are, loaded with their training state, and verified."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ...spec.errors import RegistryError
from ...spec.model import Spec
from ..learning.trained import Trained
from ..subprocesses.digests import Digests
from . import verified, version_files
from .connection import Connection
from .embedded import EmbeddedVersions
from .loaded import LoadedVersions
from .reads import Reads
from .versions import Version, Witness


class Files:
    """Reads the files of one model's versions: in place if they are local, else from copies that end with it."""

    def __init__(self, spec: Spec, connection: Connection, reads: Reads) -> None:
        self.spec = spec
        self._to = connection
        self._reads = reads
        self._downloads: Path | None = None
        self.loaded = LoadedVersions()

    def load(self, version: Version, witness: Witness | None) -> Trained:
        """*version* with its training state; kept in memory while it may be asked for again.

        Raises RegistryError if its files are gone, or are not those that were registered.
        """
        number = version.number
        if (known := self.loaded.get(number)) is not None:
            return known
        with self.reading(number):
            found = self._read(version, self.folder(number), witness)
        self.loaded.keep(number, found, set(self._reads.aliases().values()))
        return found

    def verify(self, version: Version, witness: Witness | None) -> Trained:
        """*version*, loaded afresh and not kept in memory here.

        Raises RegistryError unless it predicts its own example as it did when it was registered.
        """
        number = version.number
        try:
            folder = self.folder(number)
            found = self._read(version, folder, witness)
            version_files.verify(found, folder)
            return found
        except RegistryError as error:
            raise RegistryError(
                f"version {number} of {version.model!r} does not load and predict as it did: {error}. No alias was "
                "moved"
            ) from error
        except Exception as error:
            raise RegistryError(
                f"version {number} of {version.model!r} does not load and predict: {error}. No alias was moved"
            ) from error

    @contextmanager
    def reading(self, number: str) -> Iterator[None]:
        """Turn what a store raises for files that are gone into RegistryError."""
        try:
            yield
        except (self._to.error, OSError) as error:
            raise RegistryError(
                f"version {number} of {self._to.model!r} cannot be read: {error}. Restore its files in the registry at "
                f"{self._to.uri}, or let another version serve by `ratoon promote --version`"
            ) from error

    def folder(self, number: str) -> Path:
        """The folder with a version's files: in place if they are local, else downloaded once."""
        source = self._reads.source
        if isinstance(source, EmbeddedVersions) and (local := source.files(number)) is not None:
            return local
        address = f"models:/{self._to.model}/{number}"
        if not self._to.uri.startswith("http"):
            return self._download(address)
        if self._downloads is None:
            self._downloads = Path(tempfile.mkdtemp(prefix="ratoon-versions-"))
            weakref.finalize(self, shutil.rmtree, self._downloads, ignore_errors=True)
        kept = self._downloads / number
        if not kept.is_dir():
            half = Path(tempfile.mkdtemp(dir=self._downloads))
            self._download(address, half).rename(kept)
        return kept

    def forget(self, number: str) -> None:
        """Remove the copy of a version's files, if one was downloaded: whoever asks for it again downloads it again."""
        self.loaded.forget(number)
        if self._downloads is not None:
            shutil.rmtree(self._downloads / number, ignore_errors=True)

    def digests(self, model_id: str) -> Digests:
        """Of the files of one of MLflow's logged models, as the store holds them."""
        with tempfile.TemporaryDirectory() as folder:
            return Digests.of(self._download(f"models:/{model_id}", Path(folder)))

    def copy(self, address: str, into: Path) -> Path:
        """See `Registry.download`."""
        try:
            return self._download(address, into)
        except Exception as error:  # each store raises its own
            raise RegistryError(
                f"{address} cannot be read from {self._to.uri}: {error}. Nothing was changed; see `mlflow models` or "
                "the registry's page for what is there"
            ) from error

    def _download(self, address: str, into: Path | None = None) -> Path:
        from mlflow.artifacts import download_artifacts

        with self._to.aimed():
            return Path(download_artifacts(address, dst_path=None if into is None else str(into)))

    def _read(self, version: Version, folder: Path, witness: Witness | None) -> Trained:
        """The version in *folder*, once its files are those that were registered."""
        checked = verified.check(version, folder, self.spec, witness)
        allowed = self.spec.learner.types_allowed
        return version_files.load(folder, version.number, allowed, self.spec, checked)
