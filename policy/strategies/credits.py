"""What each strategy has earned, and what promoting its newest version would gain.

A *strategy* is a way to learn on: one of the ladder, or going back to the champion before (`earlier`). Each is
an expert in the sense of prediction with expert advice (Littlestone and Warmuth, "The weighted majority algorithm",
1994; Herbster and Warmuth, "Tracking the best expert", Machine Learning 32, 1998): at every look its newest version is
scored on the newly labelled rows before it learns them (progressive validation: Blum, Kalai and Langford, COLT 1999),
and old scores count ever less. The one that is tried at every look, the *background candidate*, is the cheapest; the
others are tried at geometrically spaced looks, sooner after a win (successive halving: Jamieson and Talwalkar, AISTATS
2016).

Two questions are asked of the trials. *Which strategy leads*: the background candidate, unless another was better on
the same rows by `PREFERRED` standard errors. *What would promoting its newest version gain over the champion*: by the
trials against this very champion, whose interval holds at every look at once (anytime/normal.py), and, once a champion
was promoted, by the strategy's record: what its versions of the moment gained over a champion of `REFERENCE` looks
before. The record says whether this model's world moves and this strategy follows it. A single refresh seldom gains
more than one look's rows can prove, while all of them together do.

Pure: trials in, credits out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ...anytime.normal import Running
from ...spec.values import EARLIER, History, PastDecision, Trial, TrialRole
from ..past import whole

DISCOUNT = 0.9  # of a trial's weight, for each look since
REMEMBERED = 40  # looks, beyond which a trial weighs less than 2 %
PREFERRED = 1.5  # standard errors by which another strategy must beat the background candidate to lead
KEPT = 0.0  # and down to which one that leads goes on leading
PROVEN = 1.9  # standard errors of a record that is proven: of looks without any gain one in thirty errs
ALPHA = 0.2  # error of the interval against the present champion, two-sided, over all of its looks
REFERENCE = 4  # looks back to the champion that a record compares with
RECORD = 8  # looks that a record holds: what was won longer ago says little of what a refresh wins now
WON = 0.5  # standard errors from which a trial counts as won
LONGEST = 16  # looks between two tries of a strategy that keeps losing
DEAR = 4  # what the gap of one from scratch, which costs many times as much, grows by with each loss; of others: 2
CALM = 4  # looks between two tries of the background candidate while it gains nothing


@dataclass(frozen=True)
class Tried:
    """One trial, *age* looks ago (0: now)."""

    age: int
    trial: Trial


@dataclass(frozen=True)
class Credit:
    """A weighted mean gain with its standard *error* over *tries* trials of *rows* rows; NaN without any."""

    mean: float = math.nan
    error: float = math.nan
    rows: int = 0
    tries: int = 0

    @property
    def score(self) -> float:
        """The mean in standard errors; 0 where nothing is known."""
        if not self.tries or math.isnan(self.mean):
            return 0.0
        return self.mean / self.error if self.error > 0 else math.copysign(math.inf, self.mean) if self.mean else 0.0


@dataclass(frozen=True)
class Gain:
    """What promoting the newest version of *strategy* would gain, in the metric's unit, and what says so.

    *by* is `direct` (against this very champion, at all looks at once) or `record` (the strategy's earlier versions
    against the champions of their time).
    """

    strategy: str
    value: float
    low: float
    high: float
    rows: int
    by: str

    @property
    def proven(self) -> bool:
        """Whether the whole interval lies above zero."""
        return self.low > 0


def tried(history: History) -> tuple[Tried, ...]:
    """Every trial that counts, oldest first: those of this look, and of the looks before whose data was whole."""
    before = whole(history)[-REMEMBERED:]
    found = [Tried(len(before) - place, each) for place, look in enumerate(before) for each in look.trials]
    return (*found, *(Tried(0, each) for each in history.trials))


def credit(
    found: Sequence[Tried], strategy: str, role: TrialRole, *, against: str | None = None, discount: float = DISCOUNT
) -> Credit:
    """The credit of *strategy* against that *role* (only version *against* of it, where that is named)."""
    weight = total = spread = 0.0
    rows = tries = 0
    for each in found:
        trial = each.trial
        if (trial.strategy, trial.role) != (strategy, role) or against not in (None, trial.against):
            continue
        if not math.isfinite(trial.gain) or not math.isfinite(trial.variance):
            continue
        share = discount**each.age * trial.rows
        weight, total, spread = weight + share, total + share * trial.gain, spread + share**2 * trial.variance
        rows, tries = rows + trial.rows, tries + 1
    if weight <= 0:
        return Credit()
    return Credit(total / weight, math.sqrt(spread) / weight, rows, tries)


def leading(history: History, background: str) -> str:
    """The strategy that leads: *background*, unless another was better on the same rows.

    One that led at the last look goes on until the background candidate was better by as much: without that, two that
    are alike would take turns.
    """
    found = tried(history)
    last = next((look.leader for look in reversed(whole(history)) if look.leader), background)
    names = dict.fromkeys(each.trial.strategy for each in found if each.trial.strategy not in (background, EARLIER))
    able = [
        (known.mean, name)
        for name in names
        if (known := credit(found, name, "background")).score > (KEPT if name == last else PREFERRED)
    ]
    return max(able)[1] if able else background


def best_gain(history: History, *, floor: float = 0.0) -> Gain | None:
    """The gain of the strategy that leads, or of another whose gain is proven to exceed *floor* where that one's is
    not; None where no trial tells."""
    if history.leader is None:
        return None
    names = dict.fromkeys(each.trial.strategy for each in tried(history) if each.trial.strategy != EARLIER)
    known = [gain for name in names if (gain := gain_of(history, name, floor=floor)) is not None]
    proven = [gain for gain in known if gain.low > floor]
    own = next((gain for gain in known if gain.strategy == history.leader), None)
    if own in proven or not proven:
        return own
    return max(proven, key=lambda each: each.low)


def gain_of(history: History, strategy: str, *, floor: float = 0.0) -> Gain | None:
    """What promoting the newest version of *strategy* would gain over the champion; None where no trial tells.

    The better proven of the two intervals speaks; *floor* is a gain too small to count.
    """
    found = tried(history)
    answers = [each for each in (direct_gain(history, strategy), _record(found, history, strategy)) if each]
    if not answers:
        return None
    return max(answers, key=lambda each: (each.low > floor, each.by == "direct", each.low))


def direct_gain(history: History, strategy: str) -> Gain | None:
    """Against this champion, from its first trial on: all trials weigh alike, since nothing of them is chosen."""
    running = Running()
    for each in tried(history):
        trial = each.trial
        if (trial.strategy, trial.role, trial.against) == (strategy, "champion", history.champion):
            running = running.add(trial.rows, trial.gain, trial.variance, trial.telling)
    if running.rows <= 0:
        return None
    low, high = running.interval(ALPHA)
    return Gain(strategy, running.mean, low, high, int(running.rows), "direct")


def _record(found: Sequence[Tried], history: History, strategy: str) -> Gain | None:
    """Against the champions of some looks before; while none was replaced, against the one that there is.

    It is silent while the newest versions are no better than the present champion: what was won over earlier ones is
    had already; and while champions served worse, on the whole, than those before them would have: refreshes have not
    paid of late.
    Its interval holds at one look, not at all of them at once: of looks at which nothing is to be gained
    about one in thirty errs.
    """
    lately = [each for each in found if each.age < RECORD]
    now = credit(lately, strategy, "champion", against=history.champion)
    before = credit(lately, EARLIER, "champion")
    if (now.tries and now.mean <= 0) or (before.tries and before.mean > 0):
        return None
    known = credit(lately, strategy, "reference")
    if not known.tries:
        known = credit(lately, strategy, "champion", against=history.champion)
    if not known.tries or not math.isfinite(known.error):
        return None
    half = PROVEN * known.error
    return Gain(strategy, known.mean, known.mean - half, known.mean + half, known.rows, "record")


@dataclass(frozen=True)
class Effort:
    """When a strategy was last tried, and how often in a row it has not won since it last did; in looks.

    *dear*: it learns from scratch. *judged*: a trial has told since then what it made.
    """

    since: int | None
    losses: int = 0
    dear: bool = False
    judged: bool = True


def due(effort: Effort, *, every_look: bool, urgent: bool) -> bool:
    """Whether to try a strategy at this look: its gaps double while it loses.

    *every_look*: it is the background candidate, or leads. *urgent*: what is served fell, so that these two are tried
    at once, and the gaps of the others are half as long. What was made last is judged first, within `CALM` looks:
    where looks are close, or labels late, there are no rows yet that could tell it from what would be made now.
    """
    if effort.since is None or (urgent and every_look):
        return True
    if not effort.judged and effort.since < CALM:
        return False
    longest = CALM if every_look else LONGEST
    gap = 1
    for _ in range(effort.losses):
        gap = min(gap * (DEAR if effort.dear else 2), longest)
    return effort.since >= max(1, gap // 2 if urgent else gap)


def losses(found: Sequence[Tried], strategy: str, *, background: bool) -> int:
    """How many of the newest trials of *strategy* in a row were not won.

    Of the background candidate those against the champion or a reference count, of another those against the
    background candidate.
    """
    roles = ("champion", "reference") if background else ("background",)
    count = 0
    ages = sorted({each.age for each in found if each.trial.strategy == strategy and each.trial.role in roles})
    for age in ages:
        trials = [each.trial for each in found if each.age == age and each.trial.strategy == strategy]
        if any(each.role in roles and _won(each) for each in trials):
            break
        count += 1
    return count


def _won(trial: Trial) -> bool:
    if not math.isfinite(trial.gain) or not math.isfinite(trial.variance):
        return False
    return trial.gain > WON * math.sqrt(max(trial.variance, 0.0)) and trial.gain > 0


def older_gained(history: History) -> tuple[float, ...]:
    """What an older version gained over a newer one at each look that compared two, oldest first; NaN is left out.

    By it what a newer version has unlearned is known to come back, or not. At each look the former champion speaks,
    against the present one; where there is none, the present one does, against the first newer version that was tried.
    """
    gained: list[float] = []
    looked: list[Sequence[Trial]] = [look.trials for look in whole(history)]
    for trials in (*looked, history.trials):
        former = [each.gain for each in trials if each.strategy == EARLIER]
        newer = [-each.gain for each in trials if each.role == "champion" and int(each.version) > int(each.against)]
        gained += [each for each in [*former, *newer][:1] if math.isfinite(each)]
    return tuple(gained)


def reference_of(history: History, champion: str | None) -> str | None:
    """The champion of `REFERENCE` looks ago, else of the first look; None where that is the present one."""
    looks: list[PastDecision] = [look for look in whole(history) if look.champion is not None]
    if not looks:
        return None
    number = looks[-REFERENCE].champion if len(looks) >= REFERENCE else looks[0].champion
    return number if number != champion else None


def last_scored(history: History) -> datetime | None:
    """When trials were last made; None where they never were.

    Rows that are too few for a trial at one look count at the next: where looks are close they would never do.
    """
    return max((each.at for each in history.decisions if each.trials), default=None)
