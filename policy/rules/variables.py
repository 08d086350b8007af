"""The variables that rules may use: documented once, for CEL, for people and for the ledger.

Names with a dot are entries of a map. A variable that could not be measured is left out of its map: it
has no value in this window, a rule that needs it does not hold, and `has(performance.drop)` asks.
Values are plain JSON, so that the ledger can keep what the rules saw.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Variable:
    """A documented variable; *example* is of its CEL type and is what a rule is tried on by `check`."""

    type: str  # the CEL type, for people
    meaning: str
    example: str | float | list[str]


VARIABLES: Mapping[str, Variable] = {
    "triage": Variable("string", "the verdict: healthy, broken_data, harmless_shift, harm or unsure", "harm"),
    "new_rows": Variable("int", "labelled rows that the champion has not learned, holdout left out", 120),
    "performance.metric": Variable("string", "the metric that performance is measured by", "roc_auc"),
    "performance.value": Variable("double", "the champion's metric on matured labels", 0.71),
    "performance.low": Variable("double", "lower end of the interval around performance.value", 0.68),
    "performance.high": Variable("double", "upper end of the interval around performance.value", 0.74),
    "performance.reference": Variable("double", "the champion's lineage's baseline in that metric", 0.76),
    "performance.drop": Variable(
        "double",
        "loss against the reference, positive is worse; a share of it for mae, rmse, log_loss, distance, distortion",
        0.05,
    ),
    "performance.drop_low": Variable("double", "lower end of the interval around performance.drop", 0.02),
    "performance.drop_high": Variable("double", "upper end of the interval around performance.drop", 0.08),
    "performance.labels": Variable("int", "rows with matured labels that performance was measured on", 500),
    "performance.failing": Variable("bool", "the drop is above the tolerance, and its interval above zero", True),
    "performance.tolerance": Variable("double", "the loss that is no harm, fixed or from the model's history", 0.02),
    "estimate.metric": Variable("string", "the metric that is estimated without labels", "roc_auc"),
    "estimate.value": Variable("double", "the metric, estimated without labels from the model's confidence", 0.72),
    "estimate.low": Variable("double", "lower end of the interval around estimate.value", 0.69),
    "estimate.high": Variable("double", "upper end of the interval around estimate.value", 0.75),
    "estimate.drop": Variable("double", "as performance.drop, estimated without labels", 0.04),
    "estimate.drop_low": Variable("double", "lower end of the interval around estimate.drop", 0.03),
    "estimate.drop_high": Variable("double", "upper end of the interval around estimate.drop", 0.07),
    "estimate.failing": Variable("bool", "the drop is above the tolerance, and its interval above zero", True),
    "drift.share": Variable("double", "share of the watched columns that drifted, 0 to 1", 0.4),
    "drift.threshold": Variable("double", "share from which the window has drifted, fixed or from the history", 0.3),
    "drift.moved": Variable("bool", "drift.share reached drift.threshold and has not come back to 0.8 of it", True),
    "drift.columns": Variable("list(string)", "names of the columns that drifted", ["day", "period"]),
    "drift.score": Variable("double", "the highest drift score of a column", 0.31),
    "quality.failed": Variable("list(string)", "quality metrics that failed, such as missing_share", ["volume"]),
    "quality.columns": Variable("list(string)", "columns that failed a quality screen", ["day"]),
    "own.failed": Variable(
        "list(string)",
        "what monitors of your own found wrong, as monitor/metric; no value without such monitors",
        ["fuel/empty_tanks"],
    ),
    "gain.strategy": Variable(
        "string",
        "the strategy whose newest version would be promoted: the one that leads, or one whose gain is proven",
        "warm",
    ),
    "gain.value": Variable(
        "double", "what promoting its newest version would gain over the champion, a prediction, in the metric", 0.03
    ),
    "gain.low": Variable("double", "lower end of the interval around gain.value", 0.01),
    "gain.high": Variable("double", "upper end of the interval around gain.value", 0.05),
    "gain.rows": Variable("int", "labelled rows that gain.value was measured on, before they were learned", 1200),
    "gain.by": Variable(
        "string",
        "what says so: direct (against this champion) or record (against champions of some evaluations ago)",
        "direct",
    ),
    "gain.proven": Variable("bool", "gain.low lies above the tolerance of gain: promoting is proven to help", True),
    "gain.pays": Variable(
        "bool", "proven, and with prices also worth more than a run costs until it is expected to be replaced", True
    ),
    "gain.earlier": Variable("double", "what going back to the champion before would gain", -0.02),
    "gain.earlier_low": Variable("double", "lower end of the interval around gain.earlier", -0.05),
    "champion.version": Variable("string", "the champion's version in the registry", "3"),
    "champion.age_hours": Variable("double", "hours since the champion was trained", 30.5),
    "champion.serving_hours": Variable("double", "hours since the champion was promoted", 28.0),
    "last_run.age_hours": Variable("double", "hours since the last training run was started", 30.5),
    "last_run.outcome": Variable(
        "string", "how it ended: running, registered, refused, failed, abandoned, nothing_new or shadow", "registered"
    ),
    "last_run.gain": Variable("double", "what the gate measured of the challenger, in the metric's unit", 0.03),
    "last_run.cpu_seconds": Variable("double", "CPU seconds that the last training run took", 12.5),
    "back_off.refusals": Variable("int", "challengers refused or rejected in a row, the newest last", 1),
    "cost.cpu_seconds": Variable("double", "CPU seconds to expect of a training run, one significant digit", 10.0),
    "cost.training": Variable("double", "money that a training run would cost now", 0.12),
    "cost.gain": Variable("double", "money a day that retraining now is expected to win", 0.05),
    "cost.step": Variable("double", "money lost since the last evaluation that retraining would have saved", 0.05),
    "cost.waiting": Variable(
        "double", "such money lost since the last training run or promotion, and until the next evaluation", 0.2
    ),
    "cost.pays": Variable("bool", "waiting is dearer than training: cost.waiting >= cost.training", True),
    "score.acting": Variable("double", "share of the last 20 scored acts that were right, even ones count half", 0.8),
    "score.acted": Variable("int", "how many acts that share is over", 5),
    "score.waiting": Variable("double", "share of the last 20 scored waits that were right, even ones count half", 0.9),
    "score.waited": Variable("int", "how many waits that share is over", 20),
    "fleet.alarm": Variable(
        "bool", "the model is worse than it may be, proven with at most 5% false alarms over all models looked at", True
    ),
    "fleet.e_value": Variable("double", "the evidence for that: 1 is none, 20 enough for a model by itself", 25.0),
    "fleet.models": Variable("int", "how many models the alarm is held against, this one included", 40),
    "window.rows": Variable("int", "rows of the current window that the monitors saw", 1000),
    "window.hours": Variable("double", "length of the current window", 168.0),
}


def nested(known: Mapping[str, object]) -> dict[str, object]:
    """Dotted names as maps, in the documented order; names whose value is None are left out."""
    tree: dict[str, object] = {}
    branches: dict[str, dict[str, object]] = {}
    for name in VARIABLES:
        root, _, leaf = name.partition(".")
        if leaf and root not in branches:
            tree[root] = branches[root] = {}
        if (value := known.get(name)) is None:
            continue
        if leaf:
            branches[root][leaf] = value
        else:
            tree[root] = value
    return tree


def value_of(name: str, seen: Mapping[str, object]) -> Any | None:
    """The value of the variable *name* in nested facts, None where it has none."""
    root, _, leaf = name.partition(".")
    branch = seen.get(root)
    return branch if not leaf else branch.get(leaf) if isinstance(branch, Mapping) else None
