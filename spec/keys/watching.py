"""What is watched: the monitors' part of the spec, and thresholds that are fixed or follow the model's history."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, model_validator

from ..duration import MOST_ROWS, Period, Stretch
from .metric import RELATIVE, MetricKey
from .own import OwnSpec, named
from .part import Part

Task = Literal["binary", "multiclass", "regression", "clustering"]
EstimateMode = Literal["off", "advise", "count"]

OF_CLASSES = frozenset({"binary", "multiclass"})  # tasks whose label is one of several classes


class Adaptive(Part):
    """A threshold that follows the model's own history: a quantile over its last windows, never below *least*."""

    quantile: float = Field(0.95, ge=0.5, le=1, description="Of the values in the last `windows`")
    windows: int = Field(60, ge=5, le=200, description="Most windows to look back; windows of broken data are left out")
    warm_up: int = Field(20, ge=5, le=200, description="With fewer windows than this, `fixed` is the threshold")
    fixed: float = Field(ge=0, description="The threshold until the history is long enough")
    least: float = Field(0.0, ge=0, description="The threshold never falls below this")

    @model_validator(mode="after")
    def _reachable(self) -> Adaptive:
        if self.warm_up > self.windows:
            raise ValueError(f"expected a warm_up of at most `windows` ({self.windows}), found {self.warm_up}")
        return self


def fixed(threshold: float | Adaptive) -> float:
    """The threshold without any history: what a monitor, which has none, measures by."""
    return threshold.fixed if isinstance(threshold, Adaptive) else threshold


def fell(value: float, low: float | None, tolerance: float) -> bool:
    """Whether a loss is one: more than the tolerance, and its interval (lower end *low*) leaves zero out."""
    return value > tolerance and (low is None or low > 0)


def _switched(value: object) -> object:
    """YAML reads `on` and `off` as true and false."""
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else value


def _between(value: object) -> object:
    """`{least: 0.2, most: 5}`, either of them left out, or a list of both."""
    if not isinstance(value, Mapping):
        return _switched(value)
    unknown = sorted(set(value) - {"least", "most"}, key=str)
    if unknown:
        raise ValueError(f"expected `least` and `most`, found {unknown[0]!r}")
    return (value.get("least", VOLUME[0]), value.get("most", VOLUME[1]))


def _around_one(value: tuple[float, float] | str) -> tuple[float, float] | str:
    if not isinstance(value, str) and not 0 <= value[0] <= 1 <= value[1]:
        least, most = value
        raise ValueError(f"expected a least from 0 to 1 and a most from 1 on, found {least:g} and {most:g}")
    return value


VOLUME = (0.2, 5.0)
Off = Literal["off"]
Switch = Annotated[Literal["on", "off"], BeforeValidator(_switched)]
Positive = Annotated[float, Field(gt=0, le=1)]
Limit = Annotated[Positive | Off, BeforeValidator(_switched)]


class QualitySpec(Part):
    """Screens for broken data, each by its name: a threshold where it has one, or `off`."""

    model_config = ConfigDict(populate_by_name=True)

    missing: Limit = Field(0.1, description="Rise in a column's missing share that breaks it")
    out_of_range: Limit = Field(
        0.05, description="Share of numbers outside the reference's range, widened by half on each side"
    )
    quarantine: Limit = Field(
        0.01,
        description="Share of rows that may be impossible, each by itself, and are kept out one by one; of more the "
        "window is broken. off: no row is, and a handful breaks it",
    )
    nulls: Limit = Field(0.01, description="Share of missing values in a column that never lacked any")
    new_categories: Limit = Field(0.1, description="Share of rows with a category the reference lacks")
    duplicates: Limit = Field(0.05, description="Share of rows whose id was seen before")
    volume: Annotated[tuple[float, float] | Off, BeforeValidator(_between), AfterValidator(_around_one)] = Field(
        VOLUME,
        description="Least and most rows, as multiples of what the reference had in the same time: [0.2, 5], or "
        "{least: 0.2}",
    )
    missing_column: Switch = Field("on", description="Features that the source no longer has")
    schema_: Switch = Field("on", alias="schema", description="Columns whose type is of another sort")
    constant: Switch = Field("on", description="Columns that varied and hold one value")
    stuck: Switch = Field("on", description="Numbers that stand still, or pile up on a value")
    scale: Switch = Field("on", description="Numbers in another unit, or with another sign")
    swapped: Switch = Field("on", description="Two columns in each other's place")
    misaligned: Switch = Field("on", description="Columns whose values belong to other rows")
    clock: Switch = Field("on", description="Times that are bunched, shifted or cut to dates")
    gap: Switch = Field("on", description="Stretches without rows")
    holes: Switch = Field("on", description="Hours or days without rows that always had some")
    multiplied: Switch = Field("on", description="Rows that a join made several of, which differ in some columns")
    unreadable: Switch = Field("on", description="Words where the model learned numbers")
    copies: Switch = Field("on", description="Rows that were delivered again under other ids")
    nameless: Switch = Field("on", description="Rows without an id")
    reference: Switch = Field("on", description="A reference window that has left the source")
    unpredicted: Switch = Field("on", description="Rows that the champion cannot predict")
    unscreened: Switch = Field("on", description="Screens that broke off, and windows that leave nothing to screen")
    unmeasured: Switch = Field("on", description="Performance that cannot be measured, evaluation after evaluation")
    label_silence: Switch = Field("on", description="Labels that no longer come at all")
    label_faults: Switch = Field("on", description="Labels dated before their row, or for no row")
    label_revisions: Switch = Field("on", description="Labels that another one followed: counted, never a fault")
    label_coverage: Switch = Field("on", description="Labels that come later than they used to")
    label_rows: Switch = Field("on", description="Labels that belong to other rows")
    label_group: Switch = Field("on", description="Labels of one group that are turned round or in another unit")
    label_default: Switch = Field("on", description="A share of the labels that became one value")
    label_shift: Switch = Field("on", description="Labels of rows some places off, or of the window before")
    label_delay: Switch = Field(
        "on",
        description="Labels that come early and are not like the others, so that no gate can tell; see mature_after",
    )
    label_scale: Switch = Field("on", description="Labels of a regression in another unit, or with another sign")
    label_range: Switch = Field("on", description="Labels of a regression far beyond all that was known")
    label_classes: Switch = Field("on", description="Labels of one class only; classes that were exchanged or merged")
    label_order: Switch = Field("on", description="Labels that are flipped")
    columns: tuple[str, ...] | None = Field(None, description="Columns to screen; left out: all features")

    @property
    def off(self) -> frozenset[str]:
        """The metrics of the screens that are switched off."""
        names = (name for name in type(self).model_fields if getattr(self, name) == "off")
        return frozenset({"missing": "missing_share", "schema_": "schema"}.get(name, name) for name in names)

    def limit(self, name: str) -> float:
        """The threshold of the screen *name*; its default where it is switched off, since its answer is not told."""
        found = getattr(self, name)
        return float(type(self).model_fields[name].default if found == "off" else found)

    @property
    def lacking(self) -> float:
        """The threshold of `nulls`: where `missing` alone is given it stands for both."""
        alone = {"missing", "nulls"} & self.model_fields_set == {"missing"}
        return self.limit("missing" if alone else "nulls")

    @property
    def apart(self) -> float:
        """The share of rows that may be kept out one by one; 0 where none is."""
        return 0.0 if self.quarantine == "off" else self.quarantine

    @property
    def rows(self) -> tuple[float, float]:
        """Least and most rows."""
        return VOLUME if isinstance(self.volume, str) else self.volume


