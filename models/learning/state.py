"""The training state: all that a continued fit must know beside the estimator itself.

It travels as JSON inside the model version whose estimator it describes, so that the two cannot
disagree (invariant 1).
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import ClassVar

import numpy as np
import pandas as pd
from pydantic import Field

from ...spec.duration import format_duration
from ...spec.errors import ContractBroken
from ...spec.former_keys import accepts_former, former_attribute
from ...spec.keys.watching import OF_CLASSES, Task
from ...spec.model import Spec
from ...spec.values import Span, TrainedBy, Value
from ..estimators import Array, Classes
from .features import Feature, features_of
from .libraries import SERVING, installed

MODULUS = 2**61  # of fingerprints, as the data room's tally


class Accepted(Value):
    """The metric's value and interval on the holdout when the version was accepted.

    *ratio* with its interval: for a metric in the labels' unit, its share of the best constant's error in windows of
    the same rows (data/metrics/skill.py); None for others, and in states of before. *definition*: of a team's own
    metric, as `DeclaredMetric` has it; None for others.
    """

    value: float
    low: float
    high: float
    rows: int
    ratio: float | None = None
    ratio_low: float | None = None
    ratio_high: float | None = None
    definition: str | None = None

    @property
    def worst(self) -> float | None:
        """The worse end of *ratio*; None where there is none."""
        return self.ratio_high


class TrainingState(Value):
    """What one version has learned, how, and up to where.

    *accepted* is each metric on the recent holdout when this version was accepted; *baseline* the best level
    that its lineage has demonstrably held (by the worse end of the interval, so that a lucky small sample
    gives a low one): what a monitor holds the version against.

    *watermark* is the label arrival time of the newest learned row; *since* the open start of the
    learned history (None: all of it). *fingerprint* is the order-independent sum over the ids of every
    row learned along the lineage since the last first or scratch fit. *learned_rows* counts them.
    *updates* counts the updates since then, *base_rounds* the boosting rounds of that fit, once it was continued.
    *blocks* are the rounds of each block of a model that `warm_blocks` made, oldest first, and *shares* what each
    counts in their mean; empty for any other.

    *preprocessing* lists the steps and their classes, *optimiser* how far it has come, *vocabularies* the known
    categories of each category feature (see contract.py), *replay_rows* how many rows the reservoir holds; all must
    match before a fit continues, and are empty or None where nothing is known (an adopted version).
    *frozen_because* gives for each of *frozen_steps* the reason. *holdout* is the share of rows that its lineage never
    learned; None where it is not known. *mature_after* is the age that a row had to have for its label to count.
    """

    _former = accepts_former(rung="strategy", promise="baseline")
    rung: ClassVar[property] = former_attribute("rung", "strategy")
    promise: ClassVar[property] = former_attribute("promise", "baseline")

    family: str
    task: Task
    features: tuple[Feature, ...]
    classes: Classes = ()
    watermark: datetime
    since: datetime | None = None
    learned_rows: int
    fingerprint: int
    updates: int = 0
    strategy: TrainedBy
    parent: str | None = None
    seed: int
    epochs: int | None = None
    batch: int | None = None
    rounds: int | None = None
    base_rounds: int | None = None
    blocks: tuple[int, ...] = ()
    shares: tuple[float, ...] = ()
    updated_steps: tuple[str, ...] = ()
    frozen_steps: tuple[str, ...] = ()
    frozen_because: dict[str, str] = Field(default_factory=dict)
    notes: tuple[str, ...] = ()
    preprocessing: tuple[str, ...] = ()
    optimiser: str | None = None
    vocabularies: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    replay_rows: int | None = None
    holdout: float | None = None
    mature_after: timedelta = timedelta(0)
    likeliest: bool = False
    versions: dict[str, str] = Field(default_factory=dict)
    reference: Span | None = None
    profile: dict[str, object] | None = None
    accepted: dict[str, Accepted] = Field(default_factory=dict)
    baseline: dict[str, Accepted] = Field(default_factory=dict)

    def check(self, rows: pd.DataFrame) -> None:
        """Whether *rows* can continue this state; raises ContractBroken naming the exact difference.

        Column order is no difference: columns are taken by name. A column without any value has no
        kind to compare.
        """
        here = {f.name: f.kind for f in features_of(rows)}
        known = {f.name: f.kind for f in self.features}
        differences = [f"feature {name!r} is missing" for name in known if name not in here]
        differences += [f"feature {name!r} is new" for name in here if name not in known]
        differences += [
            f"feature {name!r} was {kind}, is {here[name]}"
            for name, kind in known.items()
            if name in here and here[name] != kind and rows[name].notna().any()
        ]
        if differences:
            raise ContractBroken(f"{'; '.join(differences)}: {ONLY_SCRATCH}")

    def check_classes(self, y: Array) -> None:
        """Raises ContractBroken where *y*, shape (n,), holds a class that this state never saw."""
        if self.task not in OF_CLASSES:
            return
        unseen = sorted({str(each) for each in np.unique(y) if each not in self.classes})
        if unseen:
            raise ContractBroken(
                f"class {', '.join(unseen)} in the rows is new (known: {', '.join(map(str, self.classes))}): "
                f"{ONLY_SCRATCH}"
            )

    def check_holdout(self, share: float) -> None:
        """Raises ContractBroken where another *share* of rows is held out than when this state learned: rows that it
        learned would be held against it, or rows that it passed by never be learned."""
        if self.holdout is not None and self.holdout != share:
            raise ContractBroken(f"data.holdout was {self.holdout:g} when it learned, is {share:g}: {ONLY_SCRATCH}")

    def check_mature_after(self, age: timedelta) -> None:
        """Raises ContractBroken where labels now count from another *age* on than when this state learned: its
        watermark, a label arrival, would have rows learned twice or never."""
        if self.mature_after != age:
            was, now = format_duration(self.mature_after), format_duration(age)
            raise ContractBroken(f"data.mature_after was {was} when it learned, is {now}: {ONLY_SCRATCH}")

    def check_versions(self, libraries: Collection[str] | None = None) -> None:
        """Raises ContractBroken if the minor version of one of *libraries* is not the one that wrote the state.

        None: any that the state knows, since nobody knows which of them a learner of the user's own uses.
        """
        names = [each for each in self.versions if each not in SERVING] if libraries is None else libraries
        now = installed(names)
        for name in names:
            before, today = self.versions.get(name), now.get(name)
            if before is not None and _minor(before) != _minor(today):
                raise ContractBroken(f"learned with {name} {before}, {today or 'none'} is installed: {ONLY_SCRATCH}")


ONLY_SCRATCH = (
    "a continued fit would be wrong and the champion was left as it was; only the `scratch` strategy can learn it"
)


def _minor(text: str | None) -> str | None:
    return None if text is None else ".".join(text.split(".")[:2])


def baseline_of(state: TrainingState, spec: Spec) -> Accepted | None:
    """The lineage's baseline in the spec's metric; None if nothing, or by another definition of the team's own.

    What an edited metric gives is no match for what it gave before.
    """
    found = state.baseline.get(spec.metric)
    return found if found is not None and found.definition == spec.metric_definition else None
