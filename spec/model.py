"""The spec: what one model under care needs, as its user writes it in YAML."""

from __future__ import annotations

import hashlib
import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr, field_validator, model_validator

from .duration import Duration, Extent

Task = Literal["binary", "multiclass", "regression"]
MetricName = Literal["roc_auc", "accuracy", "balanced_accuracy", "f1", "log_loss", "brier", "mae", "rmse"]
GuardName = Literal["persistence", "cooldown", "budget", "min_rows", "in_flight"]

METRICS_OF: dict[str, tuple[str, ...]] = {
    "binary": ("roc_auc", "accuracy", "balanced_accuracy", "f1", "log_loss", "brier"),
    "multiclass": ("accuracy", "balanced_accuracy", "f1", "log_loss"),
    "regression": ("mae", "rmse"),
}


class Part(BaseModel):
    """A frozen part of the spec; unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


class LabelTable(Part):
    """Labels that live in a table of their own and are joined by the row's id."""

    source: str | None = Field(None, description="Path or glob of Parquet or CSV files, or a DuckDB file")
    url: str | None = Field(None, description="postgresql://… of the database; needs `table`")
    table: str | None = Field(None, description="Table in the database or DuckDB file")
    id: str | None = Field(None, description="The id column there; left out: the same name as data.id")

    @model_validator(mode="after")
    def _one_place(self) -> LabelTable:
        _check_place(self.source, self.url, self.table)
        return self


class DataSpec(Part):
    """Where rows come from, and what their columns mean."""

    source: str | None = Field(None, description="Path or glob of Parquet or CSV files, or a DuckDB file")
    url: str | None = Field(None, description="postgresql://… of the database; needs `table`")
    table: str | None = Field(None, description="Table in the database or DuckDB file")
    id: str = Field(description="Column that names a row, unique and stable: the holdout is chosen by its hash")
    time: str = Field(description="Column with the time of prediction; naive times are read as UTC")
    time_unit: Duration | None = Field(
        None, description="For an integer time column: what one step stands for, counted from 1970-01-01"
    )
    target: str = Field(description="Column with the label")
    label_time: str | None = Field(None, description="Column with the time at which the label arrived")
    label_delay: Duration | None = Field(None, description="Fixed label delay where no label_time is recorded")
    labels: LabelTable | None = Field(None, description="Labels in a table of their own")
    prediction: str | None = Field(
        None,
        description="Column with what was served: a number, a class, or the positive class's probability. "
        "Left out: the champion as of that moment predicts",
    )
    features: tuple[str, ...] | None = Field(None, description="Left out: every other column")
    drop: tuple[str, ...] = Field((), description="Columns that are no features, where `features` is left out")
    holdout: float = Field(0.15, gt=0.0, lt=0.5, description="Share of rows that no version ever learns")

    @model_validator(mode="after")
    def _consistent(self) -> DataSpec:
        _check_place(self.source, self.url, self.table)
        if self.label_time is not None and self.label_delay is not None:
            raise ValueError("give `label_time` or `label_delay`, not both")
        if self.features is not None:
            if not self.features:
                raise ValueError("`features` is empty; leave it out to use every other column")
            taken = {self.id, self.time, self.target, self.label_time, self.prediction} & set(self.features)
            if taken:
                raise ValueError(f"{sorted(t for t in taken if t)} cannot be features: they have another role")
            if self.drop:
                raise ValueError("`drop` has a meaning only where `features` is left out")
        return self


def _check_place(source: str | None, url: str | None, table: str | None) -> None:
    if (source is None) == (url is None):
        raise ValueError("give either `source` (a path) or `url` (a database), exactly one of them")
    if url is not None and table is None:
        raise ValueError("`url` needs `table`")