class DriftSpec(Part):
    """Drift of the features' distributions against the reference window."""

    threshold: float = Field(0.2, gt=0, description="Drift score (PSI) from which a column counts as drifted")
    share: float | Adaptive = Field(
        0.3, description="Share of drifted columns from which the window has drifted: fixed, or following the history"
    )
    min_rows: int = Field(200, ge=10, le=MOST_ROWS, description="Fewer rows than this cannot be judged: `unknown`")
    columns: tuple[str, ...] | None = Field(None, description="Columns to watch; left out: all features")

    @model_validator(mode="after")
    def _is_a_share(self) -> DriftSpec:
        if not 0 < self.share_threshold <= 1:
            raise ValueError(f"share: expected more than 0 and at most 1, found {self.share_threshold}")
        return self

    @property
    def share_threshold(self) -> float:
        """The share without any history."""
        return fixed(self.share)


class PerformanceSpec(Part):
    """The champion's metric on rows whose labels have arrived."""

    metric: MetricKey | None = Field(
        None,
        description="Left out: roc_auc, accuracy, mae or distance, by the task; `file.py:Class` or an entry point: of "
        "your own",
    )
    min_labels: int = Field(
        100, ge=10, le=MOST_ROWS, description="Fewer matured labels than this cannot be judged: `unknown`"
    )
    maturity: float = Field(0.95, gt=0, le=1, description="Share of a window's labels that must have arrived")
    tolerance: float | Adaptive | None = Field(
        None,
        description="Loss against the reference that is no harm: absolute; for mae, rmse, log_loss, distance and "
        "distortion a share. Left out: 0.03, for those five 0.05",
    )
    estimate: EstimateMode = Field(
        "advise",
        description="A label-free estimate where labels are late: `off`; `advise`: it is shown; "
        "`count`: it may be called harm, and so fire a training, without labels",
    )

    def tolerance_of(self, metric: str, relative: bool | None = None) -> float | Adaptive:
        """The tolerance as written, or the default of *metric*; *relative* says of a team's own which it is."""
        if self.tolerance is not None:
            return self.tolerance
        return 0.05 if (metric in RELATIVE if relative is None else relative) else 0.03

    def tolerance_for(self, metric: str, relative: bool | None = None) -> float:
        """The tolerance without any history."""
        return fixed(self.tolerance_of(metric, relative))


class PagesSpec(Part):
    """When Evidently's pages are drawn; an evaluation's signals are always in the ledger."""

    on: tuple[Literal["fire", "alert"], ...] = Field(
        ("fire", "alert"), description="Draw them if a run is started or a champion taken back; if a window alerts"
    )
    every: Period | None = Field(None, description="Also at the first evaluation of every such period; left out: never")


class OwnMonitorSpec(OwnSpec):
    """A monitor of the team's own, of the entry points' group `ratoon.monitors`."""


OwnMonitors = tuple[Annotated[OwnMonitorSpec, BeforeValidator(named, json_schema_input_type=str | OwnMonitorSpec)], ...]


class MonitorsSpec(Part):
    """What is watched, how often and over which windows."""

    window: Stretch = Field(timedelta(days=7), description="The current window: a length of time, or `500 rows`")
    every: Period = Field(timedelta(days=1), description="How often the scheduled monitor runs")
    reference: Stretch | None = Field(
        None, description="Extent of the reference window, ending at the champion's watermark; left out: 8 windows"
    )
    sample: int = Field(50_000, ge=100, le=MOST_ROWS, description="Most rows that a monitor reads, chosen by hash")
    quality: QualitySpec | None = QualitySpec()
    drift: DriftSpec | None = DriftSpec()
    performance: PerformanceSpec | None = PerformanceSpec()
    own: OwnMonitors = Field((), description="Monitors of your own, each by its name or with settings")
    pages: PagesSpec = PagesSpec()
