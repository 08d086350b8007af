"""The page's table of arms, and what its columns and arms mean."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ..pages.words import UNKNOWN, known, rounded
from .findings import findings
from .page_words import in_short, interval
from .results import ArmResult, Backtest, Kind


@dataclass(frozen=True)
class Column:
    """One figure of an arm. *better* is 1 where more is better, -1 where less is, 0 where neither.

    *effort* says that an arm gets it right by doing nothing: the best is looked for among those that trained.
    """

    title: str
    meaning: str
    value: Callable[[ArmResult], float | None]
    text: Callable[[ArmResult], str]
    better: int = -1
    effort: bool = False


@dataclass(frozen=True)
class Cell:
    text: str
    best: bool


def rows(found: Backtest) -> list[tuple[ArmResult, list[Cell]]]:
    """Each arm with its cells, in the order of `columns`."""
    drawn = columns(found)
    marked = [_best(column, found.arms) for column in drawn]
    return [
        (arm, [Cell(c.text(arm), arm.name in best) for c, best in zip(drawn, marked, strict=True)])
        for arm in found.arms
    ]


def _best(column: Column, arms: tuple[ArmResult, ...]) -> set[str]:
    """The names of the best, the oracle aside; none where there is no choice."""
    rivals = [arm for arm in arms if arm.kind != "oracle" and not (column.effort and not arm.runs)]
    values = {arm.name: value for arm in rivals if (value := known(column.value(arm))) is not None}
    if column.better == 0 or len(values) < 2 or len(set(values.values())) < 2:
        return set()
    most = max(values.values(), key=lambda value: column.better * value)
    return {name for name, value in values.items() if value == most}


def _judged(arm: ArmResult) -> bool:
    return any(step.helps is not None for step in arm.steps)


def _harm(arm: ArmResult) -> str:
    share = f" ({arm.harm_days / arm.days:.1%})" if known(arm.harm_days) is not None and arm.days > 0 else ""
    return f"{rounded(arm.harm_days)} d{share}" if known(arm.harm_days) is not None else UNKNOWN


def _share(value: float) -> str:
    return UNKNOWN if known(value) is None else f"{value:.0%}"


def columns(found: Backtest) -> list[Column]:
    """The columns of the table: how well, how often, for what, and with what harm."""
    return [*_quality(found), *_runs(), *_cost(found), _time_in_harm(), *_in_hindsight()]


def _quality(found: Backtest) -> Iterator[Column]:
    """The metric; the policy against it only if there is a policy with rivals."""
    said = findings(found)
    yield Column(
        found.metric,
        "quality of what served, each moment by the version of that moment, over all labels that ever arrived; "
        "in brackets the 95% bootstrap interval.",
        lambda arm: arm.quality.value,
        lambda arm: interval(arm.quality),
        better=1 if found.greater_is_better else -1,
    )
    if said.policy is None or not said.differences:
        return
    yield Column(
        "policy against it",
        "the first policy beside this arm, stretch by stretch: the mean difference weighted by rows (positive is "
        "better for the policy) with its 95% interval, a bootstrap over stretches.",
        lambda arm: None,
        lambda arm: in_short(said.differences.get(arm.name)),
        better=0,
    )


def _runs() -> Iterator[Column]:
    yield Column(
        "fired", "share of the evaluations that asked for a training.",
        lambda arm: arm.fired_share, lambda arm: _share(arm.fired_share), better=0,
    )  # fmt: skip
    yield Column(
        "runs", "trainings started after the first version.",
        lambda arm: arm.runs, lambda arm: str(arm.runs), effort=True,
    )  # fmt: skip
    yield Column(
        "registered", "runs that gave a new version.",
        lambda arm: arm.registered, lambda arm: str(arm.registered), better=0,
    )  # fmt: skip


def _cost(found: Backtest) -> Iterator[Column]:
    """CPU time; money only if the spec has prices."""
    yield Column(
        "CPU seconds", "all that the arm ran at its evaluations: reading, monitors, deciding, learning, judging. "
        "Left out for all arms alike: the first version, which they share, predicting for users, and what only "
        "judges an arm in hindsight.",
        lambda arm: arm.cpu.total, lambda arm: rounded(arm.cpu.total), effort=True,
    )  # fmt: skip
    yield Column(
        "of them learning", "what candidates took to learn, refused ones included.",
        lambda arm: arm.cpu.learning, lambda arm: rounded(arm.cpu.learning), effort=True,
    )  # fmt: skip
    yield Column(
        "of them judging", "what the gate took.",
        lambda arm: arm.cpu.judging, lambda arm: rounded(arm.cpu.judging), better=0,
    )  # fmt: skip
    if found.currency:
        yield Column(
            f"money, {found.currency}", "all CPU time, runs and errors, at the prices in the spec's costs.",
            lambda arm: arm.money, lambda arm: rounded(arm.money),
        )  # fmt: skip


def _time_in_harm() -> Column:
    return Column(
        "time in harm",
        "days, and share of the span, in stretches in which the metric had fallen by more than the spec's "
        f"tolerance from the first version's baseline. {UNKNOWN}: no stretch held enough labels.",
        lambda arm: arm.harm_days,
        _harm,
    )


def _in_hindsight() -> Iterator[Column]:
    """What labels say later of runs, of evaluations without one, and of what the gate let go."""
    yield Column(
        "false runs",
        "runs after which the next stretch was not provably better than it would have been without. "
        f"{UNKNOWN}: not judged for this arm.",
        lambda arm: arm.false_runs if _judged(arm) else None,
        lambda arm: str(arm.false_runs) if _judged(arm) else UNKNOWN,
        effort=True,
    )
    yield Column(
        "missed runs",
        "evaluations without a run where an update, tried in hindsight, made the next stretch provably better.",
        lambda arm: arm.missed_runs if _judged(arm) else None,
        lambda arm: str(arm.missed_runs) if _judged(arm) else UNKNOWN,
    )
    yield Column(
        "refused, though better",
        "of the updates that were provably better on the rows to come, those that the gate refused. Where the "
        "refused one was not kept, a plain warm start on the same rows stands for it.",
        lambda arm: arm.refused_better if arm.better_updates else None,
        lambda arm: f"{arm.refused_better} of {arm.better_updates}" if arm.better_updates else UNKNOWN,
    )
    yield Column(
        "promoted, hurt",
        "promoted versions, and how many of them were provably worse while they served than the version which they "
        "replaced, by intervals that hold for all of them together.",
        lambda arm: arm.hurt,
        lambda arm: f"{arm.promoted}, {UNKNOWN if arm.hurt is None else arm.hurt}",
        effort=True,
    )


_ARMS: list[tuple[tuple[Kind, ...], str, str]] = [
    (("policy",), "policy", "Ratoon with the rules of the spec, or of another file, through the same code as live."),
    (
        ("uniform",),
        "uniform",
        "as many runs as the policy, evenly spread. It asks the monitors too, so that at any moment its ladder and "
        "gate ask what they would ask of the policy: what is left is when.",
    ),
    (("never",), "never", "the first version serves for ever."),
    (
        ("scratch_sliding", "scratch_all"),
        "schedule, scratch",
        "as a cron job does: trained anew on a sliding stretch or on all history, with no holdout kept, so on more "
        "rows than Ratoon may learn; no gate; serves at once.",
    ),
    (("warm",), "schedule, warm", "the serving version is continued on new rows; no gate; serves at once."),
    (
        ("oracle",),
        "oracle",
        "greedy: at each evaluation it takes what serves best in the next stretch, by labels that nobody has yet. That "
        "need not be the best sequence. It is no rival, so it is never marked as best.",
    ),
    (("other",), "others", "rules from elsewhere, in the policy's place."),
]


def meanings(found: Backtest) -> dict[str, list[tuple[str, str]]]:
    """What the table's columns and the arms in it mean."""
    kinds = {arm.kind for arm in found.arms}
    return {
        "columns": [(column.title, column.meaning) for column in columns(found)],
        "arms": [(name, text) for of, name, text in _ARMS if kinds & set(of)],
    }
