"""The model registry: the only file that knows MLflow.

Embedded by default: SQLite and artifacts in `stores.home`; else `stores.mlflow` or $MLFLOW_TRACKING_URI.
A version is created in one call with all its tags and its description, after its files are logged: a crash
leaves either nothing or a complete version. What it says of itself never changes later; only aliases move.
"""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import cached_property, partial
from pathlib import Path
from typing import Any, TypeVar, cast, get_args

from ...spec.errors import AliasMoved, NotAllowed, RatoonError, Refused, RegistryError, Unavailable
from ...spec.masked import without_login
from ...spec.model import Spec
from ...spec.unexpected import said
from ...spec.values import LadderRung
from ..families.logged import Logged
from ..gate import plot as gate_plot
from ..gate.table import gate_table
from ..learning.features import table
from ..learning.trained import Trained
from ..subprocesses.digests import FILES, Digests
from ..subprocesses.remote import Isolated
from . import card, verified
from . import version_files as flavour
from .embedded import EmbeddedVersions
from .evidence import Evidence
from .logged_apart import log_apart
from .pins import pins
from .store import artifacts_of, only_one, uri_of
from .versions import (
    BEHIND,
    CANDIDATE,
    CAUGHT,
    CHALLENGER,
    CHAMPION,
    DECISION,
    TAKEN_BACK,
    UNCLAIMED,
    Claim,
    Version,
    Witness,
    behind,
    pointing_at,
    to_be_set,
)

logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)  # it prints what it raises, with its stack

_AIM = threading.RLock()  # MLflow's tracking URI is global to the process
T = TypeVar("T")


