"""The spec: what one model under care needs, as its user writes it in YAML."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    Field,
    PlainSerializer,
    PrivateAttr,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from .duration import MOST_ROWS, Duration, Period, format_duration
from .family import ANY_TYPE
from .gate import GateSpec
from .part import Part
from .relative import FileEntry, FilePath
from .retention import RetentionSpec
from .rules import CostsSpec, GainSpec, Policy, Rule, TriageSpec, default_policy
from .size import Size
from .unlabelled import refuse_labelled
from .values import LadderRung
from .watching import DEFAULT_METRIC, METRICS_OF, OF_CLASSES, DriftSpec, MetricName, MonitorsSpec, PerformanceSpec, Task


def _null_words(value: object) -> object:
    """YAML reads `NULL`, `null` and `~` as no value, also where words are listed."""
    if not isinstance(value, list | tuple):
        return value
    return tuple(word for each in value for word in (("NULL", "null", "Null", "~") if each is None else (each,)))


NullWords = Annotated[tuple[str, ...], BeforeValidator(_null_words)]


class CsvSpec(Part):
    """How CSV files are written, where it is not as DuckDB finds out by itself."""

    decimal: Literal[".", ","] = Field(".", description="The mark before a number's decimals")
    null: NullWords = Field((), description="Words that stand for a missing value, beside the empty field")
    delimiter: str | None = Field(
        None, min_length=1, max_length=4, description="What stands between fields; left out: found out"
    )
    dtypes: dict[str, str] = Field(
        {}, description="Columns by name with DuckDB's name of their type, such as VARCHAR; left out: found out"
    )

    @model_validator(mode="before")
    @classmethod
    def _null_is_a_word(cls, value: object) -> object:
        """YAML reads the key `null` as no value."""
        if isinstance(value, Mapping) and None in value:
            return {"null" if key is None else key: each for key, each in value.items()}
        return value

    @field_validator("dtypes")
    @classmethod
    def _named(cls, value: dict[str, str]) -> dict[str, str]:
        for column, name in value.items():
            if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_ ]*(\(\d+(, ?\d+)?\))?", name):
                raise ValueError(f"{column}: expected the name of a type, such as DOUBLE or VARCHAR, found {name!r}")
        return value


IdColumns = Annotated[
    tuple[str, ...],
    BeforeValidator(lambda value: (value,) if isinstance(value, str) else value),
    PlainSerializer(lambda value: value[0] if len(value) == 1 else list(value)),
    Field(min_length=1, max_length=16),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}),
]


class LabelTable(Part):
    """Labels that live in a table of their own and are joined by the row's id."""

    source: FilePath | None = Field(None, description="Path or glob of Parquet or CSV files, or a DuckDB file")
    url: str | None = Field(None, description="postgresql://… of the database; needs `table`")
    table: str | None = Field(None, description="Table in the database or DuckDB file")
    id: IdColumns | None = Field(None, description="The id column there, or columns; left out: the same as data.id")
    csv: CsvSpec | None = Field(None, description="How CSV files of labels are written; left out: as data.csv")
    revisions: Literal["newest", "first"] = Field(
        "newest",
        description="Of several labels of one row, provisional and final ones: the newest that is known, or the first. "
        "An update learns a row once, whatever its label becomes; needs data.label_time",
    )

    @model_validator(mode="after")
    def _one_place(self) -> LabelTable:
        _check_place(self.source, self.url, self.table)
        return self


