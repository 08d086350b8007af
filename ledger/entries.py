"""What the ledger hands out beside decisions and signals."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, ClassVar, Literal

from ..former import moved
from ..spec.former_keys import former_attribute
from ..spec.run_record import RunRecord
from ..spec.values import Outcome, Value, Verdict

# `ungated`: the alias was found on a version that no gate passed; `put_back`: back from there, or from nowhere.
PromotionKind = Literal["first", "promotion", "roll_back", "ungated", "put_back"]
Done = Literal["flagged", "put_back"]
# `explained`: the reason of a rejection that was known before it.
ReviewVerdict = Literal["rejected", "approved", "explained"]


class Outlying(Value):
    """Rows of a look with a *column* outside of *low* … *high* are kept out of training and judging."""

    column: str
    low: float
    high: float


class Evaluation(Value):
    """A window that was looked at, as far as a later training must know it."""

    at: datetime
    start: datetime  # of the window
    verdict: Verdict
    failed: frozenset[str] = frozenset()  # quality metrics that failed, of a look at broken data
    lasting: frozenset[str] = frozenset()  # quality metrics that would have, but for the windows before
    outlying: tuple[Outlying, ...] = ()  # rows that are impossible, each by itself
    accepted: bool = False  # a person declared its window sound

    @property
    def holds_back(self) -> bool:
        """Whether rows of its window stay out, all of them or some."""
        return not self.accepted and (self.verdict == "broken_data" or bool(self.outlying))


class TrainingRun(Value):
    """A training run's claim on its model. *at* is decision time, *claimed_at* wall time.

    *outcome* is how it had ended when it was handed out, with the *version* that came of it: None while it is
    under way. *holder* names the process that it was handed out to, which must renew the claim's lease.
    """

    landed: ClassVar[property] = former_attribute("landed", "outcome")
    taken_off: ClassVar[property] = former_attribute("taken_off", "claimed_at")

    model: str
    number: int
    decision: str
    at: datetime
    claimed_at: datetime
    run: str | None = None
    outcome: Outcome | None = None
    version: str | None = None
    holder: str = ""

    def __str__(self) -> str:
        return f"training run {self.number} of {self.model} (decision {self.decision})"


class Claim(Value):
    """Who works at a model just now, and until when its lease lasts (wall time); *held* unless that has passed."""

    holder: str
    number: int
    until: datetime
    held: bool


def ended(outcome: str, version: str | None, candidate: str | None) -> tuple[str, str | None]:
    """How a training run ended, in words, and the version that came of it, proven or to be gone on from."""
    return ("unproven", candidate) if candidate else (outcome.replace("_", " "), version)


def told(words: str, version: str | None) -> str:
    """`registered v3`, `refused`, or `unproven v4`."""
    return f"{words} v{version}" if version else words


class UpdateRow(Value):
    """A training run from its start to its end, as people read it; `running` has no end yet."""

    taken_off: ClassVar[property] = former_attribute("taken_off", "claimed_at")

    model: str
    number: int
    decision: str
    at: datetime
    claimed_at: datetime
    run: str | None = None
    outcome: Outcome | Literal["running"] = "running"
    version: str | None = None
    rows: int = 0
    cpu_seconds: float = 0.0
    watermark: datetime | None = None
    ended_at: datetime | None = None
    evidence: RunRecord = RunRecord()

    @property
    def left(self) -> tuple[str, str | None]:
        """How it ended, in words, and the version that came of it, proven or to be gone on from."""
        return ended(self.outcome, self.version, self.evidence.candidate)

    @property
    def became(self) -> str:
        """`registered v3`, `refused`, or `unproven v4`."""
        return told(*self.left)


class Promotion(Value):
    """The champion alias moved from *previous* to *version*."""

    model: str
    version: str
    previous: str | None
    at: datetime
    kind: PromotionKind
    actor: str
    reason: str
    decision: str | None = None


class Catch(Value):
    """The alias `champion` was found on a version that no gate passed, or gone (*version* None).

    *previous* served before; *done* is what Ratoon did: said it, or moved the alias back to *previous*.
    """

    model: str
    version: str | None
    previous: str | None
    at: datetime
    done: Done
    actor: str
    reason: str


class Swap(Value):
    """A replica of `ratoon serve` began to serve *version* at *at*, or refused it and went on with *previous*.

    *replica* names host and process; *reason* why it was refused.
    """

    model: str
    version: str
    previous: str | None
    at: datetime
    replica: str
    done: Literal["served", "refused"]
    reason: str = ""


class Acceptance(Value):
    """Somebody declared the windows of the looks from *start* to *until*, called broken, to be sound."""

    model: str
    start: datetime
    until: datetime
    at: datetime
    actor: str
    reason: str


class Review(Value):
    """What a reviewer said of a version."""

    model: str
    version: str
    verdict: ReviewVerdict
    at: datetime
    actor: str
    reason: str
    decision: str | None = None


if not TYPE_CHECKING:  # mypy knows no former names, and so every misspelt one
    __getattr__ = moved(__name__)