class Registry:
    """The versions and aliases of one model. Open it with `Registry.open(spec)`."""

    def __init__(self, spec: Spec, uri: str) -> None:
        self.spec = spec
        self.model = spec.model
        self.uri = uri
        self._embedded = EmbeddedVersions.find(uri, spec.model)
        self._loaded: dict[str, Trained] = {}
        self._downloads: Path | None = None
        self.witness: Witness | None = None  # the ledger's word on versions, where a ledger is open

    @cached_property
    def _mlflow(self) -> Any:
        """MLflow itself, imported when something needs it: it takes seconds, and a look that holds needs none."""
        import mlflow

        return mlflow

    @cached_property
    def _client(self) -> Any:
        from mlflow import MlflowClient

        return MlflowClient(tracking_uri=self.uri, registry_uri=self.uri)

    @classmethod
    def open(cls, spec: Spec) -> Registry:
        """Open, and create on first use, the registry of *spec*; RegistryError where it cannot be reached."""
        uri = uri_of(spec)
        try:
            if EmbeddedVersions.find(uri, spec.model) is None:
                import mlflow  # noqa: F401 - seconds, for which nobody need wait in the lock
            with only_one(spec, uri):  # two processes that create one registry would break each other's migration
                registry = cls(spec, uri)
                if registry._embedded is None:  # else the file is there, and of a schema that is known
                    registry._client.search_registered_models(max_results=1)
                    registry._client.search_experiments(max_results=1)
                    registry._embedded = EmbeddedVersions.find(uri, spec.model)
        except RatoonError:
            raise
        except Exception as error:
            raise RegistryError(
                f"the MLflow registry at {uri} cannot be used: {said(error)}. Check stores.mlflow in {spec.path} and "
                "$MLFLOW_TRACKING_URI; nothing was changed"
            ) from error
        return registry

    # -- reading ---------------------------------------------------------------------------------

    def versions(self) -> tuple[Version, ...]:
        """All versions, newest first."""
        if self._embedded is not None:
            return tuple(self._embedded.versions())
        found: list[Any] = []
        token = None
        while token or not found:  # a thousand come at once
            page = self._client.search_model_versions(f"name='{self.model}'", max_results=1000, page_token=token)
            found += page
            token = page.token
            if not page:
                break
        aliases = self._aliases()
        return tuple(sorted((_version(v, aliases) for v in found), key=lambda v: int(v.number), reverse=True))

    def version(self, ref: str | int) -> Version:
        """The version of a number or an alias; RegistryError with the next step where there is none."""
        number = self._aliases().get(str(ref), str(ref))
        if number.isdigit() and self._embedded is not None:
            if stored := self._embedded.versions(number=number):
                return stored[0]
        elif number.isdigit():
            with suppress(self._mlflow.MlflowException):
                return _version(self._client.get_model_version(self.model, number), self._aliases())
        known = ", ".join(f"{v.number}" for v in self.versions()) or "none"
        raise RegistryError(
            f"model {self.model!r} has no version or alias {ref!r} in {self.uri} (versions: {known}). "
            + (f"Train a first version: ratoon train {self.spec.path}" if known == "none" else "Nothing was changed")
        )

    def champion(self) -> Version | None:
        """The version that serves; None before the first training, or where its version was deleted."""
        return self._of(CHAMPION)

    def challenger(self) -> Version | None:
        """The version that waits for review."""
        return self._of(CHALLENGER)

    def candidates(self) -> dict[LadderRung, Version]:
        """The newest version that each strategy made; of an older registry the one with the alias `candidate`."""
        aliases = self._aliases()
        found = {strategy: self.version(number) for strategy, number in behind(aliases).items()}
        if not found and CANDIDATE in aliases:
            old = self.version(aliases[CANDIDATE])
            if old.strategy in get_args(LadderRung):
                found[cast(LadderRung, old.strategy)] = old
        return found

    def rejected(self) -> tuple[Version, ...]:
        """The versions that a reviewer rejected, by the tag `review` with the value `rejected`."""
        if self._embedded is not None:
            stored = self._embedded.versions(tag=("review", "rejected"))
            return tuple(sorted((each.model_copy(update={"aliases": ()}) for each in stored), key=_number))
        found = self._client.search_model_versions(f"name='{self.model}' and tags.review='rejected'")
        return tuple(sorted((_version(v, {}) for v in found), key=lambda v: int(v.number)))

    def of_decision(self, decision: str) -> Version | None:
        """The version registered for *decision*, if there is one."""
        if self._embedded is not None:
            made: Iterable[Version] = self._embedded.versions(tag=(DECISION, decision))
        else:
            found = self._client.search_model_versions(f"name='{self.model}' and tags.`{DECISION}`='{decision}'")
            aliases = self._aliases()
            made = (_version(v, aliases) for v in found)
        return min((each for each in made if TAKEN_BACK not in each.tags), key=_number, default=None)

    def load(self, ref: str | int = CHAMPION) -> Trained:
        """The version of a number or alias with its training state; kept in memory by number.

        Raises RegistryError where its files are gone, or are not those that were registered.
        """
        version = self.version(ref)
        number = version.number
        if number not in self._loaded:
            try:
                self._loaded[number] = self._read(version, self._files(number))
            except (self._mlflow.MlflowException, OSError) as error:
                raise RegistryError(
                    f"version {number} of {self.model!r} cannot be read: {error}. Restore its files in the registry at "
                    f"{self.uri}, or let another version serve by `ratoon promote --version`"
                ) from error
        return self._loaded[number]

    def _read(self, version: Version, folder: Path) -> Trained:
        """The version in *folder*, once its files are those that were registered."""
        checked = verified.check(version, folder, self.spec, self.witness)
        return flavour.load(folder, version.number, self.spec.learner.types_allowed, self.spec, checked)

    def page(self, number: str) -> str | None:
        """The address of a version's page in MLflow's UI, where a server is used."""
        home = without_login(self.uri).rstrip("/")
        return f"{home}/#/models/{self.model}/versions/{number}" if home.startswith("http") else None

    def _run_page(self, run_id: str) -> str | None:
        """The address of a run's artifacts in MLflow's UI, where a server is used."""
        home = without_login(self.uri).rstrip("/")
        if not home.startswith("http"):
            return None
        return f"{home}/#/experiments/{self._experiment()}/runs/{run_id}/artifacts"

    # -- writing ---------------------------------------------------------------------------------

    def register(
        self,
        trained: Trained,
        evidence: Evidence,
        *,
        code_paths: Sequence[str] = (),
        claim: Claim = UNCLAIMED,
    ) -> Version:
        """Register *trained* once for `evidence.decision` and set its aliases; the version.

        `candidate` where a gate judged it, `challenger` unless that gate could not prove it. Where the decision has a
        version already, that one is returned and only its aliases repaired. *claim* is asked before the version is
        created and before it is offered. Raises Refused where another run took its place, and SpecError for a type
        that was not reviewed; then nothing was offered.
        """
        known = self.of_decision(evidence.decision)
        if known is None:
            if isinstance(trained.estimator, Isolated):
                run_id, model_id = log_apart(self.spec, self.uri, trained, evidence)
            else:
                run_id, model_id = self.log(trained, evidence, code_paths)
            digests = self._digests(model_id)
            claim.check()
            if self.witness is not None:  # before the version: a process that dies in between leaves one that is known
                self.witness.intend(evidence.decision, digests.whole)
            known = self._create(trained, evidence, run_id, model_id, digests)
            self._witnessed(known, digests)
        return self.offer(known, claim=claim)

    def offer(self, version: Version, *, claim: Claim = UNCLAIMED) -> Version:
        """Point `candidate` at *version*, and `challenger` too where its gate passed it; no newer one's alias moves.

        Where its decision offers another version already, *version* is deleted and that one is returned. Raises
        Refused where *claim* was lost before anything was offered; then *version* is deleted.
        """
        decision = version.decision or version.number
        try:
            offered = claim.offer(decision, version.number)
        except Unavailable:  # nobody knows who holds the claim: what was made is left for the next try
            raise
        except Refused:
            if claim.take_back(decision, version.number):
                self.discard(version.number)
            raise
        if offered != version.number:
            if claim.take_back(decision, version.number):
                self.discard(version.number)
            version = self.version(offered)
        if FILES in version.tags and self.witness is not None and self.witness.files(version.number) is None:
            self._witness_again(version)
        claim.check()
        moved = to_be_set(version, self._aliases())
        for alias in moved:
            self._set_alias(alias, version.number)
        try:
            claim.check()
        except Refused:  # it slept between looking and setting: what others did meanwhile stands
            self._yield_to(claim.newest_offered(), version, moved)
            raise
        return self.version(version.number)

    def discard(self, number: str) -> None:
        """Delete a version that was never offered; where the account may not, it stays, marked, without an alias."""
        try:
            self._client.delete_model_version(self.model, number)
        except self._mlflow.MlflowException:
            with suppress(self._mlflow.MlflowException):
                self._client.set_model_version_tag(self.model, number, TAKEN_BACK, "true")

    def _yield_to(self, newest: str | None, version: Version, moved: list[str]) -> None:
        """Let the aliases *moved* to *version* go where it serves by now, or a newer one was offered meanwhile."""
        aliases = self._aliases()
        serves = aliases.get(CHAMPION) == version.number
        late = newest is not None and int(newest) > int(version.number)
        waiting = moved if serves else [alias for alias in moved if late and alias in (CHALLENGER, CANDIDATE)]
        for alias in waiting:
            if aliases.get(alias) == version.number:
                self._retried(partial(self._client.delete_registered_model_alias, self.model, alias))
        if newest is not None and late and aliases.get(CHAMPION) != newest:
            self.offer(self.version(newest))

    def let_go(self, strategy: LadderRung | None = None) -> None:
        """Take the alias of *strategy* away, else `candidate`: its next update goes on from the champion.

        The version stays.

        Where MLflow does not let it go, such as for an account that may not, it stays: the ledger knows that the line
        has ended.
        """
        aliases, own = self._aliases(), f"{BEHIND}{strategy}" if strategy else CANDIDATE
        for alias in {own, CANDIDATE} if own in aliases and aliases.get(CANDIDATE) == aliases[own] else {own}:
            if alias in aliases:
                with suppress(self._mlflow.MlflowException):
                    self._retried(partial(self._client.delete_registered_model_alias, self.model, alias))

    def promote(self, ref: str | int) -> str | None:
        """Let a version serve, after it has loaded and predicted its own example; the former champion's number.

        Raises RegistryError where it does not, and AliasMoved where somebody else moved the alias while it was loaded;
        then no alias was moved.
        """
        number = self.version(ref).number
        former = self._aliases().get(CHAMPION)
        self.verify(number)
        self._refuse_moved(former, number)
        with self._wording(f"let v{number} serve"):
            self._set_alias(CHAMPION, number)
        found = self._aliases()
        if found.get(CHAMPION) != number:
            raise RegistryError(
                f"the alias champion of {self.model!r} points to {found.get(CHAMPION)}, not to {number}: someone else "
                "moved it at the same moment. Look at the registry before you promote again"
            )
        for alias in pointing_at(number, found):
            self._retried(partial(self._client.delete_registered_model_alias, self.model, alias))
        return former

    def _refuse_moved(self, former: str | None, number: str) -> None:
        """Look again, since loading takes seconds: what was asked for was to replace *former*."""
        found = self._aliases().get(CHAMPION)
        if found not in (former, number):
            there, then = (f"v{each}" if each else "no version" for each in (found, former))
            raise AliasMoved(
                f"the alias champion of {self.model!r} points to {there} by now, and to {then} when v{number} was "
                f"to be promoted: somebody else moved it. It stays there. Look at the registry, and if v{number} is "
                "still wanted, promote it again"
            )

    def flag(self, number: str | None, text: str) -> None:
        """Show on the version's page, or on the model's (None), that the alias was caught there.

        A tag, and for a version also the first lines of its description; what it said stays below them.
        """
        text = " ".join(text.split())  # it may hold tags that anybody wrote: no heading or table of their own
        with self._wording("show that the champion alias was caught"):
            if number is None:
                self._client.set_registered_model_tag(self.model, CAUGHT, text[: card.MOST])
                return
            self._client.set_model_version_tag(self.model, number, CAUGHT, text[: card.MOST])
            said = self._client.get_model_version(self.model, number).description or ""
            self._client.update_model_version(self.model, number, card.caught(text, said))

    def roll_back(self, to: str | int) -> str | None:
        """Let the former champion *to* serve again, by the same checks; the number of the one rolled back."""
        return self.promote(to)

    def verify(self, ref: str | int) -> None:
        """Raises RegistryError unless the version loads afresh and predicts its own example as it did at first."""
        version = self.version(ref)
        number = version.number
        try:
            folder = self._files(number)
            flavour.verify(self._read(version, folder), folder)
        except RegistryError as error:
            raise RegistryError(
                f"version {number} of {self.model!r} does not load and predict as it did: {error}. No alias was moved"
            ) from error
        except Exception as error:
            raise RegistryError(
                f"version {number} of {self.model!r} does not load and predict: {error}. No alias was moved"
            ) from error

    # -- MLflow ----------------------------------------------------------------------------------

    def log(self, trained: Trained, evidence: Evidence, code_paths: Sequence[str] = ()) -> tuple[str, str]:
        """Store the files of a version that is not made yet; the ids of their run and of MLflow's logged model.

        Raises SpecError for a type that was not reviewed; then nothing was written.
        """
        allowed = self.spec.learner.types_allowed
        types = flavour.refuse_untrusted(trained.estimator, allowed, str(self.spec.path), self.spec)
        self._close_broken_runs(evidence.decision)
        return self._log(trained, evidence, types, list(code_paths) or None)

    def download(self, address: str, folder: Path) -> Path:
        """The files of any model that this MLflow knows (`models:/…`, `runs:/…`) or of a folder, copied into *folder*.

        Raises RegistryError where there is none.
        """
        try:
            with self._aimed():
                return Path(self._mlflow.artifacts.download_artifacts(address, dst_path=str(folder)))
        except Exception as error:  # each store raises its own
            raise RegistryError(
                f"{address} cannot be read from {self.uri}: {error}. Nothing was changed; see `mlflow models` or the "
                "registry's page for what is there"
            ) from error

    def _log(
        self, trained: Trained, evidence: Evidence, types: list[str], code_paths: list[str] | None
    ) -> tuple[str, str]:
        """Log the run, its artifacts and the model's files; their ids. No version exists yet."""
        import mlflow

        state = trained.state
        name = f"{evidence.at:%Y-%m-%d %H:%M} {state.rung}"
        tags = {DECISION: evidence.decision, "ratoon.model": self.model, "ratoon.rung": state.rung}
        with self._aimed(), tempfile.TemporaryDirectory() as folder:
            files = flavour.write_extra(Path(folder), trained, evidence.gate, evidence.example.head(5))
            with mlflow.start_run(
                experiment_id=self._experiment(), run_name=name, tags=tags, nested=_in_a_run()
            ) as run:
                self._log_evidence(run.info.run_id, trained, evidence)
                info = flavour.log(
                    Logged(
                        trained.estimator,
                        table(evidence.example.head(5), state.features),
                        state.features,
                        types,
                        files,
                        pins(trained.estimator, self.spec.learner.requirements),
                        {"watermark": state.watermark.isoformat(), "parent": state.parent, "rung": state.rung},
                        tags,
                        code_paths,
                        state.classes,
                    ),
                    self.spec,
                )
        return run.info.run_id, info.model_id

    def _log_evidence(self, run_id: str, trained: Trained, evidence: Evidence) -> None:
        """Metrics, parameters and artifacts of the training run."""
        state, client = trained.state, self._client
        learner = self.spec.learner
        for key, value in {
            "rung": state.rung,
            "family": state.family,
            "seed": state.seed,
            **learner.model_dump(),
        }.items():
            client.log_param(run_id, key, str(value)[:500])
        client.log_metric(run_id, "cpu_seconds", evidence.cpu_seconds)
        client.log_metric(run_id, "rows", float(evidence.rows or state.learned_rows))
        for metric, found in state.accepted.items():
            client.log_metric(run_id, f"holdout_{metric}", found.value)
        if evidence.gate is not None:
            client.log_text(run_id, gate_table(evidence.gate, width=118), "gate.md")
            client.log_text(run_id, evidence.gate.model_dump_json(indent=1), "gate.json")
            client.log_text(run_id, gate_plot.drawn(evidence.gate), "gate.svg")
            for stratum in evidence.gate.strata:
                if stratum.gain is not None and stratum.candidate is not None:
                    client.log_metric(run_id, f"{stratum.name}_{evidence.gate.metric}", stratum.candidate)
                    client.log_metric(run_id, f"{stratum.name}_gain", stratum.gain.value)
            for check in evidence.gate.checks:
                if check.judged is not None:
                    where = f"{check.of}_" if check.of else ""
                    client.log_metric(run_id, f"{where}{check.name}", check.judged.value)
        for name, text in evidence.reports.items():
            client.log_text(run_id, text, f"reports/{name}")

    def _create(self, trained: Trained, evidence: Evidence, run_id: str, model_id: str, digests: Digests) -> Version:
        """Create the version, whole, in one call."""
        about = card.about(self.model, evidence.spec_path)
        try:
            self._client.create_registered_model(self.model, description=about)
        except self._mlflow.MlflowException:  # it exists already; a description of the user's own stays
            if not self._client.get_registered_model(self.model).description:
                self._client.update_registered_model(self.model, about)
        with self._aimed():  # MLflow resolves the source by its process-wide URI, not by the client's
            made = self._client.create_model_version(
                self.model,
                source=f"models:/{model_id}",
                run_id=run_id,
                model_id=model_id,
                tags=card.tags(trained.state, evidence) | {FILES: digests.text},
                description=card.description(self.model, trained.state, evidence, self._run_page(run_id)),
            )
        return _version(made, self._aliases())

    def _digests(self, model_id: str) -> Digests:
        """Of the files that were just logged, as the store holds them."""
        with self._aimed(), tempfile.TemporaryDirectory() as folder:
            return Digests.of(Path(self._mlflow.artifacts.download_artifacts(f"models:/{model_id}", dst_path=folder)))

    def _witnessed(self, made: Version, digests: Digests) -> None:
        if self.witness is not None:
            at = datetime.fromisoformat(made.tags["ratoon.at"])
            self.witness.keep(made.number, digests.whole, at=at, decision=made.decision)

    def _witness_again(self, version: Version) -> None:
        """Write down what a process left out that died after it had made *version*.

        But for one that no process of ours was about to make: who can write the registry could have made it in between.
        """
        digests = Digests.read(version.tags[FILES])
        if self.witness is not None and self.witness.intended(version.decision or "", digests.whole):
            self._witnessed(version, digests)

    def _close_broken_runs(self, decision: str) -> None:
        """End the runs that a killed process left running for *decision*."""
        query = f"tags.`{DECISION}` = '{decision}' and attributes.status = 'RUNNING'"
        for run in self._client.search_runs([self._experiment()], query):
            self._client.set_terminated(run.info.run_id, "KILLED")

    def _experiment(self) -> str:
        """The id of the experiment named like the model."""
        known = self._client.get_experiment_by_name(self.model)
        if known is None:
            with suppress(self._mlflow.MlflowException):  # another process was faster
                self._client.create_experiment(self.model, artifact_location=artifacts_of(self.spec, self.uri))
            known = self._client.get_experiment_by_name(self.model)
        if known is None or known.lifecycle_stage != "active":
            raise RegistryError(
                f"the MLflow experiment {self.model!r} at {self.uri} is deleted or cannot be created; restore it with "
                "`mlflow experiments restore`. Nothing was registered"
            )
        return str(known.experiment_id)

    def _files(self, number: str) -> Path:
        """The folder with a version's files: in place where they are local, else downloaded once."""
        if self._embedded is not None and (local := self._embedded.files(number)) is not None:
            return local
        address = f"models:/{self.model}/{number}"
        with self._aimed():
            if not self.uri.startswith("http"):
                return Path(self._mlflow.artifacts.download_artifacts(address))
            if self._downloads is None:
                self._downloads = Path(tempfile.mkdtemp(prefix="ratoon-versions-"))
                weakref.finalize(self, shutil.rmtree, self._downloads, ignore_errors=True)
            kept = self._downloads / number
            if not kept.is_dir():
                half = Path(tempfile.mkdtemp(dir=self._downloads))
                Path(self._mlflow.artifacts.download_artifacts(address, dst_path=str(half))).rename(kept)
            return kept

    def _aliases(self) -> dict[str, str]:
        if self._embedded is not None:
            return self._embedded.aliases()
        from mlflow.exceptions import MlflowException
        from mlflow.protos.databricks_pb2 import RESOURCE_DOES_NOT_EXIST, ErrorCode

        try:
            found = self._client.get_registered_model(self.model).aliases
        except MlflowException as error:
            if error.error_code == ErrorCode.Name(RESOURCE_DOES_NOT_EXIST):
                return {}
            raise RegistryError(f"the registry at {self.uri} does not answer: {error}") from error
        return {str(alias): str(number) for alias, number in found.items()}

    def _of(self, alias: str) -> Version | None:
        number = self._aliases().get(alias)
        return None if number is None else self.version(number)

    def _set_alias(self, alias: str, number: str) -> None:
        self._retried(lambda: self._client.set_registered_model_alias(self.model, alias, number))

    def _retried(self, write: Callable[[], None]) -> None:
        """Alias writes that meet each other fail with 400 now and then; setting a pointer again is safe."""
        for pause in (0.1, 0.4, 1.0, None):
            try:
                return write()
            except self._mlflow.MlflowException as error:
                if pause is None or error.error_code == "PERMISSION_DENIED" or _forbidden(error):
                    raise
                time.sleep(pause)
        return None

    @contextmanager
    def _wording(self, what: str) -> Iterator[None]:
        """Turn MLflow's refusal of our account into NotAllowed, and its other errors into RegistryError."""
        try:
            yield
        except self._mlflow.MlflowException as error:
            who = os.environ.get("MLFLOW_TRACKING_USERNAME") or "that Ratoon uses"
            if error.error_code == "PERMISSION_DENIED" or _forbidden(error):
                raise NotAllowed(
                    f"the account {who} may not {what}: a reviewer, who has MANAGE on {self.model!r} in MLflow, has "
                    "to. The aliases are as they were"
                ) from error
            raise RegistryError(
                f"{self.uri} refuses to {what}: {error.message}. The aliases are as they were"
            ) from error

    @contextmanager
    def _aimed(self) -> Iterator[None]:
        """Point MLflow's process-wide URIs at this registry, and back afterwards.

        MLflow writes them into the environment too, where another spec would find them.
        """
        names = ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI")
        with _AIM:
            before = {name: os.environ.get(name) for name in names}
            self._mlflow.set_tracking_uri(self.uri)
            self._mlflow.set_registry_uri(self.uri)
            try:
                yield
            finally:
                # Unset, then restore the environment: who had set a URI had it exported there as well.
                self._mlflow.set_tracking_uri(None)
                self._mlflow.set_registry_uri(None)
                for name, value in before.items():
                    if value is None:
                        os.environ.pop(name, None)
                    else:
                        os.environ[name] = value


def _forbidden(error: Any) -> bool:
    """Whether MLflow's authentication said 403, which it does in plain text rather than in its own errors."""
    return "403" in str(error) and "ermission denied" in str(error)


def _in_a_run() -> bool:
    import mlflow

    return mlflow.active_run() is not None


def _number(version: Version) -> int:
    return int(version.number)


def _version(found: Any, aliases: dict[str, str]) -> Version:
    number = str(found.version)
    return Version(
        model=found.name,
        number=number,
        aliases=tuple(sorted(alias for alias, target in aliases.items() if target == number)),
        tags={str(k): str(v) for k, v in found.tags.items()},
        description=found.description or "",
        created=datetime.fromtimestamp(found.creation_timestamp / 1000, UTC).replace(tzinfo=None),
        run_id=found.run_id or None,
    )
