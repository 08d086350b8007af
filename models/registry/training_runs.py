"""MLflow's run behind a version: its parameters, metrics and artifacts, and the model's files."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import TypeVar

from ...spec.errors import RegistryError
from ...spec.model import Spec
from ..families.logged import Logged
from ..gate import GateResult
from ..gate import plot as gate_plot
from ..gate.table import gate_table
from ..learning.features import table
from ..learning.trained import Trained
from . import version_files
from .connection import Connection
from .evidence import Evidence
from .pins import pins
from .store import artifacts_of
from .tags import DECISION, MODEL, STRATEGY

# What MLflow takes in one batch.
_MOST_METRICS, _MOST_PARAMS, _PARAM_CHARACTERS = 1000, 100, 500
_EXAMPLE_ROWS = 5

T = TypeVar("T")


class TrainingRuns:
    """Writes the runs of one model into the experiment of its name."""

    def __init__(self, spec: Spec, connection: Connection) -> None:
        self.spec = spec
        self._to = connection

    def log(self, trained: Trained, evidence: Evidence, code_paths: Sequence[str] = ()) -> tuple[str, str]:
        """See `Registry.log`."""
        import mlflow

        allowed = self.spec.learner.types_allowed
        types = version_files.refuse_untrusted(trained.estimator, allowed, str(self.spec.path), self.spec)
        self._close_broken(evidence.decision)
        state = trained.state
        name = f"{evidence.at:%Y-%m-%d %H:%M} {state.strategy}"
        tags = {DECISION: evidence.decision, MODEL: self.spec.model, STRATEGY: state.strategy}
        nested = mlflow.active_run() is not None
        with self._to.aimed(), tempfile.TemporaryDirectory() as folder:
            example = evidence.example.head(_EXAMPLE_ROWS)
            files = version_files.write_extra(Path(folder), trained, evidence.gate, example)
            with mlflow.start_run(experiment_id=self.experiment(), run_name=name, tags=tags, nested=nested) as run:
                self._log_evidence(run.info.run_id, trained, evidence)
                info = version_files.log(
                    Logged(
                        trained.estimator,
                        table(example, state.features),
                        state.features,
                        types,
                        files,
                        pins(trained.estimator, self.spec.learner.requirements),
                        {"watermark": state.watermark.isoformat(), "parent": state.parent, "strategy": state.strategy},
                        tags,
                        list(code_paths) or None,
                        state.classes,
                    ),
                    self.spec,
                )
        return run.info.run_id, info.model_id

    def experiment(self) -> str:
        """The id of the experiment named like the model, made on first use; RegistryError if it is deleted."""
        client, name = self._to.client, self.spec.model
        known = client.get_experiment_by_name(name)
        if known is None:
            with suppress(self._to.error):  # another process was faster
                client.create_experiment(name, artifact_location=artifacts_of(self.spec, self._to.uri))
            known = client.get_experiment_by_name(name)
        if known is None or known.lifecycle_stage != "active":
            raise RegistryError(
                f"the MLflow experiment {name!r} at {self._to.uri} is deleted or cannot be created; restore it with "
                "`mlflow experiments restore`. Nothing was registered"
            )
        return str(known.experiment_id)

    def page(self, run_id: str) -> str | None:
        """The address of a run's artifacts in MLflow's UI, if a server is used."""
        home = self._to.page
        return f"{home}/experiments/{self.experiment()}/runs/{run_id}/artifacts" if home else None

    def _close_broken(self, decision: str) -> None:
        """End the runs that a killed process left running for *decision*."""
        query, token = f"tags.`{DECISION}` = '{decision}' and attributes.status = 'RUNNING'", None
        while True:
            page = self._to.client.search_runs([self.experiment()], query, page_token=token)
            for run in page:
                self._to.client.set_terminated(run.info.run_id, "KILLED")
            token = page.token
            if not token:
                return

    def _log_evidence(self, run_id: str, trained: Trained, evidence: Evidence) -> None:
        self._log_batch(run_id, _parameters(self.spec, trained), _metrics(trained, evidence))
        client = self._to.client
        texts = {} if evidence.gate is None else _gate_files(evidence.gate)
        for name, text in (texts | {f"reports/{each}": text for each, text in evidence.reports.items()}).items():
            client.log_text(run_id, text, name)

    def _log_batch(self, run_id: str, params: Mapping[str, str], metrics: Mapping[str, float]) -> None:
        """All parameters and metrics in as few calls as MLflow's limits let."""
        from mlflow.entities import Metric, Param

        now = int(time.time() * 1000)
        for some in _in_batches([Param(key, value) for key, value in params.items()], _MOST_PARAMS):
            self._to.client.log_batch(run_id, params=some)
        for part in _in_batches([Metric(key, value, now, 0) for key, value in metrics.items()], _MOST_METRICS):
            self._to.client.log_batch(run_id, metrics=part)


def _parameters(spec: Spec, trained: Trained) -> dict[str, str]:
    state = trained.state
    found = {"strategy": state.strategy, "family": state.family, "seed": state.seed, **spec.learner.model_dump()}
    return {key: str(value)[:_PARAM_CHARACTERS] for key, value in found.items()}


def _metrics(trained: Trained, evidence: Evidence) -> dict[str, float]:
    found = {"cpu_seconds": evidence.cpu_seconds, "rows": float(evidence.rows or trained.state.learned_rows)}
    found |= {f"holdout_{metric}": accepted.value for metric, accepted in trained.state.accepted.items()}
    if evidence.gate is None:
        return found
    for stratum in evidence.gate.strata:
        if stratum.gain is not None and stratum.candidate is not None:
            found[f"{stratum.name}_{evidence.gate.metric}"] = stratum.candidate
            found[f"{stratum.name}_gain"] = stratum.gain.value
    for check in evidence.gate.checks:
        if check.judged is not None:
            found[f"{check.of}_{check.name}" if check.of else check.name] = check.judged.value
    return found


def _gate_files(gate: GateResult) -> dict[str, str]:
    return {
        "gate.md": gate_table(gate, width=118),
        "gate.json": gate.model_dump_json(indent=1),
        "gate.svg": gate_plot.drawn(gate),
    }


def _in_batches(all_: Sequence[T], most: int) -> Iterator[list[T]]:
    left = iter(all_)
    while batch := list(islice(left, most)):
        yield batch
