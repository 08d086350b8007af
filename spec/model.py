"""The spec: what one model under care needs, as its user writes it in YAML."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import (
    Field,
    PrivateAttr,
    model_validator,
)

from ..former import moved
from .duration import Duration, Period, format_duration
from .keys.data import DataSpec
from .keys.gate import GateSpec
from .keys.learner import LearnerSpec, ReplaySpec
from .keys.log import LogSpec
from .keys.metric import DEFAULT_METRIC, METRICS_OF, MetricName, OwnMetricSpec
from .keys.part import Part
from .keys.relative import FilePath
from .keys.retention import RetentionSpec
from .keys.rules import CostsSpec, GainSpec, Policy, Rule, TriageSpec, default_policy
from .keys.serving import ServingSpec
from .keys.unlabelled import refuse_labelled
from .keys.watching import OF_CLASSES, DriftSpec, MonitorsSpec, PerformanceSpec, Task
from .own_metric import DeclaredMetric, make_metric


class StoresSpec(Part):
    """Where Ratoon keeps what it knows; relative paths, also of SQLite files, are relative to the spec's folder."""

    home: FilePath = Field(".ratoon", description="Folder of the embedded stores")
    mlflow: str | None = Field(None, description="Tracking URI; left out: $MLFLOW_TRACKING_URI, then SQLite in home")
    ledger: str | None = Field(None, description="SQLAlchemy URL; left out: $RATOON_LEDGER_URL, then SQLite in home")
    workspace: FilePath | None = Field(None, description="Evidently workspace; left out: a folder in home")
    log: str | None = Field(
        None,
        description="URL of the log of predictions and labels, sqlite:///… or postgresql://…; left out: "
        "$RATOON_LOG_URL, then SQLite in home",
    )


class BacktestSpec(Part):
    """How history is replayed to compare policies."""

    every: Period | None = Field(None, description="Step between evaluations; left out: monitors.every")
    schedule: Period | None = Field(
        None, description="How often the arms on a schedule retrain, to compare with; left out: at every evaluation"
    )
    training_time: Duration = Field(timedelta(0), description="From a decision to the challenger that came of it")
    review_delay: Duration | None = Field(
        None, description="From a challenger to its promotion; left out: 1d where review is required, else none"
    )


def _policy_for(found: Mapping[str, object]) -> tuple[Rule, ...]:
    """The policy of a spec that names none; *found* are the parts before it that were sound."""
    return default_policy(str(found.get("review", "required")))


