"""The gate's part of the spec: what a candidate must prove on the holdout before it may be registered."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, Field, field_validator, model_validator

from ..duration import MOST_ROWS, Period
from .metric import MetricKey
from .part import Part

Of = Literal["recent", "anchor", "both"]
Wanted = bool | int | float | str | None  # one value of a column; null: a missing one


class Margin(Part):
    """How much worse than the champion a candidate may be, by the lower end of the interval."""

    margin: float = Field(
        ge=0,
        description="Absolute for scores bounded by one; for mae, rmse, log_loss, distance, distortion a share "
        "of the champion's",
    )
    within: Period | None = Field(
        None,
        description="Of `anchor` only: look back at most this far from the decision; where the champion learned "
        "nothing since, all of that stretch is recent, and there is no anchor",
    )


class Anchor(Part):
    """How older rows count: by how likely they are to come back, or by a fixed margin."""

    margin: float | None = Field(
        None,
        ge=0,
        description="Fixed: how much worse than the champion at most, as `margin` elsewhere; left out: a loss on older "
        "rows is priced by how likely they are to come back",
    )
    within: Period | None = Field(
        None,
        description="Look back at most this far from the decision; where the champion learned nothing since, all of "
        "that stretch is recent, and there is no anchor",
    )


class Between(Part):
    """Numbers from `from` on, below `to`: `from <= value < to`."""

    model_config = ConfigDict(populate_by_name=True)

    start: float | None = Field(None, alias="from", description="The least value; left out: no least")
    end: float | None = Field(None, alias="to", description="The first value that is too large; left out: none")

    @model_validator(mode="after")
    def _some(self) -> Between:
        if self.start is None and self.end is None:
            raise ValueError("give `from`, `to` or both")
        if self.start is not None and self.end is not None and self.start >= self.end:
            raise ValueError(f"`from` ({self.start:g}) must be below `to` ({self.end:g})")
        return self


class SliceSpec(Part):
    """A named part of the holdout that must not be harmed, chosen by the values of features."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", description="What the gate calls it")
    where: dict[str, Between | tuple[Wanted, ...] | Wanted] = Field(
        min_length=1, description="feature: value, [values] or {from, to}; a row must meet all of them"
    )
    margin: float = Field(ge=0, description="How much worse it may be, as `anchor.margin` says it")
    of: Of = Field("recent", description="The stratum that it is cut from; `both`: judged in each of them")
    min_rows: int | None = Field(
        None, ge=5, le=MOST_ROWS, description="Fewer rows cannot be judged; left out: gate.min_rows"
    )
    if_small: Literal["block", "report"] = Field(
        "block", description="Whether a slice that cannot be judged blocks the candidate, or is only reported"
    )

    @field_validator("where")
    @classmethod
    def _some_value(
        cls, value: dict[str, Between | tuple[Wanted, ...] | Wanted]
    ) -> dict[str, Between | tuple[Wanted, ...] | Wanted]:
        for column, wanted in value.items():
            if wanted == ():
                raise ValueError(f"{column!r} has an empty list, which no row meets")
        return value


class FlipsSpec(Part):
    """Rows that were right before and are wrong now."""

    margin: float | None = Field(
        None, ge=0, le=1, description="Largest share of negative flips, by the interval's upper end; left out: reported"
    )
    of: Of = Field("both", description="The stratum that is judged")
    tolerance: float = Field(
        1.0, ge=0, description="Regression: an error that grew by more than this × the champion's mae is a flip"
    )


class CalibrationSpec(Part):
    """Whether probabilities mean what they say; for regression, whether predictions lie above or below the labels."""

    margin: float | None = Field(
        None, ge=0, description="Largest rise, by the interval's upper end: of the calibration error in points of "
        "probability, of a regression's bias as a share of the champion's mae; left out: reported"
    )  # fmt: skip
    of: Of = Field("both", description="The stratum that is judged")
    bins: int = Field(10, ge=2, le=100, description="Most bins of equal mass; each holds at least 20 rows")


class LatencySpec(Part):
    """How long a prediction takes, measured side by side; never measured where this section is left out."""

    most: float | None = Field(None, gt=0, description="Largest ratio to the champion's time; left out: reported")
    rows: int = Field(1000, ge=1, le=100_000, description="Rows of one prediction that is timed")
    repeats: int = Field(7, ge=3, le=1000, description="Times that both predict, in turn; the median counts")


class SizeSpec(Part):
    """How large the saved model is; not measured where this section is left out."""

    most: float | None = Field(None, gt=0, description="Largest ratio to the champion's bytes; left out: reported")


class GateSpec(Part):
    """What a candidate must prove on the holdout before it may be registered."""

    metric: MetricKey | None = Field(None, description="Left out: the metric of monitors.performance")
    recent: Literal["better", "not_worse", "no_loss"] | Margin = Field(
        "better",
        description="On holdout rows newer than the champion's watermark. `better`: proven by these rows, or by the "
        "strategy's trials, in which case these need only show no loss; `not_worse`: level at least; `no_loss`: no "
        "proven loss",
    )
    in_harm: Literal["better", "not_worse", "no_loss"] | Margin | None = Field(
        None,
        description="The same where triage found harm: then waiting for proof costs what the champion loses meanwhile; "
        "left out: not_worse where `recent` asks for better, else as `recent`",
    )
    anchor: Anchor = Field(
        Anchor(), description="On older holdout rows: `priced` (the same as left out), or {margin, within}"
    )
    slices: tuple[SliceSpec, ...] = Field((), description="Named parts of the holdout that must not be harmed")
    flips: FlipsSpec = FlipsSpec()
    calibration: CalibrationSpec = CalibrationSpec()
    latency: LatencySpec | None = Field(None, description="Left out: prediction time is not measured")
    size: SizeSpec | None = Field(None, description="Left out: the saved size is not measured")
    min_rows: int = Field(
        30, ge=5, le=MOST_ROWS, description="Fewer holdout rows than this cannot be judged: unsure, no pass"
    )
    confidence: float = Field(0.95, gt=0.5, lt=1, description="Coverage of every interval that the gate judges by")
    resamples: int = Field(
        1000, ge=100, le=1_000_000, description="Bootstrap resamples; more are drawn where the tails need them"
    )
    sample: int = Field(
        5000, ge=100, le=MOST_ROWS, description="Most rows of a stratum that are judged, chosen by hash"
    )

    @field_validator("recent", "in_harm")
    @classmethod
    def _no_look_back(cls, value: str | Margin | None) -> str | Margin | None:
        if isinstance(value, Margin) and value.within is not None:
            raise ValueError("`within` has a meaning under `anchor` only: the recent rows are those that are newer")
        return value

    def without_loss(self) -> GateSpec:
        """The same where recent rows need only show no loss: what it gains is proven already."""
        return self.model_copy(update={"recent": "no_loss"}) if self.recent == "better" else self

    @field_validator("anchor", mode="before")
    @classmethod
    def _priced(cls, value: object) -> object:
        return {} if value == "priced" else value

    @property
    def asked_in_harm(self) -> Literal["better", "not_worse", "no_loss"] | Margin:
        """What is asked of recent rows where triage found harm: never more than without it, unless the spec says so."""
        if self.in_harm is not None:
            return self.in_harm
        return "not_worse" if self.recent == "better" else self.recent

    @field_validator("slices")
    @classmethod
    def _one_name_each(cls, value: tuple[SliceSpec, ...]) -> tuple[SliceSpec, ...]:
        names = [each.name for each in value]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"two slices are called {twice!r}; give each a name of its own")
        return value
