"""What a backtest comes to: the policy against every other arm, and what to do about it.

Pure: results in, values out. Each advice has a code for programs and a sentence for people.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from ..pages.words import metric, plural, rounded
from ..spec.values import Value
from .compared import Difference, best_fixed, compared
from .results import ArmResult, Backtest, Kind

Code = Literal[
    "few_stretches",
    "never_fired",
    "default_better",
    "default_no_better",
    "never_better",
    "never_as_good",
    "warm_better",
    "warm_as_good",
    "fixed_better",
    "gate_refuses_better",
    "fires_always",
    "policy_pays",
]

DEFAULT = "default policy"  # the arm that is added if the spec's own rules never held

_ALWAYS = 0.9  # of the evaluations: a policy that fires as often chooses no moments
_CHEAPER = 0.5  # of the policy's CPU: what is as good for less than that is worth saying


class Advice(Value):
    """One thing that the figures say about the policy."""

    code: Code
    text: str


class Findings(Value):
    """The first policy of a backtest beside all other arms.

    *differences*: by the arm's name, how the policy compares with it, stretch by stretch; the oracle is no rival and
    is left out. *best_fixed* names the best of never, warm and both from scratch in hindsight. *advice*: the most
    important first.
    """

    policy: str | None
    best_fixed: str | None
    differences: dict[str, Difference] = Field(default_factory=dict)
    advice: tuple[Advice, ...] = ()


def findings(found: Backtest) -> Findings:
    """What *found* says of its first policy; empty where it has none."""
    main = main_policy(found)
    best = best_fixed(found.arms, found.greater_is_better)
    if main is None:
        return Findings(policy=None, best_fixed=best.name if best else None)
    against = {
        arm.name: compared(found.greater_is_better, main, arm)
        for arm in found.arms
        if arm is not main and arm.kind != "oracle" and len(arm.steps) == len(main.steps)
    }
    return Findings(
        policy=main.name,
        best_fixed=best.name if best else None,
        differences=against,
        advice=tuple(_advice(found, main, best, against)),
    )


def refusals(found: Backtest) -> str:
    """`The gate refused 3 of the 4 updates that were better …`; nothing where no update was."""
    main = main_policy(found)
    if main is None or not main.better_updates:
        return ""
    counted = f"{main.refused_better} of the {main.better_updates}"
    return f"The gate refused {counted} updates that were better on the rows to come."


def main_policy(found: Backtest) -> ArmResult | None:
    """The arm that the findings are about: the first policy."""
    return next((arm for arm in found.arms if arm.kind == "policy"), None)


def _advice(
    found: Backtest, main: ArmResult, best: ArmResult | None, against: dict[str, Difference]
) -> Iterator[Advice]:
    known = [each for each in against.values() if each.low == each.low]
    if against and not known:
        text = "Too few stretches to tell the arms apart: look more often (`--every`), or back over a longer time."
        yield Advice(code="few_stretches", text=text)
    if not main.runs:
        looks = plural(max(len(main.steps) - 1, 0), "evaluation")
        yield Advice(code="never_fired", text=f"Your rules never held: no training was started in {looks}.")
        yield from _default(found, against)
    simpler = _simpler(found, main, best, against)
    if simpler is not None:
        yield simpler
    if main.better_updates >= 3 and main.refused_better * 2 >= main.better_updates:
        yield Advice(
            code="gate_refuses_better",
            text=f"{refusals(found)} It asks too much of this stream: see `gate.anchor` and `gate.recent`.",
        )
    if main.runs and main.fired_share >= _ALWAYS:
        yield Advice(
            code="fires_always",
            text=f"The policy fired at {main.fired_share:.0%} of the evaluations: it chooses no moments.",
        )
    if main.runs and simpler is None and known:
        yield Advice(code="policy_pays", text="No simpler strategy was as good for less: the policy pays.")


def _default(found: Backtest, against: dict[str, Difference]) -> Iterator[Advice]:
    """What the default policy would have done in place of rules that never held."""
    arm = _of(found, "policy", DEFAULT)
    if arm is None or arm.name not in against:
        return
    other = against[arm.name]
    better = other.verdict == "loses_to"
    text = f"The default policy would have started {plural(arm.runs, 'training')} for {rounded(arm.cpu.total)} CPU "
    text += f"seconds: {found.metric} {metric(arm.quality.value)}, "
    text += f"better by {metric(-other.value)} a stretch." if better else "which is not provably better."
    yield Advice(code="default_better" if better else "default_no_better", text=text)


def _simpler(found: Backtest, main: ArmResult, best: ArmResult | None, against: dict[str, Difference]) -> Advice | None:
    """The simplest strategy that was better than the policy, or as good for much less; None where there is none."""
    if not main.runs:
        return None
    never, warm = _of(found, "never"), _of(found, "warm")
    if never is not None and (told := _told(against.get(never.name))):
        return Advice(
            code="never_better" if told == "better" else "never_as_good",
            text=f"Never retraining was {told}: {metric(never.quality.value)}, for nothing, where the policy took "
            f"{rounded(main.cpu.total)} CPU seconds.",
        )
    if warm is not None and (told := _told(against.get(warm.name))):
        better = told == "better"
        if better or warm.cpu.total <= _CHEAPER * main.cpu.total:
            return Advice(
                code="warm_better" if better else "warm_as_good",
                text=f"Plain warm start at every evaluation was {told} for {_share(warm, main)} of the CPU.",
            )
    if best is not None and _told(against.get(best.name)) == "better":
        return Advice(
            code="fixed_better",
            text=f"The best fixed strategy ({best.name}) was better by {metric(-against[best.name].value)} a stretch, "
            f"for {_share(best, main)} of the CPU.",
        )
    return None


def _told(policy_against: Difference | None) -> Literal["better", "as good"] | None:
    """What a rival was to the policy; None where it was worse, or nothing can be told."""
    if policy_against is None or policy_against.low != policy_against.low:
        return None
    if policy_against.verdict == "beats":
        return None
    return "better" if policy_against.verdict == "loses_to" else "as good"


def _share(arm: ArmResult, of: ArmResult) -> str:
    """`1/10` where it is cheaper, `3.2 times that` where it is dearer."""
    if of.cpu.total <= 0 or arm.cpu.total <= 0:
        return f"{rounded(arm.cpu.total)} instead of {rounded(of.cpu.total)} seconds"
    ratio = arm.cpu.total / of.cpu.total
    return f"1/{1 / ratio:.2g}" if ratio < 0.95 else f"{ratio:.2g} times that"


def _of(found: Backtest, kind: Kind, name: str | None = None) -> ArmResult | None:
    return next((arm for arm in found.arms if arm.kind == kind and name in (None, arm.name)), None)
