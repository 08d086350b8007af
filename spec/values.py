"""The glossary as values: what one room hands to the next.

All are frozen pydantic models, so that the ledger keeps them as JSON and reads them back equal.
Times are naive UTC everywhere behind the data room.
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict

from ..former import moved
from .former_keys import accepts_former

Status = Literal["ok", "warn", "fail", "unknown"]
Verdict = Literal["healthy", "broken_data", "harmless_shift", "harm", "unsure"]
Action = Literal["hold", "alert", "warm_start", "full_retrain", "roll_back"]
Strategy = Literal["warm", "warm_replay", "shrink_perturb", "warm_blocks", "scratch_recent", "scratch"]
TrainedBy = Literal["first", "adopted", Strategy]

# How a training run ended. `background`: strategies learned at a moment that fired nothing, and nothing was offered.
Outcome = Literal["registered", "refused", "failed", "abandoned", "nothing_new", "background"]
# ... or that it has not ended, or is one that shadow mode only writes down.
RunState = Outcome | Literal["running", "shadow"]

FIRING: frozenset[Action] = frozenset({"warm_start", "full_retrain"})


def finite(value: float | None) -> float | None:
    """A plain float, or None for what is missing, NaN or infinite."""
    return None if value is None or not math.isfinite(value) else float(value)


class Value(BaseModel):
    """A frozen value that refuses unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")


class Span(Value):
    """A stretch of time, open at *start* and closed at *end*: `start < t <= end`."""

    start: datetime
    end: datetime

    @property
    def length(self) -> timedelta:
        return self.end - self.start

    def __str__(self) -> str:
        return f"{self.start:%Y-%m-%d %H:%M} to {self.end:%Y-%m-%d %H:%M}"


BUILT_IN_MONITORS = frozenset({"quality", "drift", "performance", "estimate", "fleet"})


class Signal(Value):
    """One measured fact about one window.

    *value* is in the metric's own unit; *low* and *high* bound it where an interval was computed.
    *reference* is the same measure on the reference window. *status* is the monitor's own reading:
    `fail` crossed the threshold, `unknown` could not be measured (the note says why).
    """

    monitor: str  # one of BUILT_IN_MONITORS, or the name of one of the team's own
    metric: str
    column: str | None = None
    value: float | None = None
    low: float | None = None
    high: float | None = None
    reference: float | None = None
    threshold: float | None = None
    status: Status
    note: str = ""
    window: Span
    rows: int
    snapshot: str | None = None  # id of the Evidently snapshot that shows it
    lasting: bool = False  # it would be a fault, but the windows before held it as well: the world as it is now
    within: tuple[float, float] | None = None  # rows whose *column* lies outside are kept out, and the window lives


class Triage(Value):
    """The verdict over all signals of a window, with the evidence that decided it."""

    verdict: Verdict
    evidence: tuple[str, ...] = ()
    signals: tuple[str, ...] = ()  # the deciding ones, as monitor/metric/column


class GuardAnswer(Value):
    """What one guard said about one rule: *held* means that it stopped the rule.

    *rule* is the rule's condition, for people; *rule_id* says which rule it is (`Policy.rule_ids`), None in what was
    written before rules had ids.
    """

    rule: str
    guard: str
    held: bool
    text: str
    rule_id: str | None = None


class Marks(Value):
    """How far the ledger had been written when a history was read, so that the same history can be read again.

    *training_runs* is the highest number of a run, *reviews*, *scores* and *windows* the highest ids of such entries;
    *running* are the numbers of the runs under way.
    """

    _former = accepts_former(flights="training_runs")
    training_runs: int = 0
    running: tuple[int, ...] = ()
    reviews: int = 0
    scores: int = 0
    windows: int = 0


TrialRole = Literal["champion", "reference", "background"]
EARLIER = "earlier"  # the strategy of going back to the champion before


class Trial(Value):
    """What a strategy's newest version gained over another on newly labelled rows, before it learned any of them.

    *strategy* is the way in which *version* was trained, or `earlier` for a former champion. *role* says what it was
    held against: the `champion`; the `reference`, a champion of some evaluations ago; or the `background` candidate,
    the newest version of the strategy that is tried at every evaluation. *gain* is the mean over *rows* in the metric's
    unit (positive is better), *variance* that of this mean, *telling* the number of rows that can tell the two apart.
    """

    strategy: str
    version: str
    role: TrialRole
    against: str
    rows: int
    telling: int
    gain: float
    variance: float


class Basis(Value):
    """What a decision rested on beside its signals and the ledger's history: enough to take it again."""

    champion: str | None = None
    champion_since: datetime | None = None
    champion_trained_at: datetime | None = None
    rolled_back_at: datetime | None = None
    watermark: datetime | None = None
    new_rows: int = 0
    rows_to_learn: int | None = None
    first_cpu_seconds: float = 0.0
    trials: tuple[Trial, ...] = ()  # of this evaluation
    leader: str | None = None  # the strategy that led then
    marks: Marks = Marks()


