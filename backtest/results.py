"""What a backtest found, as values that are kept as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Literal

from pydantic import computed_field, model_validator

from ..spec.values import FIRING, Action, Decision, Value, Verdict

Kind = Literal["policy", "never", "scratch_sliding", "scratch_all", "warm", "uniform", "oracle", "other"]


BACKGROUND = "background"  # the outcome of an evaluation that fired nothing, and strategies learned in the background


class Summed(Value):
    """A value whose JSON also holds what is computed of its fields; reading it back computes that anew."""

    @model_validator(mode="before")
    @classmethod
    def _without_computed(cls, given: object) -> object:
        if not isinstance(given, Mapping):
            return given
        return {name: value for name, value in given.items() if name not in cls.model_computed_fields}


class Cpu(Summed):
    """CPU seconds of all threads and started processes, by what they were spent on.

    *learning*: what the candidates took to learn, refused ones included. *judging*: the gate. *looking*: all the
    rest of an evaluation, that is reading data, monitors, scoring earlier decisions, deciding, keeping versions.
    """

    learning: float = 0.0
    judging: float = 0.0
    looking: float = 0.0

    @computed_field  # type: ignore[prop-decorator]
    @property
    def total(self) -> float:
        """All of it."""
        return self.learning + self.judging + self.looking

    @classmethod
    def sum(cls, parts: Iterable[Cpu]) -> Cpu:
        """The sum, part by part."""
        known = list(parts)
        return cls(
            learning=sum(each.learning for each in known),
            judging=sum(each.judging for each in known),
            looking=sum(each.looking for each in known),
        )


class Quality(Value):
    """The metric with its bootstrap interval; NaN where it is undefined."""

    value: float
    low: float
    high: float
    rows: int


class Step(Value):
    """One stretch between two evaluations, the one at its start, and how the model that served did in it.

    *helps* says whether learning at this evaluation would have made the stretch better, by the paired interval of an
    update tried in hindsight; None where it cannot be told. *refused_better*: whether an update that the gate refused
    at this evaluation would have; None where it refused none, or it cannot be told. *harm* is the spec's own measure,
    by all labels; None where they are too few. *cpu* is of the evaluation.
    """

    at: datetime
    end: datetime
    action: Action
    verdict: Verdict | None = None
    reason: str = ""
    version: str
    outcome: str | None = None  # of the run that this evaluation started: registered, refused …
    cpu: Cpu = Cpu()
    rows: int
    quality: Quality
    harm: bool | None
    helps: bool | None = None
    refused_better: bool | None = None

    @property
    def ran(self) -> bool:
        """Whether a training was started at this evaluation; what strategies learn in the background is none."""
        return self.outcome not in (None, BACKGROUND)


class ArmResult(Summed):
    """One arm from the first version to the end of the plan.

    *quality* is of the composite model: at each moment, the version that served. *runs* counts trainings
    started after the first version, which all arms share and none is charged for. *cpu* is everything that the arm ran
    at its evaluations; what only judges it in hindsight, and predicting for users, is left out for all arms alike.
    *money* is that time, the runs and the errors at the prices of `costs`; None without them.
    *false_runs* are runs after which the next stretch was not provably better, *missed_runs* looks without a run
    where it would have been. *hurt* counts promoted versions that were provably worse than the version they replaced,
    over the time in which they served; None for arms without a gate. *harm_days* is NaN where no stretch could be
    judged.
    """

    name: str
    kind: Kind
    of: str | None = None  # the policy whose number of runs a uniform schedule repeats
    policy: str = ""  # version of the policy
    quality: Quality
    runs: int
    registered: int
    promoted: int
    rows_learned: int
    cpu: Cpu
    money: float | None = None
    harm_days: float
    days: float
    false_runs: int
    missed_runs: int
    hurt: int | None = None
    verdicts: dict[str, int]
    steps: tuple[Step, ...]
    decisions: tuple[Decision, ...] = ()

    @property
    def cpu_seconds(self) -> float:
        """CPU seconds of learning alone."""
        return self.cpu.learning

    @computed_field  # type: ignore[prop-decorator]
    @property
    def fired_share(self) -> float:
        """The share of evaluations that started, or asked for, a training; NaN without any."""
        looks = self.steps[1:]
        return sum(step.action in FIRING for step in looks) / len(looks) if looks else float("nan")

    @computed_field  # type: ignore[prop-decorator]
    @property
    def refused_better(self) -> int:
        """How many of the refused updates were provably better on the rows to come."""
        return sum(step.refused_better is True for step in self.steps)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def better_updates(self) -> int:
        """How many of the updates, refused or not, were provably better on the rows to come."""
        return self.refused_better + sum(step.outcome == "registered" and step.helps is True for step in self.steps)

    @property
    def metric_text(self) -> str:
        """The quality as people read it: `0.7535 (0.7489 to 0.7581)`."""
        return f"{self.quality.value:.4g} ({self.quality.low:.4g} to {self.quality.high:.4g})"


class Backtest(Value):
    """All arms over the same stretch of the same data."""

    model: str
    spec: str
    metric: str
    greater_is_better: bool
    currency: str | None
    start: datetime
    end: datetime
    looks: int
    training_seconds: float
    review_seconds: float
    arms: tuple[ArmResult, ...]
