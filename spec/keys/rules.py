"""Rules and their guards, as the spec declares them, and `Policy`: all that decides, as one value."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import time, timedelta
from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema, field_validator, model_validator

from ..duration import MOST_ROWS, Duration, Period
from ..former_keys import former_attribute
from ..values import Strategy
from .metric import RELATIVE
from .own import OwnSpec, named
from .part import Part
from .watching import Adaptive, EstimateMode

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Persist(Part):
    """At least *k* of the last *n* windows."""

    k: int = Field(ge=1, le=1_000)
    n: int = Field(ge=1, le=1_000)

    @model_validator(mode="after")
    def _k_of_n(self) -> Persist:
        if self.k > self.n:
            raise ValueError(f"expected at most {self.n} of {self.n}, found {self.k} of {self.n}")
        return self


def _parse_persist(value: object) -> object:
    if isinstance(value, str):
        match = re.fullmatch(r"\s*(\d{1,9})\s+of\s+(\d{1,9})\s*", value)
        if match is None:
            raise ValueError("expected `k of n`, such as `2 of 3`")
        return {"k": int(match.group(1)), "n": int(match.group(2))}
    if not isinstance(value, Persist | Mapping):
        raise ValueError("expected `k of n`, such as `2 of 3`")
    return value


KofN = Annotated[Persist, BeforeValidator(_parse_persist)]


class Budget(Part):
    """At most *runs* training runs per *per*."""

    runs: int = Field(ge=0, le=1_000_000, description="Most training runs; 0: none")
    per: Period = Field(description="In a stretch of this length, ending now")


class CostBudget(Part):
    """At most so much spent on training per *per*: CPU time, or money by `costs`."""

    cpu: Duration | None = Field(None, description="CPU time, such as 30m")
    money: float | None = Field(None, ge=0, description="In the currency of `costs`")
    per: Period = Field(description="In a stretch of this length, ending now")

    @model_validator(mode="after")
    def _one_of_them(self) -> CostBudget:
        if (self.cpu is None) == (self.money is None):
            raise ValueError("give either `cpu` (such as 30m) or `money`, exactly one of them")
        return self


class BackOff(Part):
    """How long to wait after a challenger was refused or rejected: doubled with each one in a row."""

    first: Duration = Field(description="After the first")
    most: Duration = Field(timedelta(days=30), description="However many there were in a row")


def _parse_back_off(value: object) -> object:
    if value is not None and not isinstance(value, str | BackOff | Mapping):
        raise ValueError("expected a length such as 2d, or {first: 2d, most: 30d}")
    return {"first": value} if isinstance(value, str) else value


class Quiet(Part):
    """Hours in which a rule does not fire, in UTC; they may pass midnight, and then count to the day they began."""

    start: time
    end: time
    days: tuple[int, ...] = Field(tuple(range(7)), description="0 is Monday")


_QUIET_HOURS = "expected hours such as `22:00-06:00`, or `sat-sun 00:00-24:00`, in UTC"
_DAY = "(?:mon|tue|wed|thu|fri|sat|sun)"
_QUIET = re.compile(
    rf"\s*(?:((?:{_DAY}(?:\s*-\s*{_DAY})?)(?:\s*,\s*{_DAY}(?:\s*-\s*{_DAY})?)*)\s+)?"
    r"(\d\d?):(\d\d)\s*-\s*(\d\d?):(\d\d)\s*",
    re.IGNORECASE,
)


def _parse_quiet(value: object) -> object:
    if isinstance(value, Quiet | Mapping):
        return value
    if not isinstance(value, str):
        raise ValueError(_QUIET_HOURS)
    match = _QUIET.fullmatch(value)
    if match is None:
        raise ValueError(_QUIET_HOURS)
    days, *clock = match.groups()
    from_hour, from_minute, to_hour, to_minute = map(int, clock)
    if (to_hour, to_minute) == (24, 0):
        to_hour = 0
    if from_hour > 23 or to_hour > 23 or from_minute > 59 or to_minute > 59:
        raise ValueError("expected hours from 00:00 to 24:00")
    start, end = time(from_hour, from_minute), time(to_hour, to_minute)
    return {"start": start, "end": end, **({"days": _days(days)} if days else {})}


def _days(text: str) -> tuple[int, ...]:
    found: list[int] = []
    for part in text.lower().split(","):
        ends = [WEEKDAYS.index(day.strip()) for day in part.split("-")]
        span = (ends[-1] - ends[0]) % 7
        found += [(ends[0] + step) % 7 for step in range(span + 1)]
    return tuple(sorted(set(found)))


def _format_quiet(value: Quiet) -> str:
    end = "24:00" if value.end == time(0) else f"{value.end:%H:%M}"
    days = "" if len(value.days) == 7 else ",".join(WEEKDAYS[day] for day in value.days) + " "
    return f"{days}{value.start:%H:%M}-{end}"


QuietHours = Annotated[
    Quiet,
    BeforeValidator(_parse_quiet),
    PlainSerializer(_format_quiet, return_type=str),
    WithJsonSchema({"type": "string", "examples": ["22:00-06:00", "sat-sun 00:00-24:00"]}),
]


class OwnGuardSpec(OwnSpec):
    """A guard of the team's own, of the entry points' group `ratoon.guards`."""


OwnGuards = tuple[Annotated[OwnGuardSpec, BeforeValidator(named, json_schema_input_type=str | OwnGuardSpec)], ...]


def _hash(part: Part) -> str:
    return hashlib.sha256(part.model_dump_json(exclude_defaults=True, by_alias=True).encode()).hexdigest()


class Rule(Part):
    """One rule: a CEL condition, what to do, and the guards that may hold it back."""

    former: ClassVar[Mapping[str, str]] = {"rungs": "strategies"}
    rungs: ClassVar[property] = former_attribute("rungs", "strategies")

    when: str = Field(description="CEL condition over the documented variables")
    do: Literal["hold", "alert", "warm_start", "full_retrain", "roll_back"] = Field(
        description="What to do where the condition holds and no guard speaks against it"
    )
    persist: KofN | None = Field(None, description="Windows in which the condition must have held, such as `2 of 3`")
    cooldown: Duration | None = Field(None, description="Least time since the champion was trained or a run started")
    budget: Budget | None = Field(None, description="Most runs in a stretch of time")
    cost: CostBudget | None = Field(None, description="Most CPU time or money spent in a stretch of time")
    back_off: Annotated[BackOff | None, BeforeValidator(_parse_back_off)] = Field(
        None, description="Wait after a refused or rejected challenger, such as 2d; doubled with each in a row"
    )
    quiet: Annotated[tuple[QuietHours, ...], BeforeValidator(lambda v: v if isinstance(v, list | tuple) else (v,))] = (
        Field((), description="Hours in which it does not fire, such as 22:00-06:00 (UTC); one, or a list")
    )
    min_rows: int | None = Field(
        None,
        ge=1,
        le=MOST_ROWS,
        description="Least labelled rows that the run would be the first to learn: behind the candidate that an update "
        "goes on from, else behind the champion",
    )
    growth: float | None = Field(
        None,
        gt=1,
        le=1_000_000,
        description="Least labelled rows that the champion has not learned, as a multiple of those at the last "
        "candidate after it, whatever became of that, such as 1.5; the first candidate does not wait",
    )
    own: OwnGuards = Field((), description="Guards of the team's own, which may hold it back too; see *extend*")
    strategies: tuple[Strategy, ...] | None = Field(
        None,
        min_length=1,
        serialization_alias="rungs",  # in hashes alone: those of earlier releases stand in ledgers
        description="Those of `learner.strategies` that a warm_start tries; left out: all of them",
    )

    @property
    def content_hash(self) -> str:
        """8 hex characters: a hash over every key that is not at its default, so that new keys change no hash."""
        return _hash(self)[:8]

    @model_validator(mode="after")
    def _only_a_warm_start_has_strategies(self) -> Rule:
        if self.strategies is not None and self.do != "warm_start":
            raise ValueError(f"`strategies` has a meaning only with `do: warm_start`, found `do: {self.do}`")
        return self

    @field_validator("when")
    @classmethod
    def _not_blank(cls, value: str) -> str:
        if not value.strip():
            raise ValueError('expected a condition, such as triage == "harm"')
        return value.strip()


# What was learned in the background is promoted once it is proven to gain. Harm alone starts no run: it says that what
# was served fell, not that anything better is to be had, and every evaluation tries to make something better anyway.
DEFAULT_POLICY: tuple[Rule, ...] = (
    Rule(when='triage == "broken_data"', do="alert"),
    Rule(when="gain.pays", do="warm_start"),
    Rule(when='triage == "harm"', do="alert"),
)
# A regime that returns is answered by a pointer move, without training. Only where promotion is automatic: elsewhere a
# person moves the alias.
BACK = Rule(when="gain.earlier_low > 0.0 && !(has(gain.value) && gain.value > gain.earlier)", do="roll_back")


def default_policy(review: str) -> tuple[Rule, ...]:
    """`DEFAULT_POLICY`, with `BACK` behind its first rule where *review* is `automatic`."""
    first, *others = DEFAULT_POLICY
    return (first, BACK, *others) if review == "automatic" else DEFAULT_POLICY


class GainSpec(Part):
    """When a proven gain counts."""

    tolerance: float = Field(
        0.0, ge=0, description="Gain that is too small to act on, in the metric's unit; its interval must lie above"
    )


class TriageSpec(Part):
    """When a loss is called harm."""

    persist: KofN = Field(
        Persist(k=2, n=3), description="Windows in which the loss must have been measured, this one included"
    )


class CostsSpec(Part):
    """What training and errors cost; without it the `cost` variables have no value."""

    currency: str = Field("EUR", max_length=8, description="Shown beside amounts of money; nothing is converted")
    cpu_hour: float = Field(ge=0, description="Price of an hour of CPU time")
    run: float = Field(0.0, ge=0, description="Fixed price of one training run: a reviewer's time, say")
    error: float = Field(
        ge=0, description="Price, for one prediction, of a loss of 1 in the metric (for mae: of being 1 further off)"
    )
    cpu_seconds: float | None = Field(
        None, ge=0, description="CPU seconds to expect of one training run; left out: measured on earlier runs"
    )


class Policy(Part):
    """All that decides beside signals and history: two equal policies decide alike, so that its hash names it."""

    rules: tuple[Rule, ...]
    triage: TriageSpec = TriageSpec()
    share: float | Adaptive = 0.3
    tolerance: float | Adaptive = 0.0
    estimate: EstimateMode = "advise"
    costs: CostsSpec | None = None
    gain_tolerance: float = 0.0
    metric: str
    relative: bool | None = None  # whether a loss is a share of the reference; None: as Ratoon's metric of that name
    every: Duration
    abandon_after: Duration = timedelta(hours=2)

    @property
    def version(self) -> str:
        """12 hex characters: a hash over every part that is not at its default, so that new parts change no hash."""
        return _hash(self)[:12]

    @property
    def is_relative(self) -> bool:
        """Whether a loss in the metric is a share of the reference."""
        return self.metric in RELATIVE if self.relative is None else self.relative

    @property
    def rule_ids(self) -> tuple[str, ...]:
        """Each rule's id, in the order of the rules: its number, from 1, and its content's hash, as `2-0a1b2c3d`."""
        return tuple(f"{number}-{rule.content_hash}" for number, rule in enumerate(self.rules, start=1))

    def find_rule(self, rule_id: str) -> Rule | None:
        """The rule of that id; if its number has changed since, the first with the same content. None: no such rule."""
        if rule_id in (ids := self.rule_ids):
            return self.rules[ids.index(rule_id)]
        content = rule_id.partition("-")[2]
        return next((rule for rule in self.rules if rule.content_hash == content), None)
