"""The gate's answer as values: kept as JSON in the ledger and beside the version, and read back equal."""

from __future__ import annotations

from typing import Literal, TypedDict

from ...spec.former_keys import accepts_former
from ...spec.values import Value

Ruling = Literal["passed", "refused", "unsure", "absent", "reported"]
_LETS_THROUGH = ("passed", "absent", "reported")


class Gain(Value):
    """The candidate's gain over the champion on the same rows; positive is better, NaN where undefined."""

    value: float
    low: float
    high: float


class Bounds(Value):
    """What a check measured, with its interval where it has one; larger is worse."""

    value: float
    low: float | None = None
    high: float | None = None


class Priced(Value):
    """What an older stratum's loss was priced by, beyond what a fixed *margin* would allow.

    *chance*: that what the candidate loses on comes again. *alike*: the share of older rows that recent ones look like,
    *still*: the share of the loss that is found on those; *left*, *back*: how often the stream left what it loses on,
    and came back. *lost*: the gain there; *expected*: the gain on the rows to come; both as a share of the champion's
    value where the metric has a scale.
    """

    chance: float
    alike: float
    still: float
    left: int
    back: int
    lost: float
    expected: Gain
    margin: float


class Stratum(Value):
    """The verdict on one stratum or slice: both values, the gain's interval, what was needed, and the reason.

    *name* is `recent`, `anchor`, or `recent/NAME` and `anchor/NAME` for a slice. *refuted* says of a refusal that these
    rows speak against the candidate; otherwise they only do not prove it. *priced*: of an anchor without a fixed
    margin, where one would have refused the candidate.
    """

    name: str
    rows: int
    champion: float | None = None
    candidate: float | None = None
    gain: Gain | None = None
    needed: str
    verdict: Ruling
    reason: str
    refuted: bool = True
    priced: Priced | None = None

    @property
    def passed(self) -> bool:
        """`absent` passes: it is given only where no older holdout row is held against it. So does `reported`."""
        return self.verdict in _LETS_THROUGH

    @property
    def of_anchor(self) -> bool:
        """Whether its rows are older ones."""
        return self.name.split("/")[0] == "anchor"


class OfStratum(TypedDict, total=False):
    """What was measured for a `Stratum`, as far as it came to that."""

    champion: float
    candidate: float
    gain: Gain


class Check(Value):
    """The verdict on something beside the metric: what it was for both, what was judged, and the reason.

    *name* is `flips`, `calibration`, `bias`, `latency` or `size`; *of* the stratum, None for what has none. *judged* is
    the share of negative flips, the rise of the error, or the ratio to the champion: larger is worse.
    """

    name: str
    of: str | None = None
    rows: int = 0
    champion: float | None = None
    candidate: float | None = None
    judged: Bounds | None = None
    needed: str
    verdict: Ruling
    reason: str

    @property
    def passed(self) -> bool:
        """Whether it lets the candidate through; what the spec sets no margin for is `reported`, and does."""
        return self.verdict in _LETS_THROUGH

    @property
    def label(self) -> str:
        """`flips of recent`, `latency`."""
        return f"{self.name} of {self.of}" if self.of else self.name


class OfCheck(TypedDict, total=False):
    """What was measured for a `Check`, as far as it came to that."""

    champion: float
    candidate: float
    judged: Bounds


class GateResult(Value):
    """The gate's answer; *passed* only if every stratum, slice and check lets the candidate through.

    *strata* starts with `recent`. *tries* counts the candidates judged on these rows so far, this one included.
    *prequential* of the recent rows are no holdout rows: what an earlier candidate of the line said of them before it
    learned them was judged.
    """

    metric: str
    confidence: float
    strata: tuple[Stratum, ...]
    checks: tuple[Check, ...] = ()
    tries: int = 1
    _former = accepts_former(foretold="prequential")
    prequential: int = 0

    @property
    def level(self) -> float:
        """The confidence of each interval: the error rate is shared among the tries (Bonferroni)."""
        return level_of(self.confidence, self.tries)

    @property
    def passed(self) -> bool:
        return all(each.passed for each in self._parts)

    @property
    def promising(self) -> bool:
        """Not passed, yet nothing speaks against it: more rows may prove it."""
        refused = [each for each in self._parts if each.verdict == "refused"]
        return not self.passed and not any(isinstance(each, Check) or each.refuted for each in refused)

    @property
    def waits(self) -> bool:
        """Promising, and time may tell: recent rows are wanting, of which there will be more, or no candidate could be
        judged. Where only older rows that show a loss stand against it, these do not become more, and another strategy
        may lose less.
        """
        open_ = [each for each in self.strata if not each.passed]
        return self.promising and not all(each.of_anchor and each.verdict == "refused" for each in open_)

    @property
    def _parts(self) -> tuple[Stratum | Check, ...]:
        return (*self.strata, *self.checks)

    @property
    def text(self) -> str:
        """The reasons of all strata, and of all checks that were judged, in one sentence each."""
        said = [f"{s.name}: {s.reason}." for s in self.strata]
        said += [f"{c.label}: {c.reason}." for c in self.checks if c.verdict != "reported"]
        if self.prequential:
            said.append(
                f"{self.prequential:,} of the recent rows were predicted by the candidate before it learned them."
            )
        if self.tries > 1:
            said.append(f"Candidate {self.tries} on these rows, so judged by intervals of {in_percent(self.level)}.")
        return " ".join(said)


def level_of(confidence: float, tries: int) -> float:
    """*confidence* with its error rate shared among *tries* looks at the same rows.

    Bonferroni's inequality (Dunn, Multiple Comparisons Among Means, 1961): each look errs at most this seldom.
    """
    return 1 - (1 - confidence) / tries


def in_percent(level: float) -> str:
    """`95%`, `97.5%`, `98.33%`."""
    return f"{100 * level:.4g}%"