class DataSpec(Part):
    """Where rows come from, and what their columns mean."""

    source: FilePath | None = Field(None, description="Path or glob of Parquet or CSV files, or a DuckDB file")
    url: str | None = Field(None, description="postgresql://… of the database; needs `table`")
    table: str | None = Field(None, description="Table in the database or DuckDB file")
    id: IdColumns = Field(
        description="Column that names a row, unique and stable: the holdout is chosen by its hash. Several columns, "
        "such as [customer, week], where only together they are unique"
    )
    time: str = Field(description="Column with the time of prediction; naive times are read as UTC")
    time_unit: Duration | None = Field(
        None,
        description="For an integer time column: what one step stands for, counted from 1970-01-01",
    )
    target: str | None = Field(
        None, description="Column with the label; a clustering has none, every other task needs it"
    )
    label_time: str | None = Field(
        None, description="Column with the time at which the label arrived; a date counts from the end of that day"
    )
    label_delay: Duration | None = Field(None, description="Fixed label delay where no label_time is recorded")
    mature_after: Duration | None = Field(
        None,
        description="A label counts as arrived only at this age of its row, however early it came: set where labels "
        "that come early are not like the others; left out: as it comes",
    )
    labels: LabelTable | None = Field(None, description="Labels in a table of their own")
    no_label: NullWords | None = Field(
        None,
        description="Words in a text target that mean: no label yet. `nan`, `NaN`, `NaT`, `<NA>`, `\\N` and the empty "
        "text always do; of `NA`, `None`, `NULL` and the like this says whether they do ([] : they are classes)",
    )
    prediction: str | None = Field(
        None,
        description="Column with what was served: a number, a class, or the positive class's probability. "
        "Left out: the champion as of that moment predicts",
    )
    positive: bool | int | float | str | None = Field(
        None,
        description="The class of a binary task whose probability `prediction` holds; left out: the one that comes "
        "last in order, such as 1 of 0 and 1, `stay` of `churn` and `stay`",
    )
    features: tuple[str, ...] | None = Field(None, description="Left out: every other column")
    drop: tuple[str, ...] = Field((), description="Columns that are no features, where `features` is left out")
    columns: dict[str, Literal["number", "category"]] = Field(
        {},
        description="What features are, where their type tells it wrongly: text that holds numbers, numbers that are "
        "codes. Text that is no number is missing then",
    )
    csv: CsvSpec = Field(CsvSpec(), description="How CSV files are written")
    holdout: float = Field(0.15, gt=0.0, lt=0.5, description="Share of rows that no version ever learns")

    @property
    def matured(self) -> timedelta:
        """The age that a row must have for its label to count."""
        return self.mature_after or timedelta(0)

    @property
    def newest_label(self) -> bool:
        """Whether of several labels of one row the newest counts."""
        return self.labels is not None and self.labels.revisions == "newest" and self.label_time is not None

    @property
    def label_id(self) -> tuple[str, ...]:
        """The columns that name a row in the table of labels."""
        return (self.labels and self.labels.id) or self.id

    @model_validator(mode="after")
    def _consistent(self) -> DataSpec:
        _check_place(self.source, self.url, self.table)
        if self.label_time is not None and self.label_delay is not None:
            raise ValueError("give `label_time` or `label_delay`, not both")
        if self.features is not None:
            if not self.features:
                raise ValueError("`features` is empty; leave it out to use every other column")
            taken = {*self.id, self.time, self.target, self.label_time, self.prediction} & set(self.features)
            if taken:
                raise ValueError(f"{sorted(t for t in taken if t)} cannot be features: they have another role")
            if self.drop:
                raise ValueError("`drop` has a meaning only where `features` is left out")
        if self.labels is not None and len(self.label_id) != len(self.id):
            raise ValueError(
                f"`labels.id` has {len(self.label_id)} columns, `id` has {len(self.id)}; expected as many, in one order"
            )
        return self


def _check_place(source: str | None, url: str | None, table: str | None) -> None:
    if (source is None) == (url is None):
        raise ValueError("give either `source` (a path) or `url` (a database), exactly one of them")
    if url is not None and table is None:
        raise ValueError("`url` needs `table`")


class ReplaySpec(Part):
    """The reservoir of rows learned before, and how much of it an update mixes in."""

    rows: int = Field(5_000, ge=0, le=MOST_ROWS, description="Most rows kept, a uniform sample of the lineage; 0: none")
    recent: int = Field(
        4_000, ge=0, le=MOST_ROWS, description="The newest rows, kept beside the sample, for `warm_blocks`"
    )
    ratio: float = Field(1.0, gt=0, le=100, description="Rows replayed for each new row, as far as the reservoir goes")
    stratify: Literal["none", "class", "time"] = Field(
        "none", description="Share the reservoir evenly among the classes, or among stretches of `every`"
    )
    every: Period = Field(timedelta(days=30), description="Length of a stretch for `stratify: time`")


