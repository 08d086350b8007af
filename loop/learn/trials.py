"""The trials of one look: what each strategy's newest version says of newly labelled rows that it has not learned."""

from __future__ import annotations

import math
from datetime import datetime
from typing import get_args

import pandas as pd

from ...data.columns import HOLDOUT, ID, LABEL_TIME, TIME
from ...data.metrics.grouped import trial_terms
from ...data.metrics.metrics import Outcomes
from ...data.metrics.own import metric_of
from ...data.view import View
from ...models.gate.pair import same_classes
from ...models.learning.trained import Trained
from ...models.registry.versions import Version
from ...policy.strategies.credits import last_scored, reference_of
from ...spec.errors import RegistryError, SpecError
from ...spec.values import EARLIER, History, Strategy, Trial, TrialRole
from ..champion import Champion, replaced_by
from ..context import ModelContext
from ..excluded import KeptOut, without
from .halved import Halved, halved

LEAST, MOST = 10, 20_000  # rows of one trial: fewer say nothing, and the newest of more are enough


def trials_of(
    context: ModelContext, view: View, champion: Champion, history: History, background: Strategy, broken: KeptOut
) -> tuple[Trial, ...]:
    """Score every version that waits in the background, and former champions, against champion and one another.

    The rows are those whose labels arrived since trials were last made, whenever they were predicted; each pair is
    compared on those that neither has learned. Holdout rows are among them: no version learns these. Of the younger
    half of the rows the background candidate is judged after it has learned the older half (halved.py).
    """
    seen = last_scored(history)
    members = _members(context, champion, background, seen)
    half = _halved(context, view, champion, members, background, broken)
    older = {EARLIER: replaced_by(context, champion.version), "reference": reference_of(history, champion.version)}
    former = {name: trained for name, number in older.items() if number and (trained := _loaded(context, number))}
    if not members and not former and half is None:
        return ()
    since = champion.trained.state.watermark if seen is None else max(seen, _first_unlearned(members, champion))
    rows = _rows(view, since, broken)
    if len(rows) < LEAST:
        return ()
    return _Bench(context, champion, rows, members, former, background, half).trials()


def _halved(
    context: ModelContext,
    view: View,
    champion: Champion,
    members: dict[str, Trained],
    background: Strategy,
    broken: KeptOut,
) -> Halved | None:
    line = members.get(background)
    line = None if line is champion.trained else line
    return halved(context.spec, view, champion, line, background, broken)


def _first_unlearned(members: dict[str, Trained], champion: Champion) -> datetime:
    """From where on at least one version in the background has rows that it did not learn."""
    known = [*members.values(), champion.trained]
    return min(each.state.watermark for each in known)


def _rows(view: View, since: datetime, broken: KeptOut) -> pd.DataFrame:
    parts = [part for part in (view.unlearned(since), view.holdout(since)) if len(part)]
    if not parts:
        return pd.DataFrame()
    rows = without(pd.concat(parts, ignore_index=True), broken)
    newest = rows.sort_values([LABEL_TIME, ID], kind="stable").tail(MOST)
    return newest.sort_values([TIME, ID], kind="stable", ignore_index=True)  # neighbours in time form blocks


def _members(
    context: ModelContext, champion: Champion, background: Strategy, seen: datetime | None
) -> dict[str, Trained]:
    """The newest version of each strategy: those made since trials were last made, the background candidate whatever
    its age.

    One that was made earlier is stale, which is no fault of its strategy. Where the champion itself is the newest of
    its strategy it stands for it.
    """
    found: dict[str, Trained] = {}
    for strategy, version in context.registry.candidates().items():
        if version.number == champion.version or (not _fresh(version, seen) and strategy != background):
            continue
        trained = _loaded(context, version.number)
        if trained is not None:
            found[strategy] = trained
    own = champion.trained.state.strategy
    if own in get_args(Strategy) and own not in found:
        found[own] = champion.trained
    return found


