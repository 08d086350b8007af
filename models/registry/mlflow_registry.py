"""The model registry on MLflow: one object over reads, files, registering and offers.

Embedded by default: SQLite and artifacts in `stores.home`; else `stores.mlflow` or $MLFLOW_TRACKING_URI.
A version is created in one call with all its tags and its description, after its files are logged: a crash
leaves either nothing or a complete version. What it says of itself never changes later; only aliases move.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from ...spec.errors import RatoonError, RegistryError
from ...spec.model import Spec
from ...spec.unexpected import said
from ...spec.values import Strategy
from ..learning.trained import Trained
from . import version_files
from .aliases import CHAMPION
from .connection import Connection
from .embedded import EmbeddedVersions
from .evidence import Evidence
from .files import Files
from .mlflow_versions import MlflowVersions
from .offers import Offers
from .reads import Reads
from .registering import Registering, keep_again
from .store import only_one, uri_of
from .training_runs import TrainingRuns
from .versions import UNCLAIMED, Claim, Version, Witness

if TYPE_CHECKING:
    import pandas as pd


class Registry:
    """The versions and aliases of one model. Open it with `Registry.open(spec)`; see `Versions` for the methods.

    *connection* is MLflow's client, *reads* and *files* what is asked of it.
    """

    def __init__(self, spec: Spec, uri: str) -> None:
        self.spec = spec
        self.model = spec.model
        self.uri = uri
        self.connection = Connection(spec, uri)
        self._mlflow = MlflowVersions(self.connection)
        self.reads = Reads(spec, uri, EmbeddedVersions.find(uri, spec.model) or self._mlflow)
        self.files = Files(spec, self.connection, self.reads)
        self._runs = TrainingRuns(spec, self.connection)
        self._registering = Registering(spec, self.connection, self._runs, self.files)
        self._offers = Offers(spec.model, self.reads, self._mlflow)
        self.witness: Witness | None = None  # the ledger's word on versions, if a ledger is open

    @classmethod
    def open(cls, spec: Spec) -> Registry:
        """Open, and create on first use, the registry of *spec*; RegistryError if it cannot be reached."""
        uri = uri_of(spec)
        try:
            if EmbeddedVersions.find(uri, spec.model) is None:
                import mlflow  # noqa: F401 - seconds, for which nobody need wait in the lock
            with only_one(spec, uri):  # two processes that create one registry would break each other's migration
                registry = cls(spec, uri)
                if not registry.embedded:  # else the file is there, and of a schema that is known
                    registry.connection.client.search_registered_models(max_results=1)
                    registry.connection.client.search_experiments(max_results=1)
                    registry.reads.source = EmbeddedVersions.find(uri, spec.model) or registry._mlflow
        except RatoonError:
            raise
        except Exception as error:
            raise RegistryError(
                f"the MLflow registry at {uri} cannot be used: {said(error)}. Check stores.mlflow in {spec.path} and "
                "$MLFLOW_TRACKING_URI; nothing was changed"
            ) from error
        return registry

    @property
    def embedded(self) -> bool:
        """Whether it is read straight from MLflow's SQLite file, without MLflow."""
        return isinstance(self.reads.source, EmbeddedVersions)

    # -- reading ---------------------------------------------------------------------------------

    def one_read(self) -> AbstractContextManager[None]:
        """Within the block each thing is read once."""
        return self.reads.one_read()

    def refresh(self) -> None:
        """Forget what was read within `one_read`."""
        self.reads.refresh()

    def versions(self) -> tuple[Version, ...]:
        """All versions, newest first."""
        return self.reads.versions()

    def version(self, ref: str | int) -> Version:
        """The version of a number or an alias; RegistryError with the next step if there is none."""
        return self.reads.version(ref)

    def champion(self) -> Version | None:
        """The version that serves; None before the first training, or if its version was deleted."""
        return self.reads.champion()

    def challenger(self) -> Version | None:
        """The version that waits for review."""
        return self.reads.challenger()

    def candidates(self) -> dict[Strategy, Version]:
        """The newest version that each strategy made; of an older registry the one with the alias `candidate`."""
        return self.reads.candidates()

    def rejected(self) -> tuple[Version, ...]:
        """The versions that a reviewer rejected, by the tag `review` with the value `rejected`; the oldest first."""
        return self.reads.rejected()

    def of_decision(self, decision: str) -> Version | None:
        """The version registered for *decision*, if there is one."""
        return self.reads.of_decision(decision)

    def page(self, number: str) -> str | None:
        """The address of a version's page in MLflow's UI, if a server is used."""
        home = self.connection.page
        return f"{home}/models/{self.model}/versions/{number}" if home else None

    # -- files -----------------------------------------------------------------------------------

    def load(self, ref: str | int = CHAMPION) -> Trained:
        """The version of a number or alias with its training state; kept in memory while it may be asked for again.

        Raises RegistryError if its files are gone, or are not those that were registered.
        """
        return self.files.load(self.version(ref), self.witness)

    def verify(self, ref: str | int) -> None:
        """Raises RegistryError unless the version loads afresh and predicts its own example as it did at first."""
        self.files.verify(self.version(ref), self.witness)

    def load_verified(self, ref: str | int) -> Trained:
        """The version, loaded afresh and not kept in memory here, once it predicts its own example as it did at first.

        Raises RegistryError as `verify`.
        """
        return self.files.verify(self.version(ref), self.witness)

    def example(self, number: str) -> pd.DataFrame:
        """The rows that a version was registered with, as objects; RegistryError if its files are gone."""
        with self.files.reading(number):
            return version_files.example_in(self.folder(number))[0]

    def runs_own_code(self, number: str) -> bool:
        """Whether loading a version runs code of its own or of a user's learner; RegistryError without its files."""
        with self.files.reading(number):
            return version_files.runs_own_code(self.folder(number), number)

    def forget(self, number: str) -> None:
        """Keep neither a loaded version nor a downloaded copy of its files."""
        self.files.forget(number)

    def folder(self, number: str) -> Path:
        """The folder with a version's files: in place if they are local, else downloaded once."""
        return self.files.folder(number)

    def download(self, address: str, folder: Path) -> Path:
        """The files of any model that this MLflow knows (`models:/…`, `runs:/…`) or of a folder, copied into *folder*.

        Raises RegistryError if there is none.
        """
        return self.files.copy(address, folder)

    # -- writing ---------------------------------------------------------------------------------

    def log(self, trained: Trained, evidence: Evidence, code_paths: Sequence[str] = ()) -> tuple[str, str]:
        """Store the files of a version that is not made yet; the ids of their run and of MLflow's logged model.

        Raises SpecError for a type that was not reviewed; then nothing was written.
        """
        return self._runs.log(trained, evidence, code_paths)

    def register(
        self,
        trained: Trained,
        evidence: Evidence,
        *,
        code_paths: Sequence[str] = (),
        claim: Claim = UNCLAIMED,
    ) -> Version:
        """Register *trained* once for `evidence.decision` and set its aliases; the version.

        `candidate` if a gate judged it, `challenger` unless that gate could not prove it. If the decision has a
        version already, that one is returned and only its aliases repaired. *claim* is asked before the version is
        created and before it is offered. Raises Refused if another run took its place, and SpecError for a type
        that was not reviewed; then nothing was offered.
        """
        self.refresh()
        known = self.of_decision(evidence.decision)
        if known is None:
            known = self._registering.make(trained, evidence, code_paths, claim, self.witness)
            self.refresh()
        return self.offer(known, claim=claim)

    def offer(self, version: Version, *, claim: Claim = UNCLAIMED) -> Version:
        """Point `candidate` at *version*, and `challenger` too if its gate passed it; no newer one's alias moves.

        If its decision offers another version already, *version* is deleted and that one is returned. Raises
        Refused if *claim* was lost before anything was offered; then *version* is deleted.
        """
        return self._offers.offer(version, claim=claim, before=lambda offered: keep_again(offered, self.witness))

    def discard(self, number: str) -> None:
        """Delete a version that was never offered; if the account may not, it stays, marked, without an alias."""
        self._offers.discard(number)

    def let_go(self, strategy: Strategy | None = None) -> None:
        """Take the alias of *strategy* away, else `candidate`: its next update goes on from the champion.

        The version stays. So does the alias if MLflow refuses: the ledger knows that the line has ended.
        """
        self._offers.let_go(strategy)

    def promote(self, ref: str | int) -> str | None:
        """Let a version serve, after it has loaded and predicted its own example; the former champion's number.

        Raises RegistryError if it does not, and AliasMoved if somebody else moved the alias while it was loaded;
        then no alias was moved.
        """
        return self._offers.promote(ref, self.verify)

    def roll_back(self, to: str | int) -> str | None:
        """Let the former champion *to* serve again, by the same checks; the number of the one rolled back."""
        return self.promote(to)

    def flag(self, number: str | None, text: str) -> None:
        """Show on the version's page, or on the model's (None), that the alias was caught there.

        A tag, and for a version also the first lines of its description; what it said stays below them.
        """
        self._mlflow.flag(number, " ".join(text.split()))  # it may hold tags that anybody wrote: no heading of its own
        self.refresh()

    def set_tag(self, number: str, key: str, value: str) -> None:
        """Set one tag of a version; NotAllowed or RegistryError if MLflow refuses."""
        self._mlflow.set_tag(number, key, value)
        self.refresh()