class BlocksSpec(Part):
    """Boosted trees as a weighted mean of blocks: each update trains one on the newest rows alone and one on these and
    a sample of all history, and drops those that count least."""

    count: int = Field(6, ge=1, le=100, description="Most blocks that a model holds; 1: only the newest, on all rows")
    rounds: int | None = Field(
        None,
        ge=1,
        le=10_000,
        description="Boosting rounds of a block; left out: those of a fit from scratch (several classes), else half",
    )
    rows: int = Field(8_000, ge=100, le=MOST_ROWS, description="Rows of an update, but that it takes all new ones")
    recent: float = Field(
        0.5, ge=0, le=1, description="Share of them that are the newest; the others are a uniform sample of all history"
    )


class ShrinkSpec(Part):
    """Shrink-and-perturb (Ash & Adams 2020): weights are scaled by *keep* and disturbed before they learn on."""

    keep: float = Field(0.6, gt=0, le=1, description="What the weights are multiplied by")
    noise: float = Field(
        0.01, ge=0, le=1_000, description="Standard deviation of the noise, as a share of a fresh model's"
    )


class LimitsSpec(Part):
    """What one training may take: it runs in a process of its own, which is ended where it takes more."""

    wall: Period = Field(timedelta(hours=1), description="Longest time by the clock on the wall")
    memory: Size | None = Field(None, description="Most memory, such as 2GB (Linux only); left out: no limit")
    apart: bool = Field(
        True, description="`false`: train inside the flow's own process, without limits, as a replay does"
    )


class LearnerSpec(Part):
    """How the model is built the first time, and how it continues."""

    build: FileEntry = Field(description="file.py:function that returns an unfitted estimator")
    family: FileEntry = Field(
        "auto",
        description="Left out: chosen by the estimator; else a family (`ratoon check` names them), a learner of your "
        "own as file.py:Class, or the name of an entry point in the group ratoon.learners",
    )
    epochs: int | None = Field(
        None,
        ge=1,
        le=1000,
        description="Passes over the new rows in a warm update (partial_fit, PyTorch); left out: as many as learn "
        "about 20,000 rows, each counted at every pass, from 1 to 50. PyTorch's fits from scratch: 10 where left out",
    )
    patience: int | None = Field(
        None,
        ge=1,
        le=1_000_000,
        description="End an update early, after so many passes (partial_fit, PyTorch) or boosting rounds without gain "
        "on a tenth of its own rows",
    )
    batch: int = Field(
        10_000,
        ge=1,
        le=MOST_ROWS,
        description="Most rows per partial_fit call; networks cut their own mini-batches within it",
    )
    per: Literal["row", "batch"] = Field(
        "row", description="River: learn row by row, or `batch` rows in one step where every part of the model can"
    )
    boosting: Literal["adapt", "continue", "refit"] = Field(
        "adapt",
        description="Warm update of a boosted model. `adapt`: move the leaves and add trees; `continue`: only add "
        "trees; `refit`: only move the leaves",
    )
    rounds: int | None = Field(
        None, ge=1, le=10_000, description="Boosting rounds that a warm update adds; left out: 1 (adapt), 10 (continue)"
    )
    trees: int | None = Field(
        None,
        ge=1,
        le=1_000_000,
        description="Most boosting rounds (trees, for each class) of a continued model; older added ones are dropped; "
        "left out: half as many again as the first fit",
    )
    rungs: tuple[LadderRung, ...] = Field(
        ("warm", "warm_replay", "shrink_perturb", "warm_blocks", "scratch_recent", "scratch"),
        min_length=1,
        description="The ladder, cheapest first; a rung that a family does not have is passed over",
    )
    race: Literal["first", "all"] = Field(
        "first", description="`first`: the first rung that passes the gate stops the climb; `all`: every rung is run"
    )
    unproven: Literal["continue", "drop"] = Field(
        "continue",
        description="A candidate that the gate can neither pass nor refute. `continue`: it is registered with the "
        "alias `candidate`, and the next update goes on from it; `drop`: each update starts from the champion, also "
        "while a challenger waits",
    )
    scratch_after: int = Field(
        3,
        ge=1,
        le=1_000_000,
        description="Without effect, and gone with the next release: strategies from scratch are tried by what they "
        "have earned, at looks ever farther apart while they lose",
    )
    recent: Period | None = Field(
        None, description="How far back `scratch_recent` looks; left out: as far as the reference window"
    )
    history: Period | None = Field(None, description="How far back `scratch` looks; left out: all history")
    replay: ReplaySpec = ReplaySpec()
    blocks: BlocksSpec = BlocksSpec()
    weights: Literal["none", "balanced"] = Field(
        "none",
        description="`balanced`: in an update all classes weigh alike, counted over replay reservoir and new rows",
    )
    rate: float = Field(
        1.0, gt=0, le=100, description="Factor on the estimator's own learning rate in an update; its schedule goes on"
    )
    shrink: ShrinkSpec = ShrinkSpec()
    threads: int = Field(1, ge=1, le=4_096, description="Threads that training may use")
    limits: LimitsSpec = LimitsSpec()
    requirements: tuple[str, ...] = Field((), description="Extra pip requirements of the registered model")
    trusted: tuple[str, ...] = Field((), description="Types that may be loaded beside Ratoon's reviewed list")
    pickle: bool = Field(
        False,
        description="Whether pickles, models that name any type, and versions that carry code (MLflow's `code_paths`) "
        "may be loaded: they run what they hold. Code that Ratoon logged itself needs it only when it is adopted",
    )

    @property
    def types_allowed(self) -> tuple[str, ...]:
        """Types that a version may name beside the reviewed ones: `trusted`, and `*` for every one (`pickle`)."""
        return (*self.trusted, ANY_TYPE) if self.pickle else self.trusted

    @field_validator("build")
    @classmethod
    def _entry(cls, value: str) -> str:
        if not re.fullmatch(r".+\.py:[A-Za-z_]\w*", value):
            raise ValueError("expected file.py:function, such as training.py:build")
        return value


