"""Log a version that carries code, in a process that may import it: the only one that can write its files."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from ...spec.model import Spec
from ..learning.trained import Trained
from ..subprocesses.bounded import carried_out
from ..subprocesses.limits import Limits
from ..subprocesses.remote import RemoteEstimator
from ..subprocesses.worker import here
from .connection import Connection
from .evidence import Evidence
from .training_runs import TrainingRuns

LIMITS = Limits(timedelta(minutes=30), named="the time in which MLflow must have stored a version")


@dataclass(frozen=True)
class _Log:
    spec: Spec
    uri: str
    trained: Trained
    evidence: Evidence
    code_paths: list[str]

    def __call__(self, ask: object) -> tuple[tuple[str, str], None]:
        trained = replace(self.trained, estimator=here(self.trained.estimator))
        runs = TrainingRuns(self.spec, Connection(self.spec, self.uri))
        return runs.log(trained, self.evidence, self.code_paths), None


def log_apart(
    spec: Spec, uri: str, trained: Trained, estimator: RemoteEstimator, evidence: Evidence
) -> tuple[str, str]:
    """As Registry.log, for a *trained* with the *estimator*, a remote one; it carries the same code again."""
    job = _Log(spec, uri, trained, evidence, estimator.code_paths)
    with carried_out(job, spec, LIMITS) as done:
        run_id, model_id = done.result
        return run_id, model_id