class LearnerSpec(Part):
    """How the model is built the first time, and how it continues."""

    build: str = Field(description="file.py:function that returns an unfitted estimator")
    family: Literal["auto", "sklearn", "lightgbm"] = Field("auto", description="Left out: chosen by the estimator")
    epochs: int = Field(10, ge=1, le=1000, description="Passes over the new rows in a warm update (partial_fit)")
    batch: int = Field(
        10_000, ge=1, description="Most rows per partial_fit call; networks cut their own mini-batches within it"
    )
    rounds: int = Field(10, ge=1, le=10_000, description="Trees added by a warm update (boosting)")
    boosting: Literal["continue", "refit"] = Field(
        "continue", description="Warm update of a boosted model: add trees, or re-estimate the leaves"
    )
    rungs: tuple[Literal["warm", "scratch"], ...] = Field(
        ("warm", "scratch"), description="The ladder, cheapest first; the first that passes the gate stops the climb"
    )
    history: Duration | None = Field(None, description="How far back the scratch rung looks; left out: all history")
    threads: int = Field(1, ge=1, description="Threads that training may use")
    requirements: tuple[str, ...] = Field((), description="Extra pip requirements of the registered model")
    trusted: tuple[str, ...] = Field((), description="Types that skops may load beside Ratoon's reviewed list")

    @field_validator("build")
    @classmethod
    def _entry(cls, value: str) -> str:
        if not re.fullmatch(r".+\.py:[A-Za-z_]\w*", value):
            raise ValueError("expected file.py:function, such as training.py:build")
        return value


class QualitySpec(Part):
    """Screens for broken data."""

    missing: float = Field(0.1, gt=0, le=1, description="Rise in a column's missing share that breaks it")
    out_of_range: float = Field(
        0.05, gt=0, le=1, description="Share of numbers outside the reference's range, widened by half on each side"
    )
    new_categories: float = Field(0.1, gt=0, le=1, description="Share of rows with a category the reference lacks")
    duplicates: float = Field(0.05, gt=0, le=1, description="Share of rows whose id was seen before")
    volume: tuple[float, float] = Field(
        (0.2, 5.0), description="Least and most rows, as multiples of what the reference had in the same time"
    )
    columns: tuple[str, ...] | None = Field(None, description="Columns to screen; left out: all features")


class DriftSpec(Part):
    """Drift of the features' distributions against the reference window."""

    threshold: float = Field(0.2, gt=0, description="Drift score (PSI) from which a column counts as drifted")
    share: float = Field(0.3, gt=0, le=1, description="Share of drifted columns from which the window has drifted")
    min_rows: int = Field(200, ge=10, description="Fewer rows than this cannot be judged: `unknown`")
    columns: tuple[str, ...] | None = Field(None, description="Columns to watch; left out: all features")


class PerformanceSpec(Part):
    """The champion's metric on rows whose labels have arrived."""

    metric: MetricName | None = Field(None, description="Left out: roc_auc, accuracy or mae, by the task")
    min_labels: int = Field(100, ge=10, description="Fewer matured labels than this cannot be judged: `unknown`")
    maturity: float = Field(0.95, gt=0, le=1, description="Share of a window's labels that must have arrived")
    tolerance: float = Field(
        0.0, ge=0, description="Loss against the reference that is no harm: absolute; for mae, rmse, log_loss a share"
    )


class MonitorsSpec(Part):
    """What is watched, how often and over which windows."""

    window: Extent = Field(timedelta(days=7), description="The current window: a length of time, or `500 rows`")
    every: Duration = Field(timedelta(days=1), description="How often the scheduled monitor runs")
    reference: Extent | None = Field(
        None, description="Extent of the reference window, ending at the champion's watermark; left out: 8 windows"
    )
    sample: int = Field(50_000, ge=100, description="Most rows that a monitor reads, chosen by hash")
    quality: QualitySpec | None = QualitySpec()
    drift: DriftSpec | None = DriftSpec()
    performance: PerformanceSpec | None = PerformanceSpec()


class Persist(Part):
    """At least *k* of the last *n* windows."""

    k: int = Field(ge=1)
    n: int = Field(ge=1)

    @model_validator(mode="after")
    def _k_of_n(self) -> Persist:
        if self.k > self.n:
            raise ValueError(f"expected at most {self.n} of {self.n}, found {self.k} of {self.n}")
        return self


def _parse_persist(value: object) -> object:
    if isinstance(value, str):
        match = re.fullmatch(r"\s*(\d+)\s+of\s+(\d+)\s*", value)
        if match is None:
            raise ValueError("expected `k of n`, such as `2 of 3`")
        return {"k": int(match.group(1)), "n": int(match.group(2))}
    return value


class Budget(Part):
    """At most *runs* training runs per *per*."""

    runs: int = Field(ge=0)
    per: Duration