class Spec(Part):
    """One model under care."""

    model: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", description="The registered model's name in MLflow")
    task: Task = Field(
        description="What is predicted: one of two classes, one of several, a number, or (clustering, without a label) "
        "the nearest of several centres"
    )
    data: DataSpec
    learner: LearnerSpec
    monitors: MonitorsSpec = MonitorsSpec()
    mode: Literal["live", "shadow"] = Field(
        "live", description="`shadow`: everything is watched, decided and recorded, and nothing trains"
    )
    triage: TriageSpec = TriageSpec()
    gain: GainSpec = GainSpec()
    review: Literal["required", "automatic"] = Field("required", description="Who promotes a challenger")
    policy: tuple[Rule, ...] = Field(
        default_factory=_policy_for,
        description="The first rule that holds, and that no guard stops, decides; left out: alert on broken data, "
        "warm_start where promoting what was learned in the background pays, alert on harm; with `review: automatic` "
        "also roll_back where the champion before is proven better",
    )
    costs: CostsSpec | None = None
    backtest: BacktestSpec = BacktestSpec()
    gate: GateSpec = GateSpec()
    ungated: Literal["flag", "put_back"] = Field(
        "flag",
        description="What is done where the alias `champion` is found on a version that no gate passed, or gone: "
        "`flag` says so in MLflow, Prefect and the ledger; `put_back` also moves it back",
    )
    seed: int = Field(0, ge=0, lt=2**32, description="Seed of every random choice")
    abandon_after: Period = Field(
        timedelta(hours=2), description="A training run without an end for this long is given up"
    )
    stores: StoresSpec = StoresSpec()
    serving: ServingSpec | None = Field(
        None,
        description="How `ratoon serve` answers; left out: with the defaults, and `ratoon up` does not serve the model",
    )
    log: LogSpec = LogSpec()
    retention: RetentionSpec | None = Field(
        None,
        description="Removes what is too old on a schedule; left out: nothing is removed but by `ratoon prune`, which "
        "then takes the default ages",
    )

    _path: Path = PrivateAttr(default=Path("spec.yaml"))

    @model_validator(mode="after")
    def _metrics_fit_the_task(self) -> Spec:
        for where, metric in reversed(self._metric_keys):
            if isinstance(metric, str) and metric not in METRICS_OF[self.task]:
                raise ValueError(
                    f"{where}: {metric!r} does not fit task {self.task!r}; expected one of {METRICS_OF[self.task]}"
                )
        return self

    @model_validator(mode="after")
    def _weights_fit_the_task(self) -> Spec:
        if self.learner.weights == "balanced" and self.task not in OF_CLASSES:
            raise ValueError(f"learner.weights: 'balanced' needs classes, the task is {self.task!r}; expected 'none'")
        if self.learner.replay.stratify == "class" and self.task not in OF_CLASSES:
            raise ValueError(
                f"learner.replay.stratify: 'class' needs classes, the task is {self.task!r}; expected 'none' or 'time'"
            )
        return self

    @model_validator(mode="after")
    def _positive_fits_the_task(self) -> Spec:
        if self.data.positive is not None and self.task != "binary":
            raise ValueError(f"data.positive: a {self.task} task has no positive class; remove it")
        return self

    @model_validator(mode="after")
    def _labels_fit_the_task(self) -> Spec:
        if self.task == "clustering":
            refuse_labelled(self)
        elif self.data.target is None:
            raise ValueError(f"data.target: this key is required for task {self.task!r} and is not there")
        return self

    @model_validator(mode="after")
    def _rules_name_the_ladders_strategies(self) -> Spec:
        for number, rule in enumerate(self.policy):
            beside = [strategy for strategy in rule.strategies or () if strategy not in self.learner.strategies]
            if beside:
                raise ValueError(
                    f"policy[{number}].strategies: {beside[0]!r} is none of learner.strategies "
                    f"({', '.join(self.learner.strategies)})"
                )
        return self

    @model_validator(mode="after")
    def _training_ends_in_time(self) -> Spec:
        if self.backtest.training_time > self.abandon_after:
            raise ValueError(
                f"backtest.training_time: {format_duration(self.backtest.training_time)} is longer than abandon_after "
                f"({format_duration(self.abandon_after)}), by which such a run is given up; expected less"
            )
        return self

    @property
    def path(self) -> Path:
        """The file this spec was read from (absolute)."""
        return self._path

    @property
    def folder(self) -> Path:
        """The folder that relative paths in the spec start from."""
        return self._path.parent

    def maturing(self, age: timedelta) -> Spec:
        """The same with labels that count from this *age* of their rows on."""
        return self.model_copy(update={"data": self.data.model_copy(update={"mature_after": age})})

    @property
    def metric(self) -> str:
        """The name of the metric that monitors and gate judge by. Raises SpecError if it is the team's own and bad."""
        own = self.own_metric
        return own.name if own is not None else str(self._metric_key[1])

    @property
    def own_metric(self) -> DeclaredMetric | None:
        """The metric, if it is the team's own; None: it is one of Ratoon's. Raises SpecError if it cannot be made."""
        key, asked = self._metric_key
        if not isinstance(asked, OwnMetricSpec):
            return None
        return make_metric(asked, self.folder, f"{self.path}: {key}", self.task)

    @property
    def metric_key(self) -> str:
        """The key that names the metric in use: the gate's, else the monitors'; `task` if it is the task's default."""
        return self._metric_key[0]

    @property
    def metric_definition(self) -> str | None:
        """What changes with the code and the settings of a team's own metric; None for one of Ratoon's."""
        own = self.own_metric
        return None if own is None else own.definition

    @property
    def own_metrics(self) -> dict[str, OwnMetricSpec]:
        """All metrics of the team's own that the spec names, by their keys."""
        return {key: asked for key, asked in self._metric_keys if isinstance(asked, OwnMetricSpec)}

    @property
    def _metric_keys(self) -> list[tuple[str, MetricName | OwnMetricSpec | None]]:
        watched = self.monitors.performance
        return [("gate.metric", self.gate.metric), ("monitors.performance.metric", watched.metric if watched else None)]

    @property
    def _metric_key(self) -> tuple[str, MetricName | OwnMetricSpec]:
        """The metric in use and its key: the gate's, else the monitors', else the task's."""
        found = next(((key, asked) for key, asked in self._metric_keys if asked is not None), None)
        return found or ("task", DEFAULT_METRIC[self.task])

    @property
    def replayed(self) -> ReplaySpec:
        """The reservoir that a lineage keeps: none for a clustering, whose counts stand for the rows it learned."""
        return ReplaySpec(rows=0) if self.task == "clustering" else self.learner.replay

    @property
    def deciding(self) -> Policy:
        """All of the spec that decides, as one value."""
        performance = self.monitors.performance or PerformanceSpec()
        own = self.own_metric
        relative = own.relative if own is not None else None
        return Policy(
            rules=self.policy,
            triage=self.triage,
            share=(self.monitors.drift or DriftSpec()).share,
            tolerance=performance.tolerance_of(self.metric, relative),
            estimate=performance.estimate,
            costs=self.costs,
            gain_tolerance=self.gain.tolerance,
            metric=self.metric,
            relative=relative,
            every=self.monitors.every,
            abandon_after=self.abandon_after,
        )

    @property
    def policy_version(self) -> str:
        """The version of the policy: two specs that decide alike have equal versions."""
        return self.deciding.version


if not TYPE_CHECKING:  # mypy knows no former names, and so every misspelt one
    __getattr__ = moved(__name__)