class Decision(Value):
    """What was decided about one model at one moment, and why.

    *facts* are the variables the rules saw. *reasons* are sentences for people. *rule* is the condition of the
    rule that chose the action, for people, and *rule_id* says which rule it is (`Policy.rule_ids`): two rules may
    have the same condition. Both are None if no rule matched, *rule_id* also in what was written before rules had ids.
    """

    id: str
    model: str
    at: datetime
    action: Action
    triage: Triage
    rule: str | None = None
    rule_id: str | None = None
    reasons: tuple[str, ...] = ()
    guards: tuple[GuardAnswer, ...] = ()
    matched: tuple[str, ...] = ()  # conditions that held, also of rules that a guard stopped: persistence counts them
    facts: dict[str, Any] = {}
    policy: str = ""  # version of the policy: a hash of all that decides
    window: Span | None = None
    champion: str | None = None  # MLflow version judged
    basis: Basis | None = None  # None for a start by hand, which no policy decided

    @property
    def fires(self) -> bool:
        """Whether the decision starts a training run."""
        return self.action in FIRING

    @property
    def triaged(self) -> str:
        """The verdict of triage for people; `by hand` where a person started a run and no window was looked at."""
        return "by hand" if self.window is None else self.triage.verdict


class Score(Value):
    """What became of a decision, seen once the labels after it had arrived.

    *verdict* says whether acting, or waiting, was right; *gain* is of acting over waiting in the metric's unit
    (positive is better), with its interval, where both could be compared on *rows* rows.
    """

    decision: str
    at: datetime  # when it was scored
    verdict: Literal["right", "wrong", "even"]
    gain: float | None = None
    low: float | None = None
    high: float | None = None
    rows: int = 0
    text: str = ""


class PastDecision(Value):
    """What the policy needs to know of an earlier decision."""

    id: str
    at: datetime
    action: Action
    verdict: Verdict
    matched: tuple[str, ...] = ()
    champion: str | None = None
    facts: dict[str, Any] = {}
    trials: tuple[Trial, ...] = ()
    leader: str | None = None
    score: Score | None = None

    @classmethod
    def of(cls, decision: Decision) -> PastDecision:
        """*decision* as later ones know it, before it is scored."""
        basis = decision.basis or Basis()
        return cls(
            id=decision.id,
            at=decision.at,
            action=decision.action,
            verdict=decision.triage.verdict,
            matched=decision.matched,
            champion=decision.champion,
            facts=decision.facts,
            trials=basis.trials,
            leader=basis.leader,
        )


class PastUpdate(Value):
    """What the policy needs to know of an earlier training run.

    *gain* is what the gate measured on recent holdout rows, in the metric's unit, where it could.
    `shadow`: the run that a decision in shadow mode would have started. *champion* and *new_rows* are those of the
    decision: which version served, and how many labelled rows were behind it.
    """

    decision: str
    started_at: datetime  # in the decision's own time, so that live and replay agree
    ended_at: datetime | None = None
    outcome: RunState
    version: str | None = None
    cpu_seconds: float = 0.0
    rows: int = 0
    gain: float | None = None
    promising: bool = False  # refused, but for a lack of rows only
    rejected_at: datetime | None = None  # when a reviewer said no
    champion: str | None = None
    new_rows: int | None = None


class History(Value):
    """All of the past that a decision may look at; the newest entry of each tuple is last."""

    model: str
    champion: str | None = None
    champion_since: datetime | None = None  # when it was promoted
    champion_trained_at: datetime | None = None
    rolled_back_at: datetime | None = None  # when a champion was last taken back, by a rule or by a person
    watermark: datetime | None = None
    new_rows: int = 0  # labelled rows that the champion has not learned, holdout left out
    rows_to_learn: int | None = None  # of these, behind the candidate that an update goes on from; None: all of them
    first_cpu_seconds: float = 0.0  # what the first version took: all that is known before the first update
    decisions: tuple[PastDecision, ...] = ()
    updates: tuple[PastUpdate, ...] = ()
    background: tuple[PastUpdate, ...] = ()  # learning at evaluations that fired nothing
    trials: tuple[Trial, ...] = ()  # of the evaluation that is to be decided on
    leader: str | None = None  # the strategy that leads by them and those before
    marks: Marks = Marks()

    @property
    def basis(self) -> Basis:
        """What a ledger does not hold, or not by itself."""
        return Basis(**{name: getattr(self, name) for name in Basis.model_fields})


if not TYPE_CHECKING:  # mypy knows no former names, and so every misspelt one
    __getattr__ = moved(__name__)