def _fresh(version: Version, seen: datetime | None) -> bool:
    at = version.meta.at
    return at is not None and (seen is None or at >= seen)


def _loaded(context: ModelContext, number: str) -> Trained | None:
    try:
        return context.registry.load(number)
    except (RegistryError, SpecError):  # deleted, or its files were, or they may not be read any more
        return None


class _Bench:
    """All versions of one look, each asked once for its predictions."""

    def __init__(
        self,
        context: ModelContext,
        champion: Champion,
        rows: pd.DataFrame,
        members: dict[str, Trained],
        former: dict[str, Trained],
        background: str,
        half: Halved | None,
    ) -> None:
        self._metric = metric_of(context.spec)
        self._champion, self._rows, self._members, self._former = champion, rows, members, former
        self._background, self._half = background, half
        self._said: dict[str, Outcomes | None] = {}

    def trials(self) -> tuple[Trial, ...]:
        """Each strategy against the champion, the reference and the background candidate."""
        champion = self._champion.trained
        other = self._members.get(self._background, champion)
        found: list[Trial | None] = []
        for strategy, trained in self._members.items():
            found.append(self._trial(strategy, trained, "champion", champion))
            if (reference := self._former.get("reference")) is not None:
                found.append(self._trial(strategy, trained, "reference", reference))
            if strategy != self._background:
                found.append(self._trial(strategy, trained, "background", other))
        if self._half is not None:
            found.append(self._younger(self._half, other, champion))
        if (earlier := self._former.get(EARLIER)) is not None:
            found.append(self._trial(EARLIER, earlier, "champion", champion))
        return tuple(each for each in found if each is not None)

    def _trial(self, strategy: str, trained: Trained, role: TrialRole, against: Trained) -> Trial | None:
        if trained.version == against.version or trained.version is None or against.version is None:
            return None
        ours, theirs = self._outcomes(trained), self._outcomes(against)
        if ours is None or theirs is None:
            return None
        unlearned = self._unlearned(trained, against)
        if self._half is not None and (strategy, role) == (self._background, "champion"):
            unlearned = unlearned & (self._rows[LABEL_TIME] <= pd.Timestamp(self._half.cut))
        if sum(unlearned) < LEAST:
            return None
        places = unlearned.to_numpy().nonzero()[0]
        said = ours.take(places), theirs.take(places)
        return self._compared(strategy, role, (trained.version, against.version), said)

    def _younger(self, half: Halved, line: Trained, champion: Trained) -> Trial | None:
        """The background candidate against the champion, of what came after the rows that it has learned here."""
        ours, theirs = half.trained.try_predict(half.rows), champion.try_predict(half.rows)
        if ours is None or theirs is None or line.version is None or champion.version is None:
            return None
        return self._compared(self._background, "champion", (line.version, champion.version), (ours, theirs))

    def _compared(
        self, strategy: str, role: TrialRole, versions: tuple[str, str], said: tuple[Outcomes, Outcomes]
    ) -> Trial | None:
        """The trial of the first of *versions* against the second by what they *said*; None if nothing can be told."""
        known = trial_terms(self._metric, *same_classes(*said))
        if known is None or not math.isfinite(known.value):
            return None
        variance = known.variance()
        if not math.isfinite(variance):
            return None
        return Trial(
            strategy=strategy,
            version=versions[0],
            role=role,
            against=versions[1],
            rows=len(said[0].target),
            telling=known.telling,
            gain=known.value,
            variance=variance,
        )

    def _outcomes(self, trained: Trained) -> Outcomes | None:
        key = trained.version or ""
        if key not in self._said:
            self._said[key] = trained.try_predict(self._rows)
        return self._said[key]

    def _unlearned(self, *versions: Trained) -> pd.Series[bool]:
        newest = max(each.state.watermark for each in versions)
        held: pd.Series[bool] = self._rows[HOLDOUT].astype(bool)
        return held | (self._rows[LABEL_TIME] > pd.Timestamp(newest))
