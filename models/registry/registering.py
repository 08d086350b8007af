"""How a trained model becomes a version: one transaction of steps, of which a crash leaves nothing or all.

1. its files and evidence are logged (nobody sees them); 2. the claim is asked; 3. the ledger is told what will be made;
4. the version is created, with all its tags, in one call; 5. the ledger keeps the digest of its files. A retry finds a
version that was created, and goes on from there.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...spec.model import Spec
from ..learning.trained import Trained
from ..subprocesses.digests import Digests
from ..subprocesses.remote import RemoteEstimator
from . import card
from .connection import Connection
from .evidence import Evidence
from .files import Files
from .logged_apart import log_apart
from .mlflow_versions import as_version
from .tags import VersionTags
from .training_runs import TrainingRuns
from .versions import Claim, Version, Witness


class Registering:
    """Makes the versions of one model."""

    def __init__(self, spec: Spec, connection: Connection, runs: TrainingRuns, files: Files) -> None:
        self.spec = spec
        self._to = connection
        self._runs = runs
        self._files = files

    def make(
        self, trained: Trained, evidence: Evidence, code_paths: Sequence[str], claim: Claim, witness: Witness | None
    ) -> Version:
        """A version that carries no alias yet. Raises Refused if *claim* was lost: then there is none."""
        if isinstance(trained.estimator, RemoteEstimator):
            run_id, model_id = log_apart(self.spec, self._to.uri, trained, trained.estimator, evidence)
        else:
            run_id, model_id = self._runs.log(trained, evidence, code_paths)
        digests = self._files.digests(model_id)
        claim.check()
        if witness is not None:  # before the version: a process that dies in between leaves one that is known
            witness.intend(evidence.decision, digests.whole)
        made = self.create(trained, evidence, run_id, model_id, digests)
        _keep(witness, made, digests)
        return made

    def create(self, trained: Trained, evidence: Evidence, run_id: str, model_id: str, digests: Digests) -> Version:
        """Create the version, whole, in one call."""
        client, model = self._to.client, self.spec.model
        about = card.about(model, evidence.spec_path)
        try:
            client.create_registered_model(model, description=about)
        except self._to.error:  # it exists already; a description of the user's own stays
            if not client.get_registered_model(model).description:
                client.update_registered_model(model, about)
        with self._to.aimed():  # MLflow resolves the source by its process-wide URI, not by the client's
            made = client.create_model_version(
                model,
                source=f"models:/{model_id}",
                run_id=run_id,
                model_id=model_id,
                tags=VersionTags.of(trained.state, evidence, files=digests.text).to_mlflow(),
                description=card.description(model, trained.state, evidence, self._runs.page(run_id)),
            )
        return as_version(made)


def keep_again(version: Version, witness: Witness | None) -> None:
    """Write down what a process left out that died after it had made *version*.

    But for one that no process of ours was about to make: who can write the registry could have made it in between.
    """
    files = version.meta.files
    if files is None or witness is None or witness.files(version.number) is not None:
        return
    digests = Digests.read(files)
    if witness.intended(version.decision or "", digests.whole):
        _keep(witness, version, digests)


def _keep(witness: Witness | None, made: Version, digests: Digests) -> None:
    at = made.meta.at
    if witness is not None and at is not None:
        witness.keep(made.number, digests.whole, at=at, decision=made.decision)