class StoresSpec(Part):
    """Where Ratoon keeps what it knows; relative paths, also of SQLite files, are relative to the spec's folder."""

    home: FilePath = Field(".ratoon", description="Folder of the embedded stores")
    mlflow: str | None = Field(None, description="Tracking URI; left out: $MLFLOW_TRACKING_URI, then SQLite in home")
    ledger: str | None = Field(None, description="SQLAlchemy URL; left out: $RATOON_LEDGER_URL, then SQLite in home")
    workspace: FilePath | None = Field(None, description="Evidently workspace; left out: a folder in home")


class BacktestSpec(Part):
    """How history is replayed to compare policies."""

    every: Period | None = Field(None, description="Step between looks; left out: monitors.every")
    schedule: Period | None = Field(
        None, description="How often the arms on a schedule retrain, to compare with; left out: at every look"
    )
    training_time: Duration = Field(timedelta(0), description="From a decision to the challenger that came of it")
    review_delay: Duration | None = Field(
        None, description="From a challenger to its promotion; left out: 1d where review is required, else none"
    )


def _policy_for(found: Mapping[str, Any]) -> tuple[Rule, ...]:
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
    retention: RetentionSpec | None = Field(
        None,
        description="Removes what is too old on a schedule; left out: nothing is removed but by `ratoon prune`, which "
        "then takes the default ages",
    )

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
    def _rules_climb_the_ladder(self) -> Spec:
        for number, rule in enumerate(self.policy):
            beside = [rung for rung in rule.rungs or () if rung not in self.learner.rungs]
            if beside:
                raise ValueError(
                    f"policy[{number}].rungs: {beside[0]!r} is none of learner.rungs ({', '.join(self.learner.rungs)})"
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

    @property
    def metric(self) -> MetricName:
        """The metric that monitors and gate judge by."""
        named = self.gate.metric or (self.monitors.performance and self.monitors.performance.metric)
        return named or DEFAULT_METRIC[self.task]

    @property
    def replayed(self) -> ReplaySpec:
        """The reservoir that a lineage keeps: none for a clustering, whose counts stand for the rows it learned."""
        return ReplaySpec(rows=0) if self.task == "clustering" else self.learner.replay

    @property
    def deciding(self) -> Policy:
        """All of the spec that decides, as one value."""
        performance = self.monitors.performance or PerformanceSpec()
        return Policy(
            rules=self.policy,
            triage=self.triage,
            share=(self.monitors.drift or DriftSpec()).share,
            tolerance=performance.tolerance_of(self.metric),
            estimate=performance.estimate,
            costs=self.costs,
            gain_tolerance=self.gain.tolerance,
            metric=self.metric,
            every=self.monitors.every,
            abandon_after=self.abandon_after,
        )

    @property
    def policy_version(self) -> str:
        """The version of the policy: two specs that decide alike have equal versions."""
        return self.deciding.version