class Rule(Part):
    """One rule: a CEL condition, what to do, and the guards that may hold it back."""

    when: str = Field(description="CEL condition over the documented variables")
    do: Literal["hold", "alert", "warm_start", "full_retrain", "roll_back"]
    persist: Annotated[Persist | None, BeforeValidator(_parse_persist)] = Field(
        None, description="Windows in which the condition must have held, such as `2 of 3`"
    )
    cooldown: Duration | None = Field(None, description="Least time since the champion was trained or a run started")
    budget: Budget | None = Field(None, description="Most runs in a stretch of time")
    min_rows: int | None = Field(None, ge=1, description="Least labelled rows that were not learned yet")

    @field_validator("when")
    @classmethod
    def _not_blank(cls, value: str) -> str:
        if not value.strip():
            raise ValueError('expected a condition, such as triage == "harm"')
        return value.strip()


DEFAULT_POLICY: tuple[Rule, ...] = (
    Rule(when='triage == "broken_data"', do="alert"),
    Rule(when='triage == "harm"', do="warm_start", min_rows=50),
)


class Margin(Part):
    """How much worse than the champion a candidate may be, by the lower end of the interval."""

    margin: float = Field(
        ge=0, description="Absolute for scores bounded by one; for mae, rmse, log_loss a share of the champion's"
    )
    within: Duration | None = Field(None, description="Look back at most this far behind the watermark")


class GateSpec(Part):
    """What a candidate must prove on the holdout before it may be registered."""

    metric: MetricName | None = Field(None, description="Left out: the metric of monitors.performance")
    recent: Literal["better", "not_worse"] | Margin = Field(
        "better", description="On holdout rows newer than the champion's watermark"
    )
    anchor: Margin = Field(Margin(margin=0.01), description="On older holdout rows")
    min_rows: int = Field(30, ge=5, description="Fewer recent holdout rows than this cannot be judged: refused")
    confidence: float = Field(0.95, gt=0.5, lt=1)
    resamples: int = Field(1000, ge=100, description="Bootstrap resamples")
    sample: int = Field(5000, ge=100, description="Most rows of a stratum that are judged, chosen by hash")


class StoresSpec(Part):
    """Where Ratoon keeps what it knows; relative paths are relative to the spec's folder."""

    home: str = Field(".ratoon", description="Folder of the embedded stores")
    mlflow: str | None = Field(None, description="Tracking URI; left out: $MLFLOW_TRACKING_URI, then SQLite in home")
    ledger: str | None = Field(None, description="SQLAlchemy URL; left out: $RATOON_LEDGER_URL, then SQLite in home")
    workspace: str | None = Field(None, description="Evidently workspace; left out: a folder in home")


class Spec(Part):
    """One model under care."""

    model: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", description="The registered model's name in MLflow")
    task: Task
    data: DataSpec
    learner: LearnerSpec
    monitors: MonitorsSpec = MonitorsSpec()
    policy: tuple[Rule, ...] = DEFAULT_POLICY
    gate: GateSpec = GateSpec()
    review: Literal["required", "automatic"] = Field("required", description="Who promotes a challenger")
    seed: int = Field(0, ge=0, description="Seed of every random choice")
    abandon_after: Duration = Field(
        timedelta(hours=2), description="A training run without an end for this long is given up"
    )
    stores: StoresSpec = StoresSpec()

    _path: Path = PrivateAttr(default=Path("spec.yaml"))

    @model_validator(mode="after")
    def _metrics_fit_the_task(self) -> Spec:
        for where, metric in (
            ("monitors.performance.metric", self.monitors.performance and self.monitors.performance.metric),
            ("gate.metric", self.gate.metric),
        ):
            if metric and metric not in METRICS_OF[self.task]:
                raise ValueError(
                    f"{where}: {metric!r} does not fit task {self.task!r}; expected one of {METRICS_OF[self.task]}"
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

    @property
    def metric(self) -> str:
        """The metric that monitors and gate judge by."""
        named = self.gate.metric or (self.monitors.performance and self.monitors.performance.metric)
        return named or METRICS_OF[self.task][0]

    @property
    def policy_version(self) -> str:
        """A short hash over rules: two specs with equal rules have equal versions."""
        text = "\n".join(rule.model_dump_json() for rule in self.policy)
        return hashlib.sha256(text.encode()).hexdigest()[:12]
