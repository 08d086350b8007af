"""What a backtest found, as values that are kept as JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from ..spec.values import Action, Decision, Value, Verdict

Kind = Literal["policy", "never", "scratch_sliding", "scratch_all", "warm", "uniform", "oracle", "other"]


class Quality(Value):
    """The metric with its bootstrap interval; NaN where it is undefined."""

    value: float
    low: float
    high: float
    rows: int


class Step(Value):
    """One stretch between two looks, the look at its start, and how the model that served did in it.

    *helps* says whether learning at this look would have made the stretch better, by the paired interval of an
    update tried in hindsight; None where it cannot be told. *harm* is the spec's own measure, by all labels;
    None where they are too few.
    """

    at: datetime
    end: datetime
    action: Action
    verdict: Verdict | None = None
    reason: str = ""
    version: str
    outcome: str | None = None  # of the run that this look started: registered, refused …
    cpu_seconds: float = 0.0
    rows: int
    quality: Quality
    harm: bool | None
    helps: bool | None = None

    @property
    def ran(self) -> bool:
        """Whether a training was started at this look."""
        return self.outcome is not None


class ArmResult(Value):
    """One arm from the first version to the end of the plan.

    *quality* is of the composite model: at each moment, the version that served. *runs* counts trainings
    started after the first version, *cpu_seconds* what they took in learning. *money* is None without `costs`.
    *false_runs* are runs after which the next stretch was not provably better, *missed_runs* looks without a run
    where it would have been. *harm_days* is NaN where no stretch could be judged.
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
    cpu_seconds: float
    money: float | None = None
    harm_days: float
    days: float
    false_runs: int
    missed_runs: int
    verdicts: dict[str, int]
    steps: tuple[Step, ...]
    decisions: tuple[Decision, ...] = ()

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
